package gitmirror

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// mode is what kind of thing an entry of a folder is.
type mode uint8

const (
	modeFile mode = iota
	modeExecutable
	modeLink
	modeDir
	modeSubmodule
)

// entry is one name in a folder.
type entry struct {
	name string
	// id is the object's id as bytes.
	id   string
	mode mode
}

func (e entry) hex() string { return hex.EncodeToString([]byte(e.id)) }

// folder is a tree object as it was read.
type folder struct {
	entries []entry // sorted by name
	// refused is a name that no file may have, "" if all are sound.
	refused string
}

func (f *folder) find(name string) (entry, bool) {
	lo, hi := 0, len(f.entries)
	for lo < hi {
		if mid := (lo + hi) / 2; f.entries[mid].name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(f.entries) && f.entries[lo].name == name {
		return f.entries[lo], true
	}
	return entry{}, false
}

var modes = map[string]mode{
	"100644": modeFile, "100664": modeFile, "100600": modeFile, "100640": modeFile, "100755": modeExecutable,
	"120000": modeLink, "40000": modeDir, "040000": modeDir, "160000": modeSubmodule,
}

// parseFolder reads a tree object. Names that could mean another place are
// refused as a whole folder, never left out: a file that silently isn't there
// would look deleted.
func parseFolder(text []byte, idLen int) (*folder, error) {
	s := string(text)
	f := &folder{entries: make([]entry, 0, len(s)/40)}
	for len(s) > 0 {
		head, rest, ok := strings.Cut(s, "\x00")
		octal, name, named := strings.Cut(head, " ")
		if !ok || !named || len(rest) < idLen {
			return nil, errors.New("the folder's object is malformed")
		}
		m, known := modes[octal]
		if !known {
			return nil, fmt.Errorf("the folder's object has an entry of the unknown mode %.12q", octal)
		}
		if !validName(name) && f.refused == "" {
			f.refused = strconv.Quote(name)
		}
		f.entries = append(f.entries, entry{name: name, id: rest[:idLen], mode: m})
		s = rest[idLen:]
	}
	sortEntries(f.entries)
	for i := 1; i < len(f.entries); i++ {
		if f.entries[i].name == f.entries[i-1].name {
			return nil, fmt.Errorf("the folder's object has two entries %.80q", f.entries[i].name)
		}
	}
	return f, nil
}

func validName(name string) bool {
	switch strings.ToLower(name) {
	case "", ".", "..", ".git", "git~1":
		return false
	}
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) })
}

// Person is who made or committed something, as the commit says; anyone can
// write anything there.
type Person struct {
	Name, Email string
	When        time.Time
}

// Info is what a commit says of itself.
type Info struct {
	// SHA is the commit, Tree its root folder, Parents what it follows.
	SHA, Tree string
	Parents   []string
	Author    Person
	Committer Person
	// Message is the whole message; the first line is the subject.
	Message string
	// Raw is the commit object's text, for the verification of signatures.
	Raw []byte
	// Tag is the text of the annotated tag that led to the commit, TagID its
	// object id and TagName the name that was asked for (of a kept commit: that
	// it was signed under); all empty if none did.
	Tag            []byte
	TagID, TagName string
}

// parseCommit reads a commit object.
func parseCommit(sha string, raw []byte) (*Info, error) {
	i := &Info{SHA: sha, Raw: raw}
	head, message, _ := bytes.Cut(raw, []byte("\n\n"))
	for line := range strings.Lines(string(head)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "tree":
			if i.Tree == "" {
				i.Tree = value
			}
		case "parent":
			i.Parents = append(i.Parents, value)
		case "author":
			i.Author = parsePerson(value)
		case "committer":
			i.Committer = parsePerson(value)
		}
	}
	i.Message = strings.ToValidUTF8(string(message), "\ufffd")
	if !validID(i.Tree) || len(i.Tree) != len(sha) {
		return nil, errors.New("the commit names no folder")
	}
	return i, nil
}

// parsePerson reads "Name <email> 1700000000 +0100".
func parsePerson(s string) Person {
	s = strings.ToValidUTF8(s, "\ufffd")
	name, rest, _ := strings.Cut(s, "<")
	email, stamp, _ := strings.Cut(rest, ">")
	p := Person{Name: strings.TrimSpace(name), Email: strings.TrimSpace(email)}
	seconds, zone, _ := strings.Cut(strings.TrimSpace(stamp), " ")
	// Later than year 9999 no format can write it.
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil && n >= 0 && n < 253402300800 {
		p.When = time.Unix(n, 0).In(parseZone(zone))
	}
	return p
}

func parseZone(s string) *time.Location {
	n, err := strconv.Atoi(s)
	if err != nil || len(s) != 5 || n <= -1500 || n >= 1500 {
		return time.UTC
	}
	return time.FixedZone("", (n/100*60+n%100)*60)
}

// parseTag returns the object that a tag object names, its type, and the name
// that it has of itself.
func parseTag(raw []byte) (object, kind, name string) {
	head, _, _ := bytes.Cut(raw, []byte("\n\n"))
	for line := range strings.Lines(string(head)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case key == "object" && object == "":
			object = value
		case key == "type" && kind == "":
			kind = value
		case key == "tag" && name == "":
			name = value
		}
	}
	return object, kind, name
}

// treeCache keeps parsed folders by their object id. What they hold is
// the same in every repository, and nobody reaches an id but through a commit
// that they may read. It has two generations: when the young one is full, the
// old one goes.
type treeCache struct {
	mu         sync.Mutex
	limit      int
	size       int
	young, old map[string]*folder
}

func newTreeCache(limit int) *treeCache {
	return &treeCache{limit: limit / 2, young: map[string]*folder{}}
}

func (c *treeCache) get(id string) *folder {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.young[id]; f != nil {
		return f
	}
	f := c.old[id]
	if f != nil {
		c.add(id, f)
	}
	return f
}

func (c *treeCache) put(id string, f *folder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young[id] == nil {
		c.add(id, f)
	}
}

func (c *treeCache) add(id string, f *folder) {
	cost := len(f.entries) + 1
	if c.size+cost > c.limit && c.size > 0 {
		c.old, c.young, c.size = c.young, map[string]*folder{}, 0
	}
	c.young[id] = f
	c.size += cost
}

func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
}

// fromHex decodes an id that validID has accepted.
func fromHex(id string) string {
	b, err := hex.DecodeString(id)
	if err != nil {
		return ""
	}
	return string(b)
}
