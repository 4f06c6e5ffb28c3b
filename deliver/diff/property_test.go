package diff_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/deliver/diff"
)

// world makes random objects that look like Kubernetes': lists with keys, lists
// without, and some that only look as if.
type world struct{ *rand.Rand }

func (w world) word() string {
	return []string{"a", "b", "c", "web", "x.y/z", "true", "1", "", "ünï", "[0]", "name=a"}[w.IntN(11)]
}

func (w world) value(depth int) any {
	switch n := w.IntN(10); {
	case n < 3 && depth > 0:
		return w.object(depth - 1)
	case n < 5 && depth > 0:
		return w.list(depth - 1)
	case n == 5:
		return int64(w.IntN(3))
	case n == 6:
		return float64(w.IntN(3)) + 0.5
	case n == 7:
		return w.IntN(2) == 0
	}
	return w.word()
}

func (w world) object(depth int) map[string]any {
	o := map[string]any{}
	for range w.IntN(4) {
		o[[]string{"spec", "containers", "ports", "env", "tolerations", "conditions", "volumeMounts", "a.b", "items"}[w.IntN(9)]] = w.value(depth)
	}
	return o
}

func (w world) list(depth int) []any {
	list := []any{}
	for range w.IntN(5) {
		switch w.IntN(4) {
		case 0:
			list = append(list, w.value(depth))
		case 1:
			list = append(list, map[string]any{"containerPort": int64(w.IntN(4)), "x": w.word()})
		default:
			o := w.object(depth)
			o["name"] = w.word()
			list = append(list, o)
		}
	}
	return list
}

// change edits a copy of a value at random.
func (w world) change(v any, depth int) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, child := range v {
			switch n := w.IntN(8); {
			case n == 0:
			case n < 4:
				out[k] = w.change(child, depth-1)
			default:
				out[k] = child
			}
		}
		if w.IntN(4) == 0 {
			out[w.word()] = w.value(max(depth, 0))
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i := range out {
			if w.IntN(3) == 0 {
				out[i] = w.change(out[i], depth-1)
			}
		}
		switch w.IntN(4) {
		case 0:
			w.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		case 1:
			out = slices.Insert(out, w.IntN(len(out)+1), any(map[string]any{"name": w.word()}))
		case 2:
			if len(out) > 0 {
				i := w.IntN(len(out))
				out = slices.Delete(out, i, i+1)
			}
		}
		return out
	}
	return w.value(max(depth, 0))
}

// TestApplied: Compare(a, a) is empty, applying the changes gives the other
// object exactly, and neither changes its arguments.
func TestApplied(t *testing.T) {
	for seed := range uint64(1500) {
		w := world{rand.New(rand.NewPCG(seed, 7))}
		from := map[string]any{"spec": w.value(4), "data": w.value(3)}
		to := w.change(from, 4).(map[string]any)
		if seed%10 == 0 {
			to = map[string]any{"spec": w.value(4)}
		}
		before, _ := json.Marshal([]any{from, to})
		if c := diff.Compare(from, from, diff.Options{}); len(c) > 0 {
			t.Fatalf("seed %d: an object differs from itself:\n%s", seed, short(c))
		}
		changes := diff.Compare(from, to, diff.Options{})
		if equal := reflect.DeepEqual(from, to); equal != (len(changes) == 0) {
			t.Fatalf("seed %d: equal %v, but %d changes", seed, equal, len(changes))
		}
		got, err := diff.Apply(from, changes)
		if err != nil || !reflect.DeepEqual(got, to) {
			a, _ := json.Marshal(from)
			b, _ := json.Marshal(to)
			c, _ := json.Marshal(got)
			t.Fatalf("seed %d: %v\nfrom %s\nto   %s\ngot  %s\n%s", seed, err, a, b, c, short(changes))
		}
		if after, _ := json.Marshal([]any{from, to}); !bytes.Equal(before, after) {
			t.Fatalf("seed %d: an argument was changed", seed)
		}
		for _, c := range changes {
			if c.Masked {
				t.Fatalf("seed %d: %+v", seed, c)
			}
		}
	}
}

// TestNothingSecretIsShown: whatever a Secret holds, and wherever a marked value
// or path is, no output has it, in any form.
func TestNothingSecretIsShown(t *testing.T) {
	for seed := range uint64(600) {
		w := world{rand.New(rand.NewPCG(seed, 9))}
		secrets := make([]string, 6)
		for i := range secrets {
			secrets[i] = fmt.Sprintf("s3cr3t%x", w.Uint64())
		}
		pick := func() any { return secrets[w.IntN(len(secrets))] }
		side := func() map[string]any {
			o := map[string]any{
				"apiVersion": "v1", "kind": "Secret", "data": map[string]any{"a": pick(), w.word(): pick()}, "stringData": map[string]any{w.word(): "x" + pick().(string) + "\ny"},
				"metadata": map[string]any{"name": "s", "annotations": map[string]any{"kubectl.kubernetes.io/last-applied-configuration": pick()}},
				"spec":     map[string]any{"auth": map[string]any{"keys": []any{map[string]any{"name": pick(), "v": pick()}}, "one": pick()}, "rest": w.value(2)},
			}
			if w.IntN(2) == 0 {
				o["kind"], o["data"], o["stringData"] = "ConfigMap", map[string]any{"url": "https://u:" + secrets[0] + "@h", secrets[0]: "1", "list": []any{map[string]any{"name": secrets[0]}, map[string]any{"name": w.word()}}}, nil
			}
			return o
		}
		from, to := side(), side()
		switch w.IntN(6) {
		case 0:
			from = nil
		case 1:
			to = nil
		}
		o := diff.Options{SecretPaths: []string{"/spec/auth/*"}, SecretValues: secrets[:1]}
		if w.IntN(2) == 0 {
			o.SecretPaths = []string{"/spec/auth/keys/*/name", "/spec/auth/keys/*/v", "/spec/auth/one"}
		}
		d := []diff.ObjectDiff{diff.Objects(from, to, o)}
		var out bytes.Buffer
		for _, err := range []error{
			diff.Text(&out, d, diff.Style{Color: true}), diff.Markdown(&out, d), json.NewEncoder(&out).Encode(d),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range d[0].Changes {
			fmt.Fprintf(&out, "%v %q\n", c.From, c.Path)
		}
		for _, s := range secrets {
			if strings.Contains(out.String(), s) {
				t.Fatalf("seed %d: %s is shown:\n%s", seed, s, out.String())
			}
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\nb", "a\nc", "name")
	f.Add("\x1b[31m", "```\n@all", "</details>")
	f.Fuzz(func(t *testing.T, a, b, name string) {
		from := map[string]any{"kind": name, "data": map[string]any{name: a, "x": []any{map[string]any{"name": name, "v": a}}}}
		to := map[string]any{"kind": name, "data": map[string]any{name: b, "x": []any{map[string]any{"name": name, "v": b}}}}
		d := []diff.ObjectDiff{diff.Objects(from, to, diff.Options{}), diff.Objects(nil, to, diff.Options{})}
		var out bytes.Buffer
		if err := diff.Text(&out, d, diff.Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
		for _, r := range out.String() {
			if r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' {
				t.Fatalf("control character %q in %q", r, out.String())
			}
		}
		out.Reset()
		if err := diff.Markdown(&out, d); err != nil || out.Len() > diff.MaxMarkdown {
			t.Fatal(err, out.Len())
		}
		if open, closed := tags(out.String()); open != closed || open == 0 {
			t.Fatalf("%d blocks opened, %d closed: %s", open, closed, out.String())
		}
	})
}

// tags counts the blocks outside of fences.
func tags(text string) (open, closed int) {
	fence := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case fence != "":
			if line == fence {
				fence = ""
			}
		case strings.HasPrefix(line, "```"):
			fence = strings.TrimSuffix(line, "diff")
		default:
			open += strings.Count(line, "<details>")
			closed += strings.Count(line, "</details>")
		}
	}
	return open, closed
}

func BenchmarkCompare(b *testing.B) {
	w := world{rand.New(rand.NewPCG(1, 1))}
	from := map[string]any{}
	for i := range 50 {
		from[fmt.Sprint(i)] = w.value(5)
	}
	to := w.change(from, 5).(map[string]any)
	b.ReportAllocs()
	for b.Loop() {
		diff.Compare(from, to, diff.Options{})
	}
}
