// Package tree is a document as it was written: a tree of maps, lists and
// scalars in which every value knows its line and column.
//
// A Doc is one compact, immutable arena: 24 bytes a node and one string for
// all scalars, so that tens of thousands of documents fit into memory and cost
// the garbage collector nothing. A Node is a cheap handle into it. All methods
// of Node are safe on the zero Node, which stands for "absent"; chains such as
// n.Get("spec").Get("template") need no checks in between.
package tree

import (
	"iter"
	"math"
	"strconv"
	"strings"
)

// Kind is the type of a value, as the Kubernetes API server would see it.
type Kind uint8

// The kinds. Absent is the kind of the zero Node.
const (
	Absent Kind = iota
	Null
	Bool
	Int
	Float
	String
	List
	Map
)

var kindNames = [...]string{"absent", "null", "boolean", "integer", "number", "string", "list", "map"}

// String returns the kind's name for messages.
func (k Kind) String() string { return kindNames[k] }

// Doc is one document. It is immutable once built and safe for concurrent use.
type Doc struct {
	text  string
	nodes []node
}

// A node's children follow it in pre-order; next is the index after its last
// descendant. A map's children alternate between key and value.
type node struct {
	off, len int32
	line     int32
	next     int32
	parent   int32
	col      uint16
	kind     Kind
	flags    uint8
}

const (
	flagKey uint8 = 1 << iota
	flagQuoted
	flagFlow
	flagBlock
)

// Node is a handle to one value of a Doc. The zero Node is absent.
type Node struct {
	d *Doc
	i int32
}

// Root returns the document's top value.
func (d *Doc) Root() Node {
	if d == nil || len(d.nodes) == 0 {
		return Node{}
	}
	return Node{d, 0}
}

// Size is the number of nodes in the document.
func (d *Doc) Size() int { return len(d.nodes) }

func (n Node) raw() *node { return &n.d.nodes[n.i] }

// Exists reports whether n is a value of a document.
func (n Node) Exists() bool { return n.d != nil }

// Kind returns the kind of value.
func (n Node) Kind() Kind {
	if n.d == nil {
		return Absent
	}
	return n.raw().kind
}

// IsMap, IsList and IsString report the kind.
func (n Node) IsMap() bool { return n.Kind() == Map }

// IsList reports whether n is a list.
func (n Node) IsList() bool { return n.Kind() == List }

// IsString reports whether n is a string.
func (n Node) IsString() bool { return n.Kind() == String }

// IsNull reports whether n is absent or an explicit null, which Kubernetes
// treats alike.
func (n Node) IsNull() bool { return n.Kind() <= Null }

// Quoted reports whether a scalar was written in quotes.
func (n Node) Quoted() bool { return n.d != nil && n.raw().flags&flagQuoted != 0 }

// Flow reports whether a collection was written in flow style ({} or []).
func (n Node) Flow() bool { return n.d != nil && n.raw().flags&flagFlow != 0 }

// Block reports whether a string was written as a block scalar (| or >).
func (n Node) Block() bool { return n.d != nil && n.raw().flags&flagBlock != 0 }

// Text returns a scalar's text whatever its kind, "" for anything else.
func (n Node) Text() string {
	if n.d == nil {
		return ""
	}
	r := n.raw()
	return n.d.text[r.off : r.off+r.len]
}

// Str returns a string's value, "" for anything else.
func (n Node) Str() string {
	if n.Kind() != String {
		return ""
	}
	return n.Text()
}

// Bool returns a boolean's value; ok is false for anything else.
func (n Node) Bool() (v, ok bool) {
	if n.Kind() != Bool {
		return false, false
	}
	switch n.Text() {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y":
		return true, true
	}
	return false, true
}

// True reports whether n is the boolean true.
func (n Node) True() bool { v, _ := n.Bool(); return v }

// False reports whether n is the boolean false (absent is not).
func (n Node) False() bool { v, ok := n.Bool(); return ok && !v }

// Int returns an integer's value; ok is false for anything else.
func (n Node) Int() (v int64, ok bool) {
	switch n.Kind() {
	case Int:
		v, err := strconv.ParseInt(n.digits(), 0, 64)
		return v, err == nil
	case Float:
		f, err := strconv.ParseFloat(n.digits(), 64)
		if err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f), true
		}
	}
	return 0, false
}

// IntOr returns an integer's value or def.
func (n Node) IntOr(def int64) int64 {
	if v, ok := n.Int(); ok {
		return v
	}
	return def
}

// Float returns a number's value; ok is false for anything else.
func (n Node) Float() (v float64, ok bool) {
	if k := n.Kind(); k != Int && k != Float {
		return 0, false
	}
	if i, ok := n.Int(); ok {
		return float64(i), true
	}
	v, err := strconv.ParseFloat(n.digits(), 64)
	return v, err == nil
}

// digits returns a number's text without the underscores that YAML 1.1 allows
// anywhere among its digits.
func (n Node) digits() string {
	text := n.Text()
	if strings.IndexByte(text, '_') < 0 {
		return text
	}
	return strings.ReplaceAll(text, "_", "")
}

// Get returns the value at key of a map, absent for anything else.
func (n Node) Get(key string) Node {
	if n.Kind() != Map {
		return Node{}
	}
	nodes, text := n.d.nodes, n.d.text
	for k, end := n.i+1, nodes[n.i].next; k < end; {
		r := &nodes[k]
		if int(r.len) == len(key) && text[r.off:r.off+r.len] == key {
			return Node{n.d, k + 1}
		}
		k = nodes[k+1].next
	}
	return Node{}
}

// At follows keys down nested maps.
func (n Node) At(keys ...string) Node {
	for _, k := range keys {
		n = n.Get(k)
	}
	return n
}

// Has reports whether a map has key with a value other than null.
func (n Node) Has(key string) bool { return !n.Get(key).IsNull() }

// Len is the number of entries of a map or list, 0 for anything else.
func (n Node) Len() int {
	c := 0
	switch n.Kind() {
	case List:
		for k, end := n.i+1, n.raw().next; k < end; k = n.d.nodes[k].next {
			c++
		}
	case Map:
		for k, end := n.i+1, n.raw().next; k < end; k = n.d.nodes[k+1].next {
			c++
		}
	}
	return c
}

// Index returns the i-th entry of a list, counted from 0.
func (n Node) Index(i int) Node {
	if n.Kind() != List || i < 0 {
		return Node{}
	}
	for k, end := n.i+1, n.raw().next; k < end; k = n.d.nodes[k].next {
		if i == 0 {
			return Node{n.d, k}
		}
		i--
	}
	return Node{}
}

// Items iterates over a list's entries; over nothing for anything else.
func (n Node) Items() iter.Seq2[int, Node] {
	return func(yield func(int, Node) bool) {
		if n.Kind() != List {
			return
		}
		i := 0
		for k, end := n.i+1, n.raw().next; k < end; k = n.d.nodes[k].next {
			if !yield(i, Node{n.d, k}) {
				return
			}
			i++
		}
	}
}

// Fields iterates over a map's keys and values in written order; over nothing
// for anything else. The key is a Node too: it has a position.
func (n Node) Fields() iter.Seq2[Node, Node] {
	return func(yield func(k, v Node) bool) {
		if n.Kind() != Map {
			return
		}
		for k, end := n.i+1, n.raw().next; k < end; k = n.d.nodes[k+1].next {
			if !yield(Node{n.d, k}, Node{n.d, k + 1}) {
				return
			}
		}
	}
}

// Strings returns the string entries of a list.
func (n Node) Strings() []string {
	var out []string
	for _, e := range n.Items() {
		if e.Kind() == String {
			out = append(out, e.Text())
		}
	}
	return out
}

// StringMap returns a map's scalar entries as text: labels, annotations.
func (n Node) StringMap() map[string]string {
	if n.Kind() != Map {
		return nil
	}
	out := make(map[string]string)
	for k, v := range n.Fields() {
		if v.Kind() < List {
			out[k.Text()] = v.Text()
		}
	}
	return out
}

// Line is the line of the value, counted from 1; 0 if n is absent.
func (n Node) Line() int {
	if n.d == nil {
		return 0
	}
	return int(n.raw().line)
}

// Column is the column of the value, counted from 1; 0 if n is absent.
func (n Node) Column() int {
	if n.d == nil {
		return 0
	}
	return int(n.raw().col)
}

// EndLine is the line of the value's last descendant. For a block scalar it
// includes the lines of its text.
func (n Node) EndLine() int {
	if n.d == nil {
		return 0
	}
	end := 0
	for k := n.i; k < n.raw().next; k++ {
		r := &n.d.nodes[k]
		line := int(r.line)
		if r.flags&flagBlock != 0 {
			text := n.d.text[r.off : r.off+r.len]
			for j := range len(text) {
				if text[j] == '\n' {
					line++
				}
			}
		}
		end = max(end, line)
	}
	return end
}

// Key returns the key under which n stands in its map, absent if it does not.
func (n Node) Key() Node {
	if n.d == nil || n.i == 0 {
		return Node{}
	}
	p := n.raw().parent
	if n.d.nodes[p].kind != Map || n.raw().flags&flagKey != 0 {
		return Node{}
	}
	return Node{n.d, n.i - 1}
}

// Parent returns the map or list that holds n.
func (n Node) Parent() Node {
	if n.d == nil || n.i == 0 {
		return Node{}
	}
	return Node{n.d, n.raw().parent}
}

// Position returns the line and column to show for n: those of its key where
// it has one, because that is the line a person looks for.
func (n Node) Position() (line, col int) {
	if k := n.Key(); k.Exists() {
		return k.Line(), k.Column()
	}
	return n.Line(), n.Column()
}
