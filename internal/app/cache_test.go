package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/internal/config"
)

const (
	podText  = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: x, image: 'a:1', securityContext: {privileged: true}}]\n"
	podOther = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: x, image: 'a:1', securityContext: {privileged: null}}]\n"
)

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// result is all that a user gets of one run.
type result struct {
	code           int
	stdout, stderr string
	// judged is how often the files had to be judged, or the report decoded.
	judged int
}

// counting counts how often the report is asked for.
type counting struct {
	backend
	judged *int
}

func (c counting) Assess(ctx context.Context, req cli.Request) (*cli.Outcome, error) {
	out, err := c.backend.Assess(ctx, req)
	if err != nil {
		return nil, err
	}
	judge := out.Judge
	out.Judge = func(ctx context.Context) (*assess.Report, error) {
		*c.judged++
		return judge(ctx)
	}
	return out, nil
}

func aeo(b backend, args ...string) result {
	var r result
	var stdout, stderr bytes.Buffer
	s := &cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" }}
	r.code = cli.Main(context.Background(), counting{b, &r.judged}, s, cli.Build{Version: "test"}, args)
	r.stdout, r.stderr = stdout.String(), stderr.String()
	return r
}

// same runs a command with and without the cache, which must give the same.
func same(t *testing.T, b backend, args ...string) result {
	t.Helper()
	got, want := aeo(b, args...), aeo(b, append(args, "--no-cache")...)
	if got.stdout != want.stdout || got.stderr != want.stderr || got.code != want.code {
		t.Errorf("the cache is wrong for %v: exit %d, want %d\n%s\n%s\n%s\n%s", args, got.code, want.code, firstDifference(got.stdout, want.stdout), firstDifference(want.stdout, got.stdout), got.stderr, want.stderr)
	}
	return got
}

func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("at %d: %.300q", i, a[max(0, i-40):])
}

// known runs a command that must be answered from the cache alone.
func known(t *testing.T, b backend, args ...string) result {
	t.Helper()
	r := same(t, b, args...)
	if r.judged != 0 {
		t.Errorf("%v: an unchanged rerun is judged again", args)
	}
	return r
}

func isolated(t *testing.T) (cache string) {
	t.Helper()
	cache = t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	return cache
}

var allFormats = []string{"table", "json", "sarif", "junit", "markdown", "github", "html"}

func TestARerunIsAnsweredFromTheCache(t *testing.T) {
	isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"web.yaml": podText, "note.txt": "x", "empty.yaml": ""})
	for _, f := range allFormats {
		first := same(t, backend{}, "assess", dir, "-o", f)
		if first.judged != 1 || len(first.stdout) < 100 || first.code != 1 {
			t.Errorf("%s: a first run is judged %d times, %d bytes, exit %d", f, first.judged, len(first.stdout), first.code)
		}
		if again := known(t, backend{}, "assess", dir, "-o", f); again.stdout != first.stdout || again.code != 1 {
			t.Errorf("%s: the rerun says something else", f)
		}
	}
	for _, args := range [][]string{{"-v"}, {"--show", "passed"}, {"--fail-on", "never"}, {"--skip", "k8s-privileged-container"}, {"-o", "json", "--kube-version", "v1.30"}, {"--fail-on-unknown", "--fail-on", "never"}} {
		args = append([]string{"assess", dir}, args...)
		same(t, backend{}, args...)
		known(t, backend{}, args...)
	}
	// Several outputs at once, one to a file.
	file := filepath.Join(t.TempDir(), "out.json")
	args := []string{"assess", dir, "-o", "table", "-o", "json=" + file}
	for range 2 {
		aeo(backend{}, args...)
		if text, err := os.ReadFile(file); err != nil || string(text) != aeo(backend{}, "assess", dir, "-o", "json", "--no-cache").stdout {
			t.Errorf("%d bytes, %v", len(text), err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	known(t, backend{}, args...)
}

func TestTheReportServesOtherFormats(t *testing.T) {
	cache := isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"web.yaml": podText, "bad.yaml": "a: [", "\xff.yaml": podText})
	for _, f := range allFormats {
		same(t, backend{}, "assess", dir, "-o", f)
	}
	if err := os.Remove(filepath.Join(dir, "\xff.yaml")); err != nil {
		t.Fatal(err)
	}
	same(t, backend{}, "assess", dir)
	before := len(files(t, cache))
	same(t, backend{}, "assess", dir, "-o", "json")
	if n := len(files(t, cache)) - before; n != 1 {
		t.Errorf("%d entries are written for one more output, want 1", n)
	}
	same(t, backend{}, "assess", "baseline", dir)
	same(t, backend{}, "assess", "baseline", dir)
}

// files lists the entries of the cache.
func files(t *testing.T, cache string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(cache, "aeo", "assess", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestEveryChangeIsSeen makes each change after a run that the cache knows.
func TestEveryChangeIsSeen(t *testing.T) {
	isolated(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, dir, map[string]string{
		"web.yaml": podText, "other.yaml": podOther, ".gitignore": "ignored\n", "k/kustomization.yaml": "resources: [ignored/pod.yaml]\n",
		"k/ignored/pod.yaml": podText, "l/kustomization.yaml": "resources: [pod.yaml]\n", "l/one.txt": podText, "l/two.txt": "",
		"e/kustomization.yaml": "resources: [empty]\n",
		"chart/Chart.yaml":     "apiVersion: v2\nname: c\nversion: 1.0.0\n", "chart/templates/ignored/a.yaml": podOther,
	})
	if err := os.Symlink("one.txt", at("l/pod.yaml")); err != nil {
		t.Fatal(err)
	}
	past := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	write := func(name, text string) func() error {
		return func() error {
			return errors.Join(os.MkdirAll(filepath.Dir(at(name)), 0o755), os.WriteFile(at(name), []byte(text), 0o644))
		}
	}
	steps := []struct {
		what string
		do   func() error
		// still means that the answer stays.
		still bool
	}{
		{"times set back", func() error { return os.Chtimes(at("web.yaml"), past, past) }, true},
		{"an edit of the same size", write("web.yaml", podOther), false},
		{"an edit of the same size, times set back", func() error {
			return errors.Join(os.WriteFile(at("web.yaml"), []byte(podText), 0o644), os.Chtimes(at("web.yaml"), past, past))
		}, false},
		{"a file replaced by rename", func() error {
			return errors.Join(os.WriteFile(at("new"), []byte(podOther), 0o644), os.Rename(at("new"), at("web.yaml")))
		}, false},
		{"two files swapped", func() error {
			return errors.Join(write("other.yaml", podText)(), write("web.yaml", "# other\n"+podText)())
		}, false},
		{"an ignored file that is rendered", write("k/ignored/pod.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"), false},
		{"a link that names another file", func() error {
			return errors.Join(os.Remove(at("l/pod.yaml")), os.Symlink("two.txt", at("l/pod.yaml")))
		}, false},
		{"what a link names", write("l/two.txt", podText), false},
		{"a folder without files", func() error { return os.Mkdir(at("e/empty"), 0o755) }, false},
		{"a folder without files that goes", func() error { return os.Remove(at("e/empty")) }, false},
		{"a new file in an ignored folder of a chart", write("chart/templates/ignored/b.yaml", podText), false},
		{"a file in it that grows", write("chart/templates/ignored/b.yaml", podText+"---\n"+podText), false},
		{"a file ignored", write(".gitignore", "ignored\nother.yaml\n"), false},
		{"a file no more ignored", write(".gitignore", "ignored\n"), false},
		{"a file ignored by .aeoignore", write(".aeoignore", "web.yaml\n"), false},
		{"a rule for no file", write(".aeoignore", "web.yaml\nnothing\n"), true},
		{"no more ignored by .aeoignore", func() error { return os.Remove(at(".aeoignore")) }, false},
		{"exceptions", write(".aeo/exceptions.yaml", "inline: forbidden\n"), false},
		{"a new file", write("z.yaml", podText), false},
		{"an empty file that becomes full", write("z.yaml", ""), false},
		{"a file removed", func() error { return os.Remove(at("z.yaml")) }, false},
		{"permissions", func() error { return os.Chmod(at("web.yaml"), 0o600) }, true},
		{"a file that becomes a folder", func() error { return errors.Join(os.Remove(at("web.yaml")), os.Mkdir(at("web.yaml"), 0o755)) }, false},
		{"a file that becomes a link", func() error {
			return errors.Join(os.Remove(at("other.yaml")), os.Symlink("l/one.txt", at("other.yaml")))
		}, false},
	}
	args := []string{"assess", dir, "-o", "json"}
	last := same(t, backend{}, args...)
	known(t, backend{}, args...)
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatalf("%s: %v", s.what, err)
		}
		now := same(t, backend{}, args...)
		if (now.stdout == last.stdout) != s.still {
			t.Errorf("%s: the answer stays: %v, want %v", s.what, now.stdout == last.stdout, s.still)
		}
		known(t, backend{}, args...)
		last = now
	}
}

func TestADayIsNotAnother(t *testing.T) {
	isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"web.yaml":               podText,
		"chart/Chart.yaml":       "apiVersion: v2\nname: c\nversion: 1.0.0\n",
		"chart/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'day-{{ now | date \"2006-01-02\" }}'}\ndata: {a: '{{ now | date \"2006-01-02\" }}'}\n",
		".aeo/exceptions.yaml":   "exceptions:\n- check: k8s-privileged-container\n  reason: legacy\n  owner: me\n  expires: 2026-03-01\n",
	})
	east := time.FixedZone("east", 9*3600)
	var texts []string
	for _, now := range []time.Time{
		time.Date(2026, 3, 1, 8, 0, 0, 0, east),  // still the last of February in UTC
		time.Date(2026, 3, 1, 10, 0, 0, 0, east), // the first of March everywhere
		time.Date(2026, 3, 1, 23, 0, 0, 0, east),
		time.Date(2026, 3, 2, 0, 0, 0, 0, east), // the exception has expired
		time.Date(2026, 3, 1, 8, 0, 0, 0, east), // the clock is set back
	} {
		b := backend{clock: func() time.Time { return now }}
		r := same(t, b, "assess", dir, "-o", "json", "--show", "passed")
		known(t, b, "assess", dir, "-o", "json", "--show", "passed")
		texts = append(texts, r.stdout)
	}
	if texts[0] != texts[4] || texts[1] != texts[2] || texts[2] == texts[3] {
		t.Error("the answers do not change with the day as they should")
	}
}

func TestTheBaselineAndTheTargetCount(t *testing.T) {
	isolated(t)
	dir, other := t.TempDir(), t.TempDir()
	put(t, dir, map[string]string{"web.yaml": podText})
	put(t, other, map[string]string{"web.yaml": podText})
	file := filepath.Join(t.TempDir(), "baseline.json")
	for _, text := range []string{aeo(backend{}, "assess", "baseline", dir).stdout, `{"apiVersion": "autoecoops.io/baseline/v1"}`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			same(t, backend{}, "assess", dir, "--baseline", file, "-o", "json")
		}
	}
	if a, b := known(t, backend{}, "assess", dir, "--baseline", file, "-o", "json"), same(t, backend{}, "assess", other, "--baseline", file, "-o", "json"); a.stdout == b.stdout {
		t.Error("another folder's name is printed")
	}
	same(t, backend{}, "assess", filepath.Join(dir, "web.yaml"), "-o", "json")
	known(t, backend{}, "assess", filepath.Join(dir, "web.yaml"), "-o", "json")
}

func TestDamageIsNotBelieved(t *testing.T) {
	cache := isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"web.yaml": podText})
	want := same(t, backend{}, "assess", dir)
	check := func(what string) {
		t.Helper()
		if got := aeo(backend{}, "assess", dir); got.stdout != want.stdout || got.code != want.code || got.stderr != want.stderr {
			t.Errorf("%s: exit %d, %.200q", what, got.code, got.stdout)
		}
	}
	all := files(t, cache)
	if len(all) != 3 {
		t.Fatalf("%d entries, want the traces, the report and the output", len(all))
	}
	step := 97
	if testing.Short() {
		step = 997
	}
	for _, file := range all {
		intact, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		damage := func(what string, text []byte) {
			t.Helper()
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			check(what)
		}
		for i := 0; i < len(intact); i += step {
			flipped := bytes.Clone(intact)
			flipped[i] ^= 0x20
			damage(fmt.Sprintf("byte %d of %d", i, len(intact)), flipped)
			damage(fmt.Sprintf("cut at %d of %d", i, len(intact)), intact[:i])
		}
		damage("grown", append(bytes.Clone(intact), 'x'))
		damage("nothing", nil)
	}
	// A crash may leave any of the entries out.
	for mask := range 1 << len(all) {
		check("repair")
		for i, file := range all {
			if mask>>i&1 == 1 {
				if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
		}
		check(fmt.Sprintf("without the entries of %b", mask))
	}
	known(t, backend{}, "assess", dir)
}

func TestACacheThatCannotBeWritten(t *testing.T) {
	cache := isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"web.yaml": podText})
	put(t, cache, map[string]string{"aeo": "no folder"})
	for range 2 {
		if r := same(t, backend{}, "assess", dir); r.judged != 1 || r.code != 1 {
			t.Errorf("judged %d times, exit %d", r.judged, r.code)
		}
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	same(t, backend{}, "assess", dir)
}

func TestTheProgramCounts(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "program")
	at := time.Now().Add(-time.Hour)
	seen := map[string]string{}
	for what, text := range map[string]string{"one": "one", "same size": "two", "longer": "three", "long": strings.Repeat("x", 100<<10), "long, other head": "y" + strings.Repeat("x", 100<<10-1)} {
		put(t, dir, map[string]string{"program": text})
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
		id, err := programIdentity(name)
		if err != nil {
			t.Fatal(err)
		}
		if other, found := seen[id]; found {
			t.Errorf("%s and %s are one program", what, other)
		}
		seen[id] = what
	}
	first, err := programIdentity(name)
	if err := errors.Join(err, os.Chtimes(name, at, at.Add(1))); err != nil {
		t.Fatal(err)
	}
	if second, err := programIdentity(name); err != nil || second == first {
		t.Errorf("a program that was written later is the same: %v", err)
	}
	if _, err := programIdentity(filepath.Join(dir, "none")); err == nil {
		t.Error("there is no program")
	}
}

func TestManyRunsAtOnce(t *testing.T) {
	isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"web.yaml": podText})
	want := map[string]bool{aeo(backend{}, "assess", dir, "--no-cache").stdout: true}
	put(t, dir, map[string]string{"web.yaml": podOther})
	want[aeo(backend{}, "assess", dir, "--no-cache").stdout] = true
	if len(want) != 2 {
		t.Fatal("the two contents are judged alike")
	}
	done := make(chan struct{})
	var editor, runs sync.WaitGroup
	editor.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			next := filepath.Join(dir, ".git")
			err := errors.Join(os.WriteFile(next, []byte([]string{podText, podOther}[i%2]), 0o644), os.Rename(next, filepath.Join(dir, "web.yaml")))
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 4 {
		runs.Go(func() {
			for range 25 {
				if r := aeo(backend{}, "assess", dir); !want[r.stdout] {
					t.Errorf("an answer of neither content: %.300s", r.stdout)
				}
			}
		})
	}
	runs.Wait()
	close(done)
	editor.Wait()
	for range 2 {
		same(t, backend{}, "assess", dir)
	}
}

// TestWhatChangesMeanwhileIsNotKept changes the tree at the points at which an
// assessment looks at it.
func TestWhatChangesMeanwhileIsNotKept(t *testing.T) {
	isolated(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"web.yaml": podText})
	req := cli.Request{Path: dir, Settings: config.Default()}
	open := func() *cli.Outcome {
		out, err := backend{}.Assess(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { out.Close() })
		return out
	}
	summary := assess.Summary{Objects: 1}
	keep := func(out *cli.Outcome, view string, write func(io.Writer) error) {
		t.Helper()
		if err := out.Memory.Keep(view, summary, io.Discard, write); err != nil {
			t.Fatal(err)
		}
	}
	recalled := func(view string) bool {
		_, text, ok := open().Memory.Recall(view)
		if ok {
			text.Close()
		}
		return ok
	}
	out := open()
	keep(out, "too early", func(w io.Writer) error { return nil })
	if _, err := out.Judge(t.Context()); err != nil {
		t.Fatal(err)
	}
	reading := func(name string) func(io.Writer) error {
		return func(w io.Writer) error {
			text, _ := fs.ReadFile(out.Files, name)
			_, err := w.Write(text)
			return err
		}
	}
	keep(out, "good", reading("web.yaml"))
	if err := out.Memory.Keep("failed", summary, io.Discard, func(io.Writer) error { return io.ErrShortWrite }); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("the writer's error is lost: %v", err)
	}
	put(t, dir, map[string]string{"web.yaml": podOther})
	keep(out, "source changed", reading("web.yaml"))
	keep(out, "and after it", func(w io.Writer) error { return nil })
	put(t, dir, map[string]string{"web.yaml": podText})
	for view, want := range map[string]bool{"too early": false, "good": true, "failed": false, "source changed": false, "and after it": false} {
		if got := recalled(view); got != want {
			t.Errorf("%s: kept: %v, want %v", view, got, want)
		}
	}
	// What the assessment did not look at is not known to be the same.
	put(t, dir, map[string]string{"Dockerfile.md": "x", "pic.png": "x"})
	out = open()
	if _, err := out.Judge(t.Context()); err != nil {
		t.Fatal(err)
	}
	keep(out, "beyond", reading("../pic.png"))
	if recalled("beyond") {
		t.Error("an output is kept that rests on what is not watched")
	}
}

func TestChangedSince(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	isolated(t)
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", args, out)
		}
	}
	put(t, dir, map[string]string{"a/web.yaml": podText, "b/x.txt": ""})
	git("init", "-q", ".")
	git("add", ".")
	git("commit", "-qm", "x")
	// The two folders hold the same now and held something else before.
	put(t, dir, map[string]string{"b/web.yaml": podText, "a/x.txt": ""})
	args := func(name string) []string {
		return []string{"assess", filepath.Join(dir, name), "--changed-since", "HEAD", "-o", "json"}
	}
	known1 := same(t, backend{}, args("a")...)
	fresh := same(t, backend{}, args("b")...)
	if len(fresh.stdout) <= len(known1.stdout) {
		t.Error("what is new in one folder is hidden by the other's answer")
	}
	known(t, backend{}, args("a")...)
	// A link that names one folder, then the other.
	for _, name := range []string{"a", "b"} {
		link := filepath.Join(dir, "link")
		_ = os.Remove(link) // there is none at first
		if err := os.Symlink(name, link); err != nil {
			t.Fatal(err)
		}
		same(t, backend{}, args("link")...)
	}
	// A commit changes the target, and what came since.
	git("add", ".")
	git("commit", "-qm", "y")
	for _, name := range []string{"a", "b"} {
		same(t, backend{}, args(name)...)
		same(t, backend{}, "assess", filepath.Join(dir, name), "-o", "json")
	}
}

func TestAnEarlierTreeInPartIsNotRemembered(t *testing.T) {
	w, _ := watching(t, map[string]string{"web.yaml": podText})
	src := (&assessment{cache: &resultCache{witness: w}}).complete(failing{w.src})
	if _, err := src.ReadFile("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, _, ok := w.seal(); !ok {
		t.Error("a file that does not exist is an answer")
	}
	if _, err := src.ReadFile("lost"); err == nil {
		t.Error("the object is there")
	}
	if _, _, ok := w.seal(); ok {
		t.Error("a file that could not be read is taken for an answer")
	}
}

// failing is a source that has lost an object.
type failing struct{ assess.Source }

func (f failing) ReadFile(name string) ([]byte, error) {
	if name == "lost" {
		return nil, errors.New("object not found")
	}
	return f.Source.ReadFile(name)
}
