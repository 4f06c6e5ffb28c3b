package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
)

// TestErrorOfSeveralLines has a reason of several lines stay one paragraph.
func TestErrorOfSeveralLines(t *testing.T) {
	var out bytes.Buffer
	PrintError(&out, fault.Wrap(fault.Invalid, "open", "x", errors.Join(errors.New("one"), errors.New("two")), "mend it"))
	if got, want := out.String(), "error: cannot open x\nwhy:   one\n       two\nfix:   mend it\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWhatCannotBeWrittenIsNoSuccess has standard output refuse the answer, or its
// end, and the command fail, whatever it answers.
func TestWhatCannotBeWrittenIsNoSuccess(t *testing.T) {
	d := &desk{apps: []v1alpha1.Application{heldShop()}}
	for _, args := range []string{
		"app list", "app list -o json", "app list -o name", "app list -o wide", "app get shop", "app get shop -o yaml", "app get shop -o name",
		"app sync shop", "app suspend shop", "version", "checks", "explain k8s-run-as-root", "exit-codes", "--help",
	} {
		var complaint bytes.Buffer
		r, w := io.Pipe()
		if err := r.CloseWithError(errors.New("no space left")); err != nil {
			t.Fatal(err)
		}
		s := &Streams{In: strings.NewReader(""), Out: w, Err: &complaint, Getenv: func(string) string { return "" }}
		code := Main(context.Background(), d, s, Build{}, strings.Fields(args))
		if code != fault.Unavailable.ExitCode() || !strings.Contains(complaint.String(), "cannot write standard output\nwhy:   no space left") {
			t.Errorf("%s: exit code %d, %q", args, code, complaint.String())
		}
	}
}

// TestFindSaysWhatItLookedFor has a list that may not be read be told as the
// object that was asked for, and a name with a slash as a slip.
func TestFindSaysWhatItLookedFor(t *testing.T) {
	d := &desk{err: fault.New(fault.Denied, "list", "applications", `User "dev" cannot list resource "applications"`, "ask for the right")}
	for args, want := range map[string]string{
		"app get shop":             "cannot find application shop/shop\nwhy:   User \"dev\" cannot list",
		"app list":                 "cannot list applications",
		"release get shop-1":       "cannot find release shop/shop-1\nwhy:   User \"dev\" cannot list",
		"app get h1/shop":          "`aeo app get shop -n h1`",
		"app get a/b/c":            "see `aeo app get --help`",
		"app get h1/":              "see `aeo app get --help`",
		"release list -n h1/":      "\"h1/\" is no name of a namespace",
		"release get h1/shop-1":    "`aeo release get shop-1 -n h1`",
		"app history shop -n h1/x": "no name of a namespace",
	} {
		code, _, complaint := d.say(strings.Fields(args)...)
		if code == 0 || !strings.Contains(complaint, want) {
			t.Errorf("%s: exit code %d, %s", args, code, complaint)
		}
	}
}
