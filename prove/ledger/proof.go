package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/fault"
)

// proofMagic is the first line of a proof file (C2SP tlog-proof).
const proofMagic = "c2sp.org/tlog-proof@v1"

// MaxProof is the most bytes that a proof file may have.
const MaxProof = 256 << 10

// Proof shows that one entry is in the log, to somebody who has nothing else.
type Proof struct {
	Index int64
	Entry *Entry
	Body  []byte
	// Checkpoint is of the tree that the entry is in.
	Checkpoint *Checkpoint
	// Key is the log's public key as the proof brings it along. It proves
	// nothing by itself: compare it with the key as the log publishes it.
	Key *Key
}

// Newest returns the newest checkpoint of a ledger that has at least size
// entries. NotFound if there is none yet.
func Newest(ctx context.Context, r Reader, size int64) (*Checkpoint, error) {
	h, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	none := fault.New(fault.NotFound, "find a checkpoint of", h.Origin, "none was signed yet that covers this", "sign one with `aeo audit checkpoint`")
	if h.Key == "" {
		return nil, none
	}
	log, err := ParseKey(h.Key)
	if err != nil {
		return nil, damaged(err)
	}
	// The newest is close to the end; look further back step by step.
	for step := int64(4096); ; step *= 16 {
		from := max(size, h.Size-step)
		var last *Signed
		for next := from; ; {
			list, err := r.Checkpoints(ctx, next, 256)
			if err != nil {
				return nil, err
			}
			if len(list) == 0 {
				break
			}
			last = &list[len(list)-1]
			next = last.Size + 1
		}
		if last != nil {
			c, err := OpenCheckpoint(last.Note, log)
			if err != nil {
				return nil, damaged(err)
			}
			if c.N != last.Size {
				return nil, damaged(fmt.Errorf("a checkpoint of %d entries is kept as one of %d", c.N, last.Size))
			}
			return c, nil
		}
		if from <= size {
			if any, err := r.Checkpoints(ctx, 0, 1); err != nil || len(any) > 0 || h.Size == 0 {
				return nil, cmp.Or(err, error(none))
			}
			return nil, fault.Wrap(fault.Blocked, "check the ledger", h.Origin, unsigned(h.Size), "restore it from its backup, and compare it with a checkpoint that somebody kept")
		}
	}
}

// Prove writes a proof file for an entry, against the newest checkpoint.
func Prove(ctx context.Context, r Reader, index int64) ([]byte, error) {
	it, err := Get(ctx, r, index, false)
	if err != nil {
		return nil, err
	}
	c, err := Newest(ctx, r, index+1)
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(c.N, index, readHashes(ctx, r, c.N))
	if err != nil {
		return nil, err
	}
	if err := tlog.CheckRecord(path, c.N, c.Hash, index, it.Hash()); err != nil {
		return nil, damaged(fmt.Errorf("entry %d is not what was signed: %w", index, err))
	}
	h, err := r.Head(ctx)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	extra := append([]byte(h.Key+"\n"), it.Body...)
	fmt.Fprintf(&b, "%s\nextra %s\nindex %d\n", proofMagic, base64.StdEncoding.EncodeToString(extra), index)
	for _, h := range path {
		b.WriteString(h.String() + "\n")
	}
	b.WriteByte('\n')
	b.Write(c.Note)
	return []byte(b.String()), nil
}

// OpenProof checks a proof file. With trusted, the checkpoint must be of that
// key; nil takes the key in the file for granted.
func OpenProof(text []byte, trusted *Key, witnesses ...*Key) (*Proof, error) {
	refuse := func(why string, cause error) error {
		return &fault.Error{Kind: fault.Invalid, Op: "open a proof", Public: why, Hint: "the proof was damaged or forged: ask for another, and compare the log's key", Cause: cause}
	}
	if len(text) > MaxProof {
		return nil, refuse("it is too long", nil)
	}
	head, signed, ok := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 3 || lines[0] != proofMagic {
		return nil, refuse("it is not of the form "+proofMagic, nil)
	}
	p := &Proof{}
	if err := p.extra(lines[1]); err != nil {
		return nil, refuse("it does not bring the entry along", err)
	}
	number, ok := strings.CutPrefix(lines[2], "index ")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || n < 0 || strconv.FormatInt(n, 10) != number {
		return nil, refuse("its index is no number", err)
	}
	p.Index = n
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != tlog.HashSize || len(path) > 63 {
			return nil, refuse("its path is no list of hashes", err)
		}
		path = append(path, tlog.Hash(h))
	}
	if trusted != nil && trusted.String() != p.Key.String() {
		return nil, refuse(fmt.Sprintf("it is of the key %s, not of %s", p.Key, trusted), nil)
	}
	if p.Checkpoint, err = OpenCheckpoint(signed, p.Key, witnesses...); err != nil {
		return nil, err
	}
	if err := tlog.CheckRecord(path, p.Checkpoint.N, p.Checkpoint.Hash, p.Index, leafHash(p.Body)); err != nil {
		return nil, refuse(fmt.Sprintf("the entry is not entry %d of the log that the checkpoint is of", p.Index), err)
	}
	p.Entry, err = Decode(p.Body)
	return p, err
}

// extra reads what the proof brings along besides: the key and the entry.
func (p *Proof) extra(line string) error {
	b64, ok := strings.CutPrefix(line, "extra ")
	if !ok {
		return fmt.Errorf("the second line is not extra")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(b64)
	if err != nil {
		return err
	}
	key, body, ok := bytes.Cut(raw, []byte("\n"))
	if !ok {
		return fmt.Errorf("there is no key before the entry")
	}
	p.Body = body
	p.Key, err = ParseKey(string(key))
	return err
}
