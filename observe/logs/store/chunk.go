package store

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
)

// chunkSize is how many bytes of lines are packed together: less packs worse, more
// has more unpacked for one line.
const chunkSize = 64 << 10

// overhead is about what a chunk takes beside its data.
const overhead = 128

// chunk is some lines of a stream, one behind the other: for each how much later it
// was written than the one before, its length and its bytes.
type chunk struct {
	stream *Stream
	data   []byte
	packed bool
	lines  int
	// first and last are the earliest and the latest moment of a line.
	first, last int64
	at          int64 // of the line before
	raw         int   // bytes of data before it was packed
}

func (c *chunk) size() int { return overhead + len(c.data) }

// add appends a line and returns by how much the chunk grew.
func (c *chunk) add(at int64, line []byte) int {
	before := 0
	if c.lines > 0 {
		before = c.size()
	}
	if c.lines == 0 {
		c.first, c.last = at, at
	}
	c.first, c.last = min(c.first, at), max(c.last, at)
	c.data = binary.AppendVarint(c.data, at-c.at)
	c.data = binary.AppendUvarint(c.data, uint64(len(line)))
	c.data = append(c.data, line...)
	c.at = at
	c.lines++
	return c.size() - before
}

// packer packs chunks, one at a time.
type packer struct{ in *flate.Writer }

// pack replaces a chunk's data by less of the same meaning.
func (p *packer) pack(c *chunk) {
	var b bytes.Buffer
	b.Grow(len(c.data) / 4)
	if p.in == nil {
		p.in, _ = flate.NewWriter(&b, flate.BestSpeed) // the level is a good one
	} else {
		p.in.Reset(&b)
	}
	c.raw = len(c.data)
	_, err := p.in.Write(c.data)
	if err = errors.Join(err, p.in.Close()); err != nil || b.Len() >= len(c.data) {
		c.data = bytes.Clone(c.data) // without what append reserved
		return
	}
	c.data, c.packed = bytes.Clone(b.Bytes()), true
}

// unpacked returns a chunk's lines as they were written.
func (c *chunk) unpacked(into []byte) ([]byte, error) {
	if !c.packed {
		return c.data, nil
	}
	r := flate.NewReader(bytes.NewReader(c.data))
	if cap(into) < c.raw {
		into = make([]byte, c.raw)
	}
	into = into[:c.raw]
	_, err := io.ReadFull(r, into)
	return into, errors.Join(err, r.Close())
}

// each hands out lines until use returns false. The bytes are valid until then.
func each(data []byte, use func(at int64, line []byte) bool) {
	at := int64(0)
	for len(data) > 0 {
		delta, n := binary.Varint(data)
		data = data[n:]
		length, m := binary.Uvarint(data)
		at += delta
		line := data[m:][:length]
		data = data[m+int(length):]
		if !use(at, line) {
			return
		}
	}
}
