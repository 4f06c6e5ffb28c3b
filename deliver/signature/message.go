package signature

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// message is a text and the signature over it.
type message struct {
	payload   []byte
	signature []byte
	method    string
	// when is the time that the committer or tagger states.
	when time.Time
	// object, kind and name are what a tag says.
	object, kind, name string
}

// begins are the first lines of signatures.
var begins = []struct{ line, method string }{
	{"-----BEGIN PGP SIGNATURE-----", "openpgp"},
	{"-----BEGIN PGP MESSAGE-----", "openpgp"},
	{"-----BEGIN SSH SIGNATURE-----", "ssh"},
	{"-----BEGIN SIGNED MESSAGE-----", "x509"},
}

func methodOf(line []byte) string {
	for _, b := range begins {
		if string(bytes.TrimRight(line, "\r\n")) == b.line {
			return b.method
		}
	}
	return ""
}

// isObject reports whether text is the object of a kind with an id.
func isObject(kind string, text []byte, id string) bool {
	head := []byte(kind + " " + strconv.Itoa(len(text)) + "\x00")
	switch len(id) {
	case 2 * sha1.Size:
		h := sha1.New()
		h.Write(head)
		h.Write(text)
		return hex.EncodeToString(h.Sum(nil)) == id
	case 2 * sha256.Size:
		h := sha256.New()
		h.Write(head)
		h.Write(text)
		return hex.EncodeToString(h.Sum(nil)) == id
	}
	return false
}

// splitCommit takes a commit's signature out of its text. Of the headers that
// may hold one the first counts in repositories of SHA-1, the second in those
// of SHA-256; both are no part of what was signed.
func splitCommit(raw []byte, idLen int) (*message, Verdict) {
	wanted := "gpgsig"
	if idLen == 2*sha256.Size {
		wanted = "gpgsig-sha256"
	}
	head, body := raw, []byte(nil)
	if i := bytes.Index(raw, []byte("\n\n")); i >= 0 {
		head, body = raw[:i+1], raw[i+1:]
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return nil, refuse(Malformed, "the commit's headers hold a NUL byte")
	}
	m := &message{}
	found, inside := 0, ""
	for len(head) > 0 {
		line := head
		if i := bytes.IndexByte(head, '\n'); i >= 0 {
			line = head[:i+1]
		}
		head = head[len(line):]
		key, value, _ := bytes.Cut(line, []byte(" "))
		if len(key) > 0 {
			inside = string(key)
		}
		switch {
		case inside == wanted:
			if len(key) > 0 {
				found++
			}
			m.signature = append(m.signature, value...)
			continue
		case inside == "gpgsig" || inside == "gpgsig-sha256":
			continue
		}
		m.payload = append(m.payload, line...)
	}
	m.payload = append(m.payload, body...)
	switch {
	case found == 0:
		return nil, refuse(Unsigned, "the commit has no signature")
	case found > 1:
		return nil, refuse(Malformed, "the commit has several signatures, which can be read in several ways")
	}
	return m.finish("committer")
}

// splitTag takes a tag's signature off its end.
func splitTag(raw []byte) (*message, Verdict) {
	from := -1
	for at := 0; at < len(raw); {
		line := raw[at:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		if methodOf(line) != "" {
			from = at
		}
		at += len(line)
	}
	if from < 0 {
		return nil, refuse(Unsigned, "the tag has no signature")
	}
	m := &message{payload: raw[:from], signature: raw[from:]}
	head, _, _ := bytes.Cut(m.payload, []byte("\n\n"))
	if bytes.IndexByte(head, 0) >= 0 {
		return nil, refuse(Malformed, "the tag's headers hold a NUL byte")
	}
	for key, into := range map[string]*string{"object": &m.object, "type": &m.kind, "tag": &m.name} {
		value, n := header(head, key)
		if n != 1 {
			return nil, refuse(Malformed, "the tag has no header "+key+", or several")
		}
		*into = value
	}
	return m.finish("tagger")
}

// finish reads who stated when, and the signature's form.
func (m *message) finish(who string) (*message, Verdict) {
	head, _, _ := bytes.Cut(m.payload, []byte("\n\n"))
	person, n := header(head, who)
	if n != 1 {
		return nil, refuse(Malformed, "there is no "+who+", or several")
	}
	stamp := person[strings.LastIndexByte(person, '>')+1:]
	seconds, _, _ := strings.Cut(strings.TrimSpace(stamp), " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || at < 0 || at >= 253402300800 {
		return nil, refuse(Malformed, "the "+who+"'s time cannot be read")
	}
	m.when = time.Unix(at, 0).UTC()
	first, _, _ := bytes.Cut(m.signature, []byte("\n"))
	if m.method = methodOf(first); m.method == "" {
		return nil, refuse(Malformed, "the signature is of no known form")
	}
	return m, Verdict{Status: Good}
}

// header returns the first value of a header, and how many of it there are.
func header(head []byte, key string) (value string, n int) {
	for line := range bytes.Lines(head) {
		if v, ok := bytes.CutPrefix(line, []byte(key+" ")); ok {
			if n == 0 {
				value = string(bytes.TrimRight(v, "\n"))
			}
			n++
		}
	}
	return value, n
}
