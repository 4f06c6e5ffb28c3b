package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"regexp"
	"sync"
)

// form is how an encrypted value is written.
var form = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:(str|int|float|bool|time|bytes|comment)\]$`)
})

// value decrypts one value. where is authenticated with it.
func (w *walker) value(text, where string) (value, kind string, err error) {
	m := form().FindStringSubmatch(text)
	if m == nil {
		return "", "", errors.New("no encrypted value")
	}
	var parts [3][]byte
	for i := range parts {
		if parts[i], err = base64.StdEncoding.DecodeString(m[i+1]); err != nil {
			return "", "", err
		}
	}
	data, iv, tag := parts[0], parts[1], parts[2]
	if len(iv) != w.aead.NonceSize() || len(tag) != w.aead.Overhead() {
		return "", "", errors.New("wrong sizes")
	}
	plain, err := w.aead.Open(nil, iv, append(data, tag...), []byte(where))
	if err != nil {
		return "", "", err
	}
	return string(plain), m[4], nil
}

func newAEAD(key []byte, nonce int) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithNonceSize(block, nonce)
}
