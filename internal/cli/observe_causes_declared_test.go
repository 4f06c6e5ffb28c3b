package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/cause/casefile"
)

// declaring is a backend that has metrics and manifests.
type declaring struct {
	*surveying
	path string
	err  error
	// given is the case that was asked about.
	given *cause.Case
}

func (b *declaring) Manifests(_ context.Context, path string) (*Manifests, error) {
	b.path = path
	return &Manifests{Path: path, Notes: []string{"one file is broken\x1b"}, Needs: func(c *cause.Case) []cause.Dependency {
		given := *c
		b.given = &given
		web, _ := component("shop/web")
		orders, _ := component("shop/orders")
		return []cause.Dependency{{Who: web, On: orders, Kind: cause.Calls}}
	}}, b.err
}

// TestCausesByManifests adds who waits for whom by what is declared to what --depends says, and
// reads it before anybody is asked.
func TestCausesByManifests(t *testing.T) {
	b := &declaring{surveying: slowOrders()}
	file := filepath.Join(t.TempDir(), "outage.case")
	_, errs, _ := declaredCauses(t, b, "--manifests", "deploy", "--depends", "shop/mail=shop/orders", "--save-case", file)
	if b.path != "deploy" || b.given == nil || len(b.given.Series) != 1 || !strings.Contains(errs, "note: one file is broken?\n") {
		t.Fatalf("%q asked with %+v: %s", b.path, b.given, errs)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := casefile.Read(f)
	if err != nil || len(c.Dependencies) != 2 || c.Dependencies[0].Who.Key.Service != "mail" || c.Dependencies[1].Who.Key.Service != "web" {
		t.Errorf("%+v, %v", c.Dependencies, err)
	}
	b = &declaring{surveying: slowOrders()}
	if declaredCauses(t, b); b.given != nil || b.path != "" {
		t.Error("manifests are read that nobody named")
	}
	b = &declaring{surveying: slowOrders(), err: fault.New(fault.NotFound, "read manifests", "deploy", "there is no such folder", "")}
	if _, errs, code := declaredCauses(t, b, "--manifests", "deploy"); code != 2 || !strings.Contains(errs, "no such folder") || b.wanted.Source.URL != "" {
		t.Errorf("code %d, asked for %+v: %s", code, b.wanted, errs)
	}
	if _, errs, code := declaredCauses(t, b, "--manifests", "-", "--watch"); code != 2 || !strings.Contains(errs, "read only once") {
		t.Errorf("code %d: %s", code, errs)
	}
	if _, errs, code := declaredCauses(t, b, "--manifests", "deploy", "--case", file); code != 2 || !strings.Contains(errs, "--manifests cannot add to it") {
		t.Errorf("code %d: %s", code, errs)
	}
}

func declaredCauses(t *testing.T, b *declaring, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e strings.Builder
	s := &Streams{Out: &o, Err: &e, Getenv: func(string) string { return "" }}
	if len(args) == 0 || args[len(args)-2] != "--case" {
		args = append(args, "--prometheus", "http://p")
	}
	code = Main(t.Context(), b, s, Build{}, append([]string{"observe", "causes"}, args...))
	return o.String(), e.String(), code
}
