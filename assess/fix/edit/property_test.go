package edit_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/yamldoc"
	"github.com/autoecoops/autoecoops/assess/fix/edit"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// author writes random documents in random layouts.
type author struct {
	*rand.Rand
	b          strings.Builder
	unit, dash int
}

func (a *author) comment() {
	if a.IntN(8) == 0 {
		a.b.WriteString(" # note: {x, y}")
	}
	a.b.WriteByte('\n')
	if a.IntN(12) == 0 {
		a.b.WriteString(strings.Repeat(" ", a.IntN(6)) + "# a: remark\n")
	}
	if a.IntN(15) == 0 {
		a.b.WriteByte('\n')
	}
}

func (a *author) scalar(flow bool) string {
	all := []string{"1", "true", "text", `"a: b # c"`, `'it''s'`, "two words", "x:y", "null", `"{}"`, "a#b"}
	if !flow {
		all = append(all, "it's, [plain}", "~")
	}
	return all[a.IntN(len(all))]
}

func (a *author) key(i int) string {
	switch a.IntN(6) {
	case 0:
		return fmt.Sprintf(`"k%d"`, i)
	case 1:
		return fmt.Sprintf("k.%d/x", i)
	}
	return fmt.Sprintf("k%d", i)
}

func (a *author) flow(depth int) string {
	n := a.IntN(4)
	var parts []string
	list := a.IntN(2) == 0
	for i := range n {
		v := a.scalar(true)
		if depth > 0 && a.IntN(3) == 0 {
			v = a.flow(depth - 1)
		}
		if !list {
			v = a.key(i) + ": " + v
		}
		parts = append(parts, v)
	}
	space := []string{"", " "}[a.IntN(2)]
	if list {
		return "[" + space + strings.Join(parts, ", ") + space + "]"
	}
	return "{" + space + strings.Join(parts, ","+space) + space + "}"
}

// value writes what follows a key or a dash that stands at indent.
func (a *author) value(indent, depth int, inList bool) {
	switch k := a.IntN(10); {
	case depth == 0 || k < 4:
		a.b.WriteString(" " + a.scalar(false))
		a.comment()
	case k == 4:
		a.b.WriteString(" " + a.flow(2))
		a.comment()
	case k == 5:
		pad := strings.Repeat(" ", indent+3)
		a.b.WriteString(" |\n" + pad + "line: one\n" + pad + "  # two\n\n" + pad + "- three\n")
	case k == 6 && !inList:
		a.comment()
		a.list(indent+a.dash, depth-1)
	case inList:
		a.b.WriteByte(' ')
		a.block(indent+2, depth-1, true)
	default:
		a.comment()
		a.block(indent+a.unit, depth-1, false)
	}
}

func (a *author) list(indent, depth int) {
	for range 1 + a.IntN(3) {
		a.b.WriteString(strings.Repeat(" ", indent) + "-")
		a.value(indent, depth, true)
	}
}

func (a *author) block(indent, depth int, inline bool) {
	for i := range 1 + a.IntN(4) {
		if !inline || i > 0 {
			a.b.WriteString(strings.Repeat(" ", indent))
		}
		a.b.WriteString(a.key(i) + ":")
		a.value(indent, depth, false)
	}
}

// flatten lists the scalars and empty collections of a document by path.
func flatten(n tree.Node, at string, out map[string]string) {
	if n.Len() == 0 {
		text := n.Text()
		if n.IsNull() {
			text = ""
		}
		out[at] = n.Kind().String() + " " + text
	}
	for k, v := range n.Fields() {
		flatten(v, at+"/"+k.Text(), out)
	}
	for i, v := range n.Items() {
		flatten(v, fmt.Sprintf("%s/%d", at, i), out)
	}
}

func anyPath(rnd *rand.Rand, n tree.Node) (p tree.Path) {
	for n.Len() > 0 && (len(p) == 0 || rnd.IntN(4) > 0) {
		pick, i := rnd.IntN(n.Len()), 0
		var next tree.Node
		for k, v := range n.Fields() {
			if i == pick {
				p, next = append(p, tree.Step{Key: k.Text(), Index: -1}), v
			}
			i++
		}
		if n.IsList() {
			p, next = append(p, tree.Step{Index: pick}), n.Index(pick)
		}
		n = next
	}
	return p
}

// TestOthersStay makes random changes to random documents and compares every
// value that was not meant.
func TestOthersStay(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	made, refused := 0, map[string]int{}
	for range 6000 {
		a := &author{Rand: rnd, unit: 2 + 2*rnd.IntN(2)}
		a.dash = a.unit * rnd.IntN(2)
		a.block(0, 4, false)
		text := a.b.String()
		if rnd.IntN(5) == 0 {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		docs := yamldoc.Parse([]byte(text))
		if len(docs) != 1 || docs[0].Doc == nil {
			continue
		}
		root := docs[0].Doc.Root()
		c := edit.Change{Path: anyPath(rnd, root)}
		switch rnd.IntN(3) {
		case 0:
			c.Remove = true
		case 1:
			c.Value = []string{"false", "[ALL]", "{a: b, c: [d]}", `"q"`, "12"}[rnd.IntN(5)]
		default:
			c.Path = append(c.Path, tree.Step{Key: "new", Index: -1}, tree.Step{Key: "deep", Index: -1})
			c.Value = []string{"false", "[ALL]", "{a: b}"}[rnd.IntN(3)]
		}
		out, err := edit.Apply(yamldoc.Parse, []byte(text), 0, c)
		if err != nil {
			refused[err.Error()]++
			continue
		}
		made++
		compareOthers(t, text, string(out), c)
	}
	t.Logf("%d made; refused: %v", made, refused)
	if layout := refused["the layout at this place is not one that can be edited safely"]; layout*20 > made {
		t.Errorf("%d edits made, %d refused for their layout", made, layout)
	}
}

func compareOthers(t *testing.T, before, after string, c edit.Change) {
	t.Helper()
	was, is := map[string]string{}, map[string]string{}
	flatten(yamldoc.Parse([]byte(before))[0].Doc.Root(), "", was)
	docs := yamldoc.Parse([]byte(after))
	if len(docs) != 1 || docs[0].Doc == nil {
		t.Fatalf("%s\nbecame\n%s", before, after)
	}
	flatten(docs[0].Doc.Root(), "", is)
	meant := ""
	inList := false
	for _, s := range c.Path {
		if s.Index >= 0 {
			meant += fmt.Sprintf("/%d", s.Index)
		} else {
			meant += "/" + s.Key
		}
		inList = s.Index >= 0
	}
	if c.Remove && inList { // later entries move up
		meant = meant[:strings.LastIndexByte(meant, '/')]
	}
	mine := func(p string, _ string) bool {
		return p == meant || strings.HasPrefix(p, meant+"/") || strings.HasPrefix(meant, p+"/") || p == ""
	}
	maps.DeleteFunc(was, mine)
	maps.DeleteFunc(is, mine)
	if !maps.Equal(was, is) {
		t.Fatalf("%+v changed others:\n%s\nbecame\n%s", c, before, after)
	}
	if strings.Count(before, "#") > strings.Count(after, "#") && !c.Remove && strings.HasPrefix(c.Path[len(c.Path)-1].Key, "deep") {
		t.Fatalf("%+v lost a comment:\n%s\nbecame\n%s", c, before, after)
	}
	if strings.Contains(before, "\r\n") != strings.Contains(after, "\r\n") || strings.Count(after, "\n") != strings.Count(after, "\r\n") && strings.Contains(after, "\r\n") {
		t.Fatalf("mixed line ends:\n%q", after)
	}
}
