package deliver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
)

// Digester makes digests of objects. Those of Secrets are keyed, so that a
// digest in a status or in the ledger tells nothing about a guessable value.
type Digester struct {
	// Key is the installation's own, of 32 bytes.
	Key []byte
	// plain and keyed are reused: an HMAC of SHA-256 costs more to make than to
	// run over a small object.
	plain, keyed sync.Pool
}

func (d *Digester) hash(secret bool) (hash.Hash, func()) {
	pool := &d.plain
	if secret {
		pool = &d.keyed
	}
	h, ok := pool.Get().(hash.Hash)
	switch {
	case ok:
		h.Reset()
	case secret:
		h = hmac.New(sha256.New, d.Key)
	default:
		h = sha256.New()
	}
	return h, func() { pool.Put(h) }
}

// digestSize is how many bytes of a hash make a digest: 128 bits, against
// accident and against anybody who can't also write to the cluster.
const digestSize = 16

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:digestSize]) }

// isSecret reports whether an object's values are secret.
func isSecret(body map[string]any) bool {
	return body["kind"] == "Secret" && body["apiVersion"] == "v1"
}

// Object returns the digest of a whole object.
func (d *Digester) Object(body map[string]any) string {
	h, done := d.hash(isSecret(body))
	defer done()
	writeValue(h, body)
	return sum(h)
}

// Render returns the digest of a set of objects, whatever their order.
func (d *Digester) Render(objects []*Object) string {
	lines := make([]string, len(objects))
	for i, o := range objects {
		lines[i] = o.ID() + " " + o.Digest
	}
	slices.Sort(lines)
	h, done := d.hash(false)
	defer done()
	for _, l := range lines {
		writeString(h, l)
	}
	return sum(h)
}

// Value returns the digest of any JSON value that holds no secret.
func (d *Digester) Value(v any) string {
	h, done := d.hash(false)
	defer done()
	writeValue(h, v)
	return sum(h)
}

// writeValue hashes a JSON value so that different values are different bytes.
// Integers hash alike whether they were decoded as int64 or float64.
func writeValue(h hash.Hash, v any) {
	switch v := v.(type) {
	case nil:
		writeTag(h, 'n')
	case bool:
		if v {
			writeTag(h, 't')
		} else {
			writeTag(h, 'f')
		}
	case string:
		writeTag(h, 's')
		writeString(h, v)
	case int64:
		writeTag(h, 'i')
		writeString(h, strconv.FormatInt(v, 10))
	case int:
		writeValue(h, int64(v))
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			writeValue(h, int64(v))
			return
		}
		writeTag(h, 'd')
		writeString(h, strconv.FormatFloat(v, 'g', -1, 64))
	case []any:
		writeTag(h, 'l')
		writeLen(h, len(v))
		for _, e := range v {
			writeValue(h, e)
		}
	case map[string]any:
		writeTag(h, 'm')
		writeLen(h, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			writeString(h, k)
			writeValue(h, v[k])
		}
	default:
		// Decoded JSON has no other types; a value that has is told apart from
		// all of them rather than dropped.
		writeTag(h, '?')
	}
}

func writeTag(h hash.Hash, tag byte) { h.Write([]byte{tag}) }

func writeLen(h hash.Hash, n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}

func writeString(h hash.Hash, s string) {
	writeLen(h, len(s))
	h.Write([]byte(s))
}
