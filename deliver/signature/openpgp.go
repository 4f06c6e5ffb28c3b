package signature

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// maxSignature bounds a signature's text, in bytes.
const maxSignature = 64 << 10

// skew is how far in the future a signature may have been made.
const skew = 24 * time.Hour

// minRSA is the least length of an RSA key, in bits.
const minRSA = 2048

func (k *Keys) openPGP(m *message, now time.Time) Verdict {
	sig, err := readPGP(m.signature)
	switch {
	case err != nil:
		return refuse(Malformed, "the OpenPGP signature cannot be read: "+err.Error())
	case sig.SigType != packet.SigTypeBinary:
		return refuse(Malformed, "the signature is not of the kind that Git makes")
	case sig.Hash != crypto.SHA256 && sig.Hash != crypto.SHA384 && sig.Hash != crypto.SHA512 && sig.Hash != crypto.SHA224:
		return refuse(Weak, "the signature is over a hash that can be forged")
	case sig.IssuerKeyId == nil:
		return refuse(Malformed, "the signature does not say which key made it")
	}
	id := fmt.Sprintf("%016X", *sig.IssuerKeyId)
	keys := k.pgp.KeysById(*sig.IssuerKeyId)
	if len(keys) == 0 {
		return refuse(UnknownKey, "the OpenPGP key "+id+" is not among the trusted ones").via("", id)
	}
	v := Verdict{}
	for _, key := range keys {
		if v = checkPGP(key, sig, m.payload, now).via("", fmt.Sprintf("%X", key.PublicKey.Fingerprint)); v.Status == Good {
			break
		}
	}
	return v
}

// readPGP reads an armored text with exactly one signature in it.
func readPGP(text []byte) (*packet.Signature, error) {
	if len(text) > maxSignature {
		return nil, errors.New("it is too long")
	}
	end := []byte("-----END PGP SIGNATURE-----")
	i := bytes.Index(text, end)
	if i < 0 || len(bytes.TrimSpace(text[i+len(end):])) > 0 {
		return nil, errors.New("it has no end, or something behind it")
	}
	block, err := armor.Decode(bytes.NewReader(text))
	if err != nil || block.Type != openpgp.SignatureType {
		return nil, errors.New("its armor is damaged")
	}
	raw, err := io.ReadAll(io.LimitReader(block.Body, maxSignature))
	if err != nil {
		return nil, errors.New("its armor is damaged")
	}
	packets := packet.NewReader(bytes.NewReader(raw))
	first, err := packets.Next()
	if err != nil {
		return nil, errors.New("it holds no packet")
	}
	sig, ok := first.(*packet.Signature)
	if !ok {
		return nil, errors.New("it holds something else than a signature")
	}
	if _, err := packets.Next(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one signature")
	}
	return sig, nil
}

// checkPGP verifies with one key. Whether the signature fits comes first: of a
// signature that doesn't, nothing else means anything.
func checkPGP(key openpgp.Key, sig *packet.Signature, payload []byte, now time.Time) Verdict {
	h, err := sig.PrepareVerify()
	if err != nil {
		return refuse(Malformed, "the signature cannot be verified")
	}
	if _, err := h.Write(payload); err != nil {
		return refuse(Malformed, "the signature cannot be verified")
	}
	if !key.PublicKey.PubKeyAlgo.CanSign() {
		return refuse(BadSignature, "the key is not one that signs")
	}
	if err := key.PublicKey.VerifySignature(h, sig); err != nil {
		return refuse(BadSignature, "the signature does not fit: the text or the signature was changed")
	}
	primary, _ := key.Entity.PrimarySelfSignature()
	if primary == nil || key.SelfSignature == nil {
		return refuse(Malformed, "the trusted key has no self-signature that is valid")
	}
	switch {
	case len(key.Entity.Revocations) > 0 || len(key.Revocations) > 0 || identityRevoked(key.Entity):
		return refuse(Revoked, "the key was revoked")
	case weakPGP(key.PublicKey):
		return refuse(Weak, "the key is of a kind, or a length, that can be broken")
	case !key.SelfSignature.FlagsValid || !key.SelfSignature.FlagSign:
		return refuse(NotAllowed, "the key is not meant for signing")
	case sig.CreationTime.After(now.Add(skew)):
		return refuse(NotYetValid, "the signature was made in the future")
	case sig.CreationTime.Before(key.PublicKey.CreationTime) || now.Before(key.PublicKey.CreationTime.Add(-skew)):
		return refuse(NotYetValid, "the signature is older than its key")
	case key.Entity.PrimaryKey.KeyExpired(primary, now) || key.PublicKey.KeyExpired(key.SelfSignature, now):
		return refuse(Expired, "the key has expired")
	case sig.SigLifetimeSecs != nil && *sig.SigLifetimeSecs > 0 && now.After(sig.CreationTime.Add(time.Duration(*sig.SigLifetimeSecs)*time.Second)):
		return refuse(Expired, "the signature has expired")
	}
	return Verdict{Status: Good, Signer: pgpName(key.Entity)}
}

// identityRevoked reports whether the main name of a key was taken back.
func identityRevoked(e *openpgp.Entity) bool {
	id := e.PrimaryIdentity()
	return id != nil && len(id.Revocations) > 0
}

func weakPGP(k *packet.PublicKey) bool {
	switch k.PubKeyAlgo {
	case packet.PubKeyAlgoDSA, packet.PubKeyAlgoElGamal:
		return true
	}
	key, isRSA := k.PublicKey.(*rsa.PublicKey)
	return isRSA && key.N.BitLen() < minRSA
}

func pgpName(e *openpgp.Entity) string {
	if id := e.PrimaryIdentity(); id != nil {
		return id.Name
	}
	return fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)
}
