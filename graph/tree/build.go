package tree

import (
	"errors"
	"math"
)

// ErrTooLarge is returned by Builder.Doc when the document grew past the
// builder's limit, as an alias bomb does.
var ErrTooLarge = errors.New("document has too many values")

// Scalar is what a Builder needs to know of one scalar.
type Scalar struct {
	Text         string
	Kind         Kind
	Line, Column int
	Quoted       bool
	Block        bool
}

// Builder makes a Doc, value by value in document order. After Open come the
// children and then Close. In a map, each value is preceded by its Key.
type Builder struct {
	limit int
	text  []byte
	nodes []node
	open  []int32
	full  bool
}

// NewBuilder returns a Builder of documents with at most limit values.
func NewBuilder(limit int) *Builder { return &Builder{limit: limit} }

// Full reports whether the limit was passed; a parser should stop then.
func (b *Builder) Full() bool { return b.full }

func (b *Builder) add(n node) int32 {
	if len(b.nodes) >= b.limit {
		b.full = true
		return -1
	}
	i := int32(len(b.nodes))
	n.next, n.parent = i+1, 0
	if len(b.open) > 0 {
		n.parent = b.open[len(b.open)-1]
	}
	b.nodes = append(b.nodes, n)
	return i
}

func column(c int) uint16 { return uint16(min(max(c, 0), math.MaxUint16)) }

func (b *Builder) scalar(s Scalar, flags uint8) {
	if s.Quoted {
		flags |= flagQuoted
	}
	if s.Block {
		flags |= flagBlock
	}
	off := len(b.text)
	if off+len(s.Text) > math.MaxInt32 {
		b.full = true
		return
	}
	i := b.add(node{off: int32(off), len: int32(len(s.Text)), line: int32(s.Line), col: column(s.Column), kind: s.Kind, flags: flags})
	if i >= 0 {
		b.text = append(b.text, s.Text...)
	}
}

// Key adds the key of the next value of a map.
func (b *Builder) Key(s Scalar) { b.scalar(s, flagKey) }

// Value adds a scalar.
func (b *Builder) Value(s Scalar) { b.scalar(s, 0) }

// Open begins a Map or a List.
func (b *Builder) Open(k Kind, line, col int, flow bool) {
	n := node{line: int32(line), col: column(col), kind: k}
	if flow {
		n.flags = flagFlow
	}
	b.open = append(b.open, b.add(n))
}

// Close ends the innermost Map or List.
func (b *Builder) Close() {
	i := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	if i >= 0 {
		b.nodes[i].next = int32(len(b.nodes))
	}
}

// Doc returns the document built so far and resets the builder. The document
// has exactly the memory that it needs: it may live long, while the builder's
// memory serves the next one.
func (b *Builder) Doc() (*Doc, error) {
	defer b.Reset()
	if b.full {
		return nil, ErrTooLarge
	}
	d := &Doc{text: string(b.text), nodes: make([]node, len(b.nodes))}
	copy(d.nodes, b.nodes)
	return d, nil
}

// Reset throws away what was built so far, but keeps the memory for it.
func (b *Builder) Reset() {
	b.nodes, b.open, b.text, b.full = b.nodes[:0], b.open[:0], b.text[:0], false
}

// Cap is about how many bytes of memory the builder holds.
func (b *Builder) Cap() int { return cap(b.nodes)*24 + cap(b.open)*4 + cap(b.text) }
