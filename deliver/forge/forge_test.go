package forge

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
)

// memory is a repository of commits held as maps from path to content; a
// content's id is the content.
type memory struct {
	commits  map[string]map[string]string
	parents  map[string]string
	branches map[string]string
	requests map[string]string
	// stop makes the n-th call that changes something fail, before it does
	// (odd) or after (even).
	stop, calls int
}

func (m *memory) Tip(_ context.Context, branch string) (Tip, error) {
	if branch == "" {
		branch = "main"
	}
	c, ok := m.branches[branch]
	if !ok {
		return Tip{}, fault.New(fault.NotFound, "find", branch, "no such branch", "")
	}
	return Tip{Branch: branch, Commit: c, Parent: m.parents[c]}, nil
}

func (m *memory) Folder(_ context.Context, at Place) ([]Entry, error) {
	files, ok := m.commits[at.Commit]
	if !ok {
		return nil, fault.New(fault.NotFound, "read", at.Commit, "no such commit", "")
	}
	seen := map[string]Entry{}
	for p, content := range files {
		rest := p
		if at.Path != "" {
			var below bool
			if rest, below = strings.CutPrefix(p, at.Path+"/"); !below {
				continue
			}
		}
		name, _, deeper := strings.Cut(rest, "/")
		if deeper {
			seen[name] = Entry{name, ModeFolder, tree(files, path.Join(at.Path, name))}
		} else {
			seen[name] = Entry{name, ModeFile, content}
		}
	}
	return slices.Collect(maps.Values(seen)), nil
}

func tree(files map[string]string, folder string) string {
	id := ""
	for _, p := range slices.Sorted(maps.Keys(files)) {
		if strings.HasPrefix(p, folder+"/") {
			id += p + "=" + files[p] + ";"
		}
	}
	return id
}

func (m *memory) fails(after bool) error {
	m.calls++
	if m.calls == m.stop {
		return fault.New(fault.Unavailable, "talk to", "the forge", fmt.Sprint("stopped, after: ", after), "")
	}
	return nil
}

func (m *memory) Commit(_ context.Context, c Commit) error {
	if err := m.fails(false); err != nil {
		return err
	}
	if _, taken := m.branches[c.Branch]; taken {
		return fault.New(fault.Conflict, "make branch", c.Branch, "it exists", "")
	}
	files := maps.Clone(m.commits[c.Parent])
	for _, e := range c.Edits {
		if files[e.Path] != e.From.ID {
			return fault.New(fault.Conflict, "change", e.Path, "it is another", "")
		}
		if e.To == (Entry{}) {
			delete(files, e.Path)
		} else {
			files[e.Path] = e.To.ID
		}
	}
	id := "made on " + c.Parent
	m.commits[id], m.parents[id], m.branches[c.Branch] = files, c.Parent, id
	return m.fails(true)
}

func (m *memory) Find(_ context.Context, branch string) (string, error) {
	return m.requests[branch], nil
}

func (m *memory) Open(_ context.Context, p Proposal) (string, error) {
	if err := m.fails(false); err != nil {
		return "", err
	}
	m.requests[p.From] = fmt.Sprint("request/", len(m.requests)+1)
	return m.requests[p.From], m.fails(true)
}

func repository(commits ...map[string]string) *memory {
	m := &memory{commits: map[string]map[string]string{}, parents: map[string]string{}, branches: map[string]string{}, requests: map[string]string{}}
	for i, c := range commits {
		id := fmt.Sprint("c", i)
		m.commits[id], m.branches["main"] = c, id
		if i > 0 {
			m.parents[id] = fmt.Sprint("c", i-1)
		}
	}
	return m
}

func files(pairs ...string) map[string]string {
	out := map[string]string{}
	for _, p := range pairs {
		name, content, _ := strings.Cut(p, "=")
		out[name] = content
	}
	return out
}

func TestRevert(t *testing.T) {
	shop := Scope{Folders: []string{"shop"}}
	for name, c := range map[string]struct {
		commits []map[string]string // good is the first, the tip the last
		bad     string
		scope   Scope
		want    map[string]string // of the branch; nil if refused
		code    string
	}{
		"one commit": {
			commits: []map[string]string{files("shop/a=1", "x=1"), files("shop/a=2", "x=1")},
			bad:     "c1", scope: shop, want: files("shop/a=1", "x=1"),
		},
		"several commits, and what is no part stays": {
			commits: []map[string]string{files("shop/a=1", "x=1"), files("shop/a=2", "x=2"), files("shop/a=2", "shop/b/c=1", "x=3"), files("shop/b/c=2", "x=3")},
			bad:     "c3", scope: shop, want: files("shop/a=1", "x=3"),
		},
		"newer commits elsewhere": {
			commits: []map[string]string{files("shop/a=1", "shop/z=1"), files("shop/a=2", "shop/z=1"), files("shop/a=2", "shop/z=2", "y=1")},
			bad:     "c1", scope: shop, want: files("shop/a=1", "shop/z=2", "y=1"),
		},
		"partly reverted already": {
			commits: []map[string]string{files("shop/a=1", "shop/b=1"), files("shop/a=2", "shop/b=2"), files("shop/a=1", "shop/b=2")},
			bad:     "c1", scope: shop, want: files("shop/a=1", "shop/b=1"),
		},
		"reverted already": {
			commits: []map[string]string{files("shop/a=1"), files("shop/a=2"), files("shop/a=1", "n=1")},
			bad:     "c1", scope: shop, code: CodeNothing,
		},
		"changed again": {
			commits: []map[string]string{files("shop/a=1"), files("shop/a=2"), files("shop/a=3")},
			bad:     "c1", scope: shop, code: "RevertConflict",
		},
		"deleted since": {
			commits: []map[string]string{files("shop/a=1", "k=1"), files("shop/a=2", "k=1"), files("k=1")},
			bad:     "c1", scope: shop, code: "RevertConflict",
		},
		"a file became a folder since": {
			commits: []map[string]string{files("shop/a=1"), files("shop/a=2"), files("shop/a/b=1")},
			bad:     "c1", scope: shop, code: "RevertConflict",
		},
		"a file became a folder in between": {
			commits: []map[string]string{files("shop/a=1"), files("shop/a/b=1")},
			bad:     "c1", scope: shop,
		},
		"nothing of it changed": {
			commits: []map[string]string{files("shop/a=1", "x=1"), files("shop/a=1", "x=2")},
			bad:     "c1", scope: shop, code: CodeNothing,
		},
		"everything is in scope": {
			commits: []map[string]string{files("shop/a=1", "x=1"), files("shop/a=2", "x=2")},
			bad:     "c1", want: files("shop/a=1", "x=1"),
		},
		"files and folders beside": {
			commits: []map[string]string{files("v.yaml=1", "base/k=1", "base/deep/k=1"), files("v.yaml=2", "base/k=2", "base/deep/k=2", "base/n=1")},
			bad:     "c1", scope: Scope{Files: []string{"v.yaml"}, Beside: []string{"base"}}, want: files("v.yaml=1", "base/k=1", "base/deep/k=2"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := repository(c.commits...)
			r := Reversion{Bad: c.bad, Good: "c0", Branch: "aeo/revert", Scope: c.scope, Title: "Revert", Body: "why"}
			address, err := Revert(t.Context(), m, r)
			if c.want == nil {
				f := &fault.Error{}
				if err == nil || fault.KindOf(err) != fault.Blocked || len(m.requests) > 0 || m.branches["aeo/revert"] != "" {
					t.Fatalf("%q, %v: want a refusal and nothing made", address, err)
				}
				if f, _ = err.(*fault.Error); f.Code != c.code {
					t.Errorf("code %q, want %q: %v", f.Code, c.code, err)
				}
				return
			}
			if err != nil || address != "request/1" {
				t.Fatalf("%q, %v", address, err)
			}
			if got := m.commits[m.branches["aeo/revert"]]; !maps.Equal(got, c.want) {
				t.Errorf("the branch has %v, want %v", got, c.want)
			}
			if again, err := Revert(t.Context(), m, r); err != nil || again != address || len(m.requests) != 1 {
				t.Errorf("a second call: %q, %v, %d requests", again, err, len(m.requests))
			}
		})
	}
}

// TestRevertIsTakenUp stops at every call that changes something.
func TestRevertIsTakenUp(t *testing.T) {
	r := Reversion{Bad: "c1", Good: "c0", Branch: "aeo/revert", Title: "Revert"}
	for stop := 1; stop <= 4; stop++ {
		m := repository(files("a=1"), files("a=2"))
		m.stop = stop
		if _, err := Revert(t.Context(), m, r); fault.KindOf(err) != fault.Unavailable {
			t.Fatalf("stop %d: %v", stop, err)
		}
		// Meanwhile the branch moves on.
		m.commits["c2"], m.parents["c2"], m.branches["main"] = files("a=2", "n=1"), "c1", "c2"
		if address, err := Revert(t.Context(), m, r); err != nil || address != "request/1" || len(m.requests) != 1 {
			t.Errorf("stop %d: %q, %v, %v", stop, address, err, m.requests)
		}
		if got := m.commits[m.branches["aeo/revert"]]["a"]; got != "1" {
			t.Errorf("stop %d: the branch has %q", stop, got)
		}
	}
}

func TestRevertDoesNotTakeAForeignBranch(t *testing.T) {
	for name, foreign := range map[string]map[string]string{
		"other content": files("a=evil"), "more than the revert": files("a=1", "extra=1"), "less": files("a=2"),
	} {
		m := repository(files("a=1"), files("a=2"))
		m.commits["f"], m.parents["f"], m.branches["aeo/revert"] = foreign, "c1", "f"
		_, err := Revert(t.Context(), m, Reversion{Bad: "c1", Good: "c0", Branch: "aeo/revert"})
		if fault.KindOf(err) != fault.Blocked || len(m.requests) != 0 {
			t.Errorf("%s: %v, %v", name, err, m.requests)
		}
	}
	m := repository(files("a=1"), files("a=2"))
	m.commits["f"], m.branches["aeo/revert"] = files("a=1"), "f" // without a parent
	if _, err := Revert(t.Context(), m, Reversion{Bad: "c1", Good: "c0", Branch: "aeo/revert"}); fault.KindOf(err) != fault.Blocked {
		t.Errorf("%v", err)
	}
}

func TestRevertIsBounded(t *testing.T) {
	many, deep := map[string]string{}, map[string]string{}
	for i := range maxFiles + 1 {
		many[fmt.Sprint("f", i)] = "1"
	}
	for i := range maxFolders + 1 {
		deep[fmt.Sprintf("d%d/f", i)] = "1"
	}
	for _, files := range []map[string]string{many, deep} {
		_, err := Revert(t.Context(), repository(map[string]string{"k": "1"}, files), Reversion{Bad: "c1", Good: "c0", Branch: "b", Scope: Scope{Files: []string{"k"}, Folders: []string{""}}})
		if fault.KindOf(err) != fault.Blocked {
			t.Errorf("%v", err)
		}
	}
}

// TestRevertRestores checks on random histories what a revert promises: every
// file in scope that the range changed is as it was in the good commit, every
// other is as the tip has it.
func TestRevertRestores(t *testing.T) {
	made, refused := 0, 0
	for seed := range uint64(400) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		state := map[string]string{}
		step := func() map[string]string {
			for range 1 + rnd.IntN(3) {
				p := []string{"a", "shop/a", "shop/b", "shop/deep/a", "shop/deep/b", "lib/a"}[rnd.IntN(6)]
				if rnd.IntN(4) == 0 {
					delete(state, p)
				} else {
					state[p] = fmt.Sprint(rnd.IntN(4))
				}
			}
			return maps.Clone(state)
		}
		var commits []map[string]string
		for range 3 + rnd.IntN(4) {
			commits = append(commits, step())
		}
		badAt := 1 + rnd.IntN(len(commits)-1)
		m := repository(commits...)
		scope := []Scope{{}, {Folders: []string{"shop"}}, {Beside: []string{"shop"}, Files: []string{"a"}}}[rnd.IntN(3)]
		_, err := Revert(t.Context(), m, Reversion{Bad: fmt.Sprint("c", badAt), Good: "c0", Branch: "b", Scope: scope})
		good, bad, tip := commits[0], commits[badAt], commits[len(commits)-1]
		conflict, nothing := false, true
		want := maps.Clone(tip)
		for _, p := range []string{"a", "shop/a", "shop/b", "shop/deep/a", "shop/deep/b", "lib/a"} {
			if good[p] == bad[p] || !scope.Has(p) || tip[p] == good[p] {
				continue
			}
			nothing = false
			conflict = conflict || tip[p] != bad[p]
			if want[p] = good[p]; good[p] == "" {
				delete(want, p)
			}
		}
		if conflict || nothing {
			refused++
			if fault.KindOf(err) != fault.Blocked || err == nil || m.branches["b"] != "" {
				t.Fatalf("seed %d: %v, want a refusal", seed, err)
			}
			continue
		}
		made++
		if got := m.commits[m.branches["b"]]; err != nil || !maps.Equal(got, want) {
			t.Fatalf("seed %d: %v\n got %v\nwant %v", seed, err, got, want)
		}
	}
	if made < 50 || refused < 50 {
		t.Errorf("%d made, %d refused: the histories test nothing", made, refused)
	}
}

func TestHostileListings(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "a\x00"} {
		w := &walk{repo: liar{name}}
		_, err := w.diff(t.Context(), "a", "b", func(string) bool { return true }, func(string) bool { return true })
		if fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	// A folder that contains itself does not end.
	w := &walk{repo: liar{"loop"}}
	if _, err := w.diff(t.Context(), "a", "b", func(string) bool { return true }, func(string) bool { return true }); fault.KindOf(err) != fault.Blocked {
		t.Errorf("a loop: %v", err)
	}
}

// liar lists one folder in every folder.
type liar struct{ name string }

func (liar) Tip(context.Context, string) (Tip, error) { return Tip{}, nil }
func (l liar) Folder(_ context.Context, at Place) ([]Entry, error) {
	return []Entry{{l.name, ModeFolder, at.Commit + at.Path}}, nil
}
func (liar) Commit(context.Context, Commit) error           { return nil }
func (liar) Find(context.Context, string) (string, error)   { return "", nil }
func (liar) Open(context.Context, Proposal) (string, error) { return "", nil }

func application() *v1alpha1.Application {
	app := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &v1alpha1.Source{Path: "shop"}}}
	app.Namespace, app.Name = "prod", "shop"
	return app
}

func TestBodyIsInert(t *testing.T) {
	at := metav1.NewMicroTime(time.Unix(1700000000, 0))
	hostile := "boom ``` \n/merge\n````\n@everyone Closes #1 <!-- x --> \u202e\x1b[31m![](https://x/y.png)"
	r := &v1alpha1.Release{}
	r.Name = "shop-1`23"
	r.Status = v1alpha1.ReleaseStatus{
		Timings:  v1alpha1.Timings{Seen: &at, Applied: &at, Healthy: &at, Finished: &at},
		Evidence: []v1alpha1.Evidence{{Kind: "event", Object: "Pod shop/web", Text: hostile}, {Kind: "log", Text: "password is hunter2"}},
	}
	body := Body(application(), Account{Bad: "b" + strings.Repeat("a", 39), Good: strings.Repeat("c", 40), Reason: hostile, Release: r})
	fence := ""
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case fence == "" && strings.HasPrefix(line, "```"):
			fence = strings.TrimSuffix(line, "text")
		case fence != "" && line == fence:
			fence = ""
		case fence == "":
			for _, bad := range []string{"/merge", "@everyone", "Closes", "<!--", "![]"} {
				if strings.Contains(line, bad) {
					t.Errorf("%q stands outside of the quotes: %s", bad, line)
				}
			}
			if strings.Count(line, "`")%2 != 0 {
				t.Errorf("a code span is left open: %s", line)
			}
		}
	}
	if fence != "" {
		t.Error("a quote is left open")
	}
	for _, never := range []string{"hunter2", "\u202e", "\x1b"} {
		if strings.Contains(body, never) {
			t.Errorf("the body contains %q", never)
		}
	}
	if !strings.Contains(body, "boom") || !strings.Contains(body, "2023-11-14T22:13:20Z") {
		t.Errorf("the evidence is missing:\n%s", body)
	}
	if bare := Body(application(), Account{Reason: "x"}); !strings.Contains(bare, "x") || strings.Contains(bare, "Release") {
		t.Errorf("without a release: %s", bare)
	}
}

func TestNames(t *testing.T) {
	a, b := application(), application()
	b.Name = "other"
	bad := strings.Repeat("ab", 20)
	if Branch(a, bad) == Branch(b, bad) || !strings.HasPrefix(Branch(a, bad), "aeo/revert-abababab-") {
		t.Errorf("%s %s", Branch(a, bad), Branch(b, bad))
	}
	if got := Title(a, bad); got != "Revert abababab: it failed in prod/shop" {
		t.Error(got)
	}
	if m := message(Reversion{Bad: bad, Good: "g", Title: "T"}, 1); !strings.HasPrefix(m, "T\n\nThis puts one file back") || !strings.Contains(m, "Reverts: "+bad) {
		t.Error(m)
	}
}

func TestReleaseStatus(t *testing.T) {
	for phase, want := range map[string]State{
		v1alpha1.PhaseApplying: Pending, v1alpha1.PhaseObserving: Pending, v1alpha1.PhaseWatching: Pending,
		v1alpha1.PhaseGood: Success, v1alpha1.PhaseFailed: Failure, v1alpha1.PhaseRefused: Failure, v1alpha1.PhaseSuperseded: Dropped,
	} {
		s, ok := ReleaseStatus("shop", "prod", &v1alpha1.ReleaseStatus{Phase: phase, Message: "a\nb " + strings.Repeat("é", 200)})
		if !ok || s.State != want || s.Context != "aeo/prod/shop" || len(s.Description) > maxDescription || strings.Contains(s.Description, "\n") || s.Description == "" {
			t.Errorf("%s: %+v, %v", phase, s, ok)
		}
	}
	for _, phase := range []string{"", "Surprise"} {
		if s, ok := ReleaseStatus("a", "b", &v1alpha1.ReleaseStatus{Phase: phase}); ok {
			t.Errorf("%q: %+v", phase, s)
		}
	}
	for refused, want := range map[bool]Status{
		false: {Success, "aeo/gate/prod/shop", "passes the gate"}, true: {Failure, "aeo/gate/prod/shop", "why so"},
	} {
		if s := GateStatus("shop", "prod", refused, "why\nso"); s != want {
			t.Errorf("%v: %+v", refused, s)
		}
	}
}

func TestUnjudgedStatus(t *testing.T) {
	if s := UnjudgedStatus("shop", "prod", "a plugin\nrenders it"); s != (Status{Pending, "aeo/gate/prod/shop", "not judged: a plugin renders it"}) {
		t.Errorf("%+v", s)
	}
}

func TestScopeOf(t *testing.T) {
	src := &v1alpha1.Source{Path: "apps/shop/", Helm: &v1alpha1.HelmOptions{ValuesFiles: []string{"values/prod.yaml"}}}
	s := ScopeOf(src, []string{".", "apps/shop", "base/kustomization.yaml", "base/web.yaml", "charts/web/Chart.yaml", "lib/patch.yaml"})
	for file, want := range map[string]bool{
		"apps/shop/a": true, "apps/shop/deep/a": true, "apps/other/a": false, "values/prod.yaml": true, "values/dev.yaml": false,
		"base/new.yaml": true, "base/deep/x": false, "charts/web/templates/x": true, "lib/patch.yaml": true, "lib/other": false, "README": false,
	} {
		if s.Has(file) != want {
			t.Errorf("%s: %v", file, !want)
		}
	}
	for folder, want := range map[string]bool{"apps": true, "apps/shop": true, "apps/shop/x": true, "apps/other": false, "values": true, "base": true, "base/deep": false, "charts": true, "charts/web/templates": true, "lib": true, "docs": false} {
		if s.Below(folder) != want {
			t.Errorf("below %s: %v", folder, !want)
		}
	}
	if s := ScopeOf(&v1alpha1.Source{}, nil); !s.Has("any/thing") || !s.Below("any") {
		t.Error("an application at the top is not made of everything")
	}
}
