// Package sops reads files that SOPS encrypted for age keys: YAML and JSON with
// their values encrypted one by one, dotenv, and whole files. Others than age
// keys, and key groups that need several, are refused by name.
//
// A value is AES-256-GCM with the path of its keys as additional data, so that
// no value can be moved to another place; a MAC over all values tells whether
// one was left out. Values are never part of an error.
package sops

import (
	"bytes"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/fault"
)

const op = "decrypt"

// maxFile bounds a file, in bytes.
const maxFile = 16 << 20

// Keys are age identities.
type Keys struct{ identities []age.Identity }

// ParseKeys reads identity files: lines of AGE-SECRET-KEY-1…, with comments.
func ParseKeys(files ...[]byte) (*Keys, error) {
	k := &Keys{}
	for _, f := range files {
		ids, err := age.ParseIdentities(bytes.NewReader(f))
		if err != nil {
			// The library's error may quote the line, which may be a key.
			return nil, fault.New(fault.Invalid, "read age keys", "", "they are not of the form AGE-SECRET-KEY-1…", "use what age-keygen writes")
		}
		k.identities = append(k.identities, ids...)
	}
	return k, nil
}

// Encrypted tells whether a file may be one that SOPS wrote.
func Encrypted(text []byte) bool {
	return bytes.Contains(text, []byte("ENC[AES256_GCM,")) && (bytes.Contains(text, []byte("sops")))
}

// recipient is one key that can open the file.
type recipient struct {
	Recipient string `yaml:"recipient"`
	Enc       string `yaml:"enc"`
}

// maxRecipients bounds how many are tried.
const maxRecipients = 256

// metadata is what SOPS notes about a file.
type metadata struct {
	Age                     []recipient `yaml:"age"`
	KeyGroups               []any       `yaml:"key_groups"`
	ShamirThreshold         int         `yaml:"shamir_threshold"`
	LastModified            string      `yaml:"lastmodified"`
	MAC                     string      `yaml:"mac"`
	MACOnlyEncrypted        bool        `yaml:"mac_only_encrypted"`
	UnencryptedSuffix       string      `yaml:"unencrypted_suffix"`
	EncryptedSuffix         string      `yaml:"encrypted_suffix"`
	UnencryptedRegex        string      `yaml:"unencrypted_regex"`
	EncryptedRegex          string      `yaml:"encrypted_regex"`
	UnencryptedCommentRegex string      `yaml:"unencrypted_comment_regex"`
	EncryptedCommentRegex   string      `yaml:"encrypted_comment_regex"`
	Version                 string      `yaml:"version"`
}

// YAML decrypts a YAML or JSON file of one or more documents; documents that
// are not encrypted stay as they are.
func (k *Keys) YAML(name string, text []byte) ([]byte, error) {
	if len(text) > maxFile {
		return nil, tooLarge(name)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	// SOPS writes the metadata into every document, and one MAC for all of them.
	var docs []*yaml.Node
	var meta *metadata
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, op, name, err, "mend its YAML")
		}
		m, err := takeMetadata(&n)
		if err != nil {
			return nil, malformed(name, err.Error())
		}
		if m != nil {
			meta = m
		}
		docs = append(docs, &n)
	}
	if meta == nil {
		return text, nil
	}
	if err := k.decrypt(docs, meta); err != nil {
		return nil, denied(name, err)
	}
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			return nil, fault.New(fault.Invalid, op, name, "the decrypted values make no YAML", "encrypt it again with sops")
		}
	}
	if err := enc.Close(); err != nil {
		return nil, fault.New(fault.Internal, op, name, "it cannot be written", "")
	}
	return out.Bytes(), nil
}

// takeMetadata takes the key sops out of a document and reads it.
func takeMetadata(doc *yaml.Node) (*metadata, error) {
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, nil
	}
	top := doc.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		if top.Content[i].Value != "sops" || top.Content[i+1].Kind != yaml.MappingNode {
			continue
		}
		var m metadata
		if err := top.Content[i+1].Decode(&m); err != nil {
			return nil, errors.New("its metadata cannot be read")
		}
		if m.MAC == "" {
			return nil, nil // a key of that name, but not SOPS's
		}
		top.Content = append(top.Content[:i:i], top.Content[i+2:]...)
		return &m, nil
	}
	return nil, nil
}

// dataKey finds the key of the file.
func (k *Keys) dataKey(m *metadata) ([]byte, error) {
	switch {
	case len(m.KeyGroups) > 0 || m.ShamirThreshold > 1:
		return nil, errors.New("it needs several keys (key groups), which is not supported")
	case len(m.Age) == 0:
		return nil, errors.New("it is encrypted for keys of other kinds than age, which is not supported: add an age recipient")
	case len(k.identities) == 0:
		return nil, errors.New("there is no age key: name a Secret with one in spec.decryption")
	}
	for _, r := range m.Age[:min(len(m.Age), maxRecipients)] {
		reader, err := age.Decrypt(armor.NewReader(strings.NewReader(r.Enc)), k.identities...)
		if err != nil {
			continue
		}
		key, err := io.ReadAll(io.LimitReader(reader, 64))
		if err == nil && len(key) == 32 {
			return key, nil
		}
	}
	return nil, fmt.Errorf("none of the %d age keys fits its %d recipients", len(k.identities), len(m.Age))
}

// decrypt decrypts documents in place and checks that none of their values was
// changed, moved or left out.
func (k *Keys) decrypt(docs []*yaml.Node, m *metadata) error {
	key, err := k.dataKey(m)
	if err != nil {
		return err
	}
	rules, err := rulesOf(m)
	if err != nil {
		return err
	}
	w := &walker{rules: rules, mac: sha512.New(), onlyEncrypted: m.MACOnlyEncrypted}
	if w.aead, err = newAEAD(key, 32); err != nil {
		return err
	}
	if m.MACOnlyEncrypted {
		// So that a MAC of the one kind does not pass for one of the other.
		init, err := hex.DecodeString("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")
		if err != nil {
			return err
		}
		w.mac.Write(init)
	}
	for _, d := range docs {
		for _, n := range d.Content {
			if err := w.node(n, nil, 0); err != nil {
				return err
			}
		}
	}
	want, _, err := w.value(m.MAC, m.LastModified)
	if err != nil {
		return errors.New("its MAC cannot be read: the file was changed after it was encrypted")
	}
	got := strings.ToUpper(hex.EncodeToString(w.mac.Sum(nil)))
	if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return errors.New("its MAC does not fit: values were changed, added or left out after it was encrypted")
	}
	return nil
}
