package preview

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/diff"
	"github.com/autoecoops/autoecoops/fault"
)

func TestCandidates(t *testing.T) {
	sha := strings.Repeat("ab", 20)
	git := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &v1alpha1.Source{Git: &v1alpha1.GitSource{URL: "u", Semver: ">=1"}}}}
	git.Status.Sync = &v1alpha1.Revision{Revision: sha}
	oci := &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &v1alpha1.Source{OCI: &v1alpha1.OCISource{URL: "oci://h/r", Semver: ">=1"}}}}
	for _, c := range []struct {
		app        *v1alpha1.Application
		name, want string
	}{
		{git, "", "semver >=1"}, {git, "feature/x", "branch feature/x, tag feature/x"}, {git, sha, "commit " + sha}, {git, sha[:8], "commit " + sha},
		{git, "refs/heads/x", "branch x, tag refs/heads/x"}, {oci, "v1", "oci tag v1"}, {oci, "sha256:1234", "oci digest sha256:1234"},
	} {
		var got []string
		for _, s := range candidates(c.app, c.name) {
			switch {
			case s.OCI != nil && s.OCI.Digest != "":
				got = append(got, "oci digest "+s.OCI.Digest)
			case s.OCI != nil:
				got = append(got, "oci tag "+s.OCI.Tag)
			case s.Git.Commit != "":
				got = append(got, "commit "+s.Git.Commit)
			case s.Git.Branch != "":
				got = append(got, "branch "+s.Git.Branch)
			case s.Git.Tag != "":
				got = append(got, "tag "+s.Git.Tag)
			default:
				got = append(got, "semver "+s.Git.Semver)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnknownValues(t *testing.T) {
	cipher := encrypted + "data:x]"
	object := func(v any) map[string]any { return map[string]any{"data": map[string]any{"a": []any{v}}} }
	r := &rendering{locked: "locked", blank: "blank"}
	for want, v := range map[string]any{"locked": cipher, "blank": "x-${Y}", "": int64(3)} {
		if got := r.open(object(v)); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	if got := r.open(object(base64.StdEncoding.EncodeToString([]byte("k: " + cipher)))); got != "locked" {
		t.Errorf("in base64: %q", got)
	}
	if got := (&rendering{}).open(object(cipher)); got != "" {
		t.Errorf("nothing is left open, and it is %q", got)
	}
	if got := opened(object(cipher), object("word")); !slices.Equal(got, []string{"word"}) {
		t.Errorf("decrypted: %q", got)
	}
	if got := opened(object("word"), object("word")); len(got) != 0 {
		t.Errorf("never encrypted: %q", got)
	}
}

func TestFailed(t *testing.T) {
	o := &deliver.Object{Key: deliver.Key{Kind: "Service", Namespace: "a", Name: "b"}, Version: "v1", Body: map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "b", "annotations": map[string]any{v1alpha1.AnnotationRecreate: "allowed"}}, "spec": map[string]any{"type": "NodePort"},
	}}
	body := map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "b"}, "spec": map[string]any{"type": "ClusterIP", "defaulted": true}}
	mine := &trial{}
	account := &trial{as: deliver.Identity{Namespace: "a", ServiceAccount: "s"}}
	for name, c := range map[string]struct {
		t      *trial
		body   map[string]any
		kind   fault.Kind
		words  string
		action diff.Action
		note   string
	}{
		"immutable":       {mine, nil, fault.Blocked, "field is immutable", diff.Refuse, "would refuse this: field is immutable"},
		"made anew":       {mine, body, fault.Blocked, "field is immutable", diff.Update, "made anew"},
		"invalid":         {mine, nil, fault.Invalid, "bad", diff.Refuse, "would refuse this: bad"},
		"policy":          {mine, nil, fault.Denied, "violates PodSecurity", diff.Refuse, "violates PodSecurity"},
		"my rights":       {mine, nil, fault.Denied, `User "me" cannot patch resource "services"`, diff.Unknown, "you may not patch it"},
		"its rights":      {account, nil, fault.Denied, `User "s" cannot patch resource "services"`, diff.Refuse, "cannot patch"},
		"quota":           {mine, nil, fault.Unavailable, "exceeded quota: q", diff.Refuse, "exceeded quota"},
		"no namespace":    {mine, nil, fault.Unavailable, `namespaces "a" not found`, diff.Refuse, "not found"},
		"webhook":         {mine, nil, fault.Invalid, `admission webhook "w" does not support dry run`, diff.Unknown, "cannot be tried"},
		"overloaded":      {mine, nil, fault.Unavailable, "try later", diff.Unknown, "cannot try it: try later"},
		"nobody answers ": {mine, nil, fault.Unavailable, "the API server does not answer", diff.Unknown, ""},
	} {
		d, err := c.t.failed(o, c.body, fault.New(c.kind, "apply", "b", c.words, ""), "patch")
		if d.Action != c.action || !strings.Contains(d.Note, c.note) || (err != nil) != (c.note == "") {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		if c.body != nil && (len(d.Changes) != 2 || d.Changes[1].Path != "spec.type") {
			t.Errorf("%s: %+v", name, d.Changes)
		}
	}
	if got := said(fault.New(fault.Denied, "read", "b", "no", "grant it to the user ada")); got != "read b: no" {
		t.Errorf("who asked is told %q", got)
	}
	if publicOf(errors.New("x")) == "x" {
		t.Error("an internal error is shown")
	}
}

func TestLocal(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "a", "b")
	if err := errors.Join(os.MkdirAll(inner, 0o755), os.Mkdir(filepath.Join(dir, ".git"), 0o755), os.WriteFile(filepath.Join(dir, "f"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	r, err := local(inner)
	if err != nil || r.folder != dir || r.Commit() != nil || r.ID("f") != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{filepath.Join(dir, "f"), filepath.Join(dir, "none")} {
		if _, err := local(bad); err == nil {
			t.Errorf("%s can be opened", bad)
		}
	}
}

// TestLocalOutside refuses a folder that is in no working tree, unless it lies
// below the current one: nothing of the application would be there.
func TestLocalOutside(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "here", "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "here"))
	for _, good := range []string{".", "below"} {
		r, err := local(good)
		if err != nil {
			t.Errorf("%s: %v", good, err)
			continue
		}
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"/etc", "..", "below/../..", filepath.Join(dir, "here")} {
		f, ok := errors.AsType[*fault.Error](func() error { _, err := local(bad); return err }())
		if !ok || f.Kind != fault.Invalid || !strings.Contains(f.Public, "no working tree") || f.Hint == "" {
			t.Errorf("%s: %v", bad, f)
		}
	}
}

func TestLocalKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "k")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"SOPS_AGE_KEY": "in the environment", "SOPS_AGE_KEY_FILE": "from a file", "OTHER": ""} {
		s := &Stand{Parts: Parts{Getenv: func(n string) string {
			switch {
			case n != name:
				return ""
			case n == "SOPS_AGE_KEY_FILE":
				return file
			}
			return "in the environment"
		}}}
		keys := s.localKeys()
		data, _ := keys["data"].(map[string]any)
		text, _ := data["local.agekey"].(string)
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil || string(plain) != want {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
}
