package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// maxCheckpoint is the most bytes that a checkpoint with all its signatures
// may have.
const maxCheckpoint = 64 << 10

// Checkpoint is a signed head of the tree.
type Checkpoint struct {
	Origin string
	tlog.Tree
	// Time is when the log says that it signed; zero if it does not say.
	Time time.Time
	// Witnesses are the cosignatures of the witnesses that were asked for.
	Witnesses []Cosignature
	// Note is the whole text with its signatures.
	Note []byte
}

// Cosignature is a witness's word that the log only grew until a time.
type Cosignature struct {
	Witness string
	Time    time.Time
}

// formatTree returns the text of a checkpoint.
func formatTree(origin string, t tlog.Tree) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, t.N, t.Hash)
}

// parseTree reads the text of a checkpoint. Lines behind the third are for
// others.
func parseTree(text string) (origin string, t tlog.Tree, err error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 || lines[0] == "" {
		return "", t, errors.New("it has fewer than three lines")
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != lines[1] {
		return "", t, errors.New("its second line is no size of a tree")
	}
	h, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(h) != tlog.HashSize {
		return "", t, errors.New("its third line is no hash")
	}
	return lines[0], tlog.Tree{N: n, Hash: tlog.Hash(h)}, nil
}

// sign makes a checkpoint of a tree, as of a time.
func (k *SigningKey) sign(t tlog.Tree, at time.Time) (*Signed, error) {
	signed, err := note.Sign(&note.Note{Text: formatTree(k.name, t)}, noteSigner{k}, cosigner{k, at})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "sign a checkpoint of", k.name, err, "is the signing key's device there?")
	}
	return &Signed{Size: t.N, Note: signed}, nil
}

// OpenCheckpoint checks a checkpoint against the log's key and reads it. Of
// the witnesses, those that cosigned are listed in it; a cosignature in the
// name of one that is not that witness's is an error.
func OpenCheckpoint(text []byte, log *Key, witnesses ...*Key) (*Checkpoint, error) {
	refuse := func(why string, cause error) error {
		return &fault.Error{Kind: fault.Invalid, Op: "open a checkpoint of", Subject: log.name, Public: why, Cause: cause}
	}
	if len(text) > maxCheckpoint {
		return nil, refuse("it is too long", nil)
	}
	known := []note.Verifier{plain{log}, timed{log}}
	for _, w := range witnesses {
		if !slices.ContainsFunc(known, func(v note.Verifier) bool { return v.Name() == w.name && v.KeyHash() == timed{w}.KeyHash() }) {
			known = append(known, timed{w})
		}
	}
	n, err := note.Open(text, note.VerifierList(known...))
	if bad, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
		return nil, refuse("the signature of "+bad.Name+" is forged", err)
	}
	if _, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return nil, refuse("it is not signed with the log's key", err)
	}
	if err != nil {
		return nil, refuse("it is no signed note", err)
	}
	if !strict(n) {
		return nil, refuse("a signature is not in its one form", nil)
	}
	c := &Checkpoint{Note: text}
	if c.Origin, c.Tree, err = parseTree(n.Text); err != nil {
		return nil, refuse(err.Error(), nil)
	}
	if c.Origin != log.name {
		return nil, refuse(fmt.Sprintf("it is of the log %q", c.Origin), nil)
	}
	ours := false
	for _, s := range n.Sigs {
		at, timed := signedAt(s)
		switch {
		case s.Name == log.name && s.Hash == plain{log}.KeyHash():
			ours = true
		case s.Name == log.name && timed && c.Time.IsZero():
			c.Time = at
		case timed:
			c.Witnesses = append(c.Witnesses, Cosignature{s.Name, at})
		}
	}
	if !ours {
		return nil, refuse("it is not signed with the log's key", nil)
	}
	return c, nil
}

// strict reports whether the signatures of a note are in the one form that
// their bytes have: base64 may have bits that are in none of them.
func strict(n *note.Note) bool {
	for _, list := range [][]note.Signature{n.Sigs, n.UnverifiedSigs} {
		for _, s := range list {
			if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
				return false
			}
		}
	}
	return true
}
