package tree

import (
	"slices"
	"strconv"
	"strings"
)

// Step is one step of a path: a key of a map, or an entry of a list.
type Step struct {
	// Key is the map key; for a list entry it is the entry's merge key (its
	// name), which survives reordering, or "".
	Key string
	// Index is the entry's number in its list, -1 for a map key.
	Index int
}

// Path leads from a document's root to a value.
type Path []Step

// mergeKeys are the fields by which Kubernetes tells list entries apart, in
// the order in which they are tried.
var mergeKeys = []string{"name", "containerPort", "mountPath", "port", "key", "ip", "host", "type"}

// PathFrom returns the path from root, a value that holds n, to n.
func (n Node) PathFrom(root Node) Path {
	var p Path
	for n.d != nil && n.i > root.i {
		parent := n.Parent()
		if parent.IsMap() {
			p = append(p, Step{Key: n.Key().Text(), Index: -1})
		} else {
			i := 0
			for j, e := range parent.Items() {
				if e.i == n.i {
					i = j
				}
			}
			p = append(p, Step{Key: entryName(n), Index: i})
		}
		n = parent
	}
	slices.Reverse(p)
	return p
}

func entryName(n Node) string {
	for _, k := range mergeKeys {
		if v := n.Get(k); v.Exists() && v.Kind() < List {
			return k + "=" + v.Text()
		}
	}
	return ""
}

// String returns the path with list entries by number, as in
// spec.containers[0].image.
func (p Path) String() string { return p.format(false) }

// Stable returns the path with list entries named by their merge key where
// they have one, as in spec.containers[name=web].image: it survives a
// reordering of the list.
func (p Path) Stable() string { return p.format(true) }

func (p Path) format(stable bool) string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Index >= 0 && stable && s.Key != "":
			b.WriteString("[" + s.Key + "]")
		case s.Index >= 0:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			if strings.ContainsAny(s.Key, ".[]") {
				b.WriteString("[" + strconv.Quote(s.Key) + "]")
				continue
			}
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

// Join returns p followed by the map keys of a dotted path such as
// "securityContext.privileged"; "" adds nothing.
func (p Path) Join(dotted string) Path {
	if dotted == "" {
		return p
	}
	q := slices.Clone(p)
	for k := range strings.SplitSeq(dotted, ".") {
		q = append(q, Step{Key: k, Index: -1})
	}
	return q
}

// Follow walks p down from n as far as it exists: it returns the last value
// reached and how many steps were taken. List entries are matched by name
// where the step has one, else by number.
func (n Node) Follow(p Path) (reached Node, steps int) {
	for i, s := range p {
		next := n.step(s)
		if !next.Exists() {
			return n, i
		}
		n = next
	}
	return n, len(p)
}

// Descend walks p down from n as far as it exists, like Follow, but trusts an
// entry's number as long as the entry there has the step's name: of two entries
// with one name it finds the right one.
func (n Node) Descend(p Path) (reached Node, steps int) {
	for i, s := range p {
		next := n.Index(s.Index)
		if key, want, named := strings.Cut(s.Key, "="); s.Index < 0 || named && next.Get(key).Text() != want {
			next = n.step(s)
		}
		if !next.Exists() {
			return n, i
		}
		n = next
	}
	return n, len(p)
}

func (n Node) step(s Step) Node {
	if s.Index < 0 {
		return n.Get(s.Key)
	}
	if key, want, ok := strings.Cut(s.Key, "="); ok && s.Key != "" {
		for _, e := range n.Items() {
			if v := e.Get(key); v.Exists() && v.Text() == want {
				return e
			}
		}
		return Node{}
	}
	return n.Index(s.Index)
}
