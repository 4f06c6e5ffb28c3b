package script

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/autoecoops/autoecoops/internal/app"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"aeo": func() { os.Exit(app.Main(os.Args[1:])) }})
}

func TestScripts(t *testing.T) {
	outside := t.TempDir() // the cache must not lie in the assessed folder
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_CACHE_HOME", filepath.Join(outside, filepath.Base(e.WorkDir)))
			e.Setenv("HOME", outside)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": exit, "finding": finding, "input": input, "zero": zero,
			"ledger": makeLedger, "witness": witness, "flip": flip,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// exit runs a program and checks its exit code: exit CODE aeo ARGS.
func exit(ts *testscript.TestScript, neg bool, args []string) {
	want := args[0]
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if (got == want) == neg {
		ts.Fatalf("exit code is %s, want %s", got, want)
	}
}

// zero writes a file with a zero byte in it, which an archive cannot hold.
func zero(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("apiVersion: v1\x00"), 0o644))
}

type report struct {
	Findings []map[string]any `json:"findings"`
	Inputs   []map[string]any `json:"inputs"`
}

func load(ts *testscript.TestScript, file string) report {
	var r report
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &r); err != nil {
		ts.Fatalf("%s: %v", file, err)
	}
	return r
}

// finding checks that a JSON report has a finding with the given fields:
// finding FILE key=value ... ; with ! that it has none.
func finding(ts *testscript.TestScript, neg bool, args []string) {
	match(ts, neg, load(ts, args[0]).Findings, args[1:])
}

// input does the same for the report's inputs.
func input(ts *testscript.TestScript, neg bool, args []string) {
	match(ts, neg, load(ts, args[0]).Inputs, args[1:])
}

func match(ts *testscript.TestScript, neg bool, list []map[string]any, want []string) {
	for _, m := range list {
		ok := true
		for _, kv := range want {
			key, value, contains := strings.Cut(kv, "~")
			if !contains {
				key, value, _ = strings.Cut(kv, "=")
			}
			got := fmt.Sprint(lookup(m, key))
			ok = ok && (got == value || contains && strings.Contains(got, value))
		}
		if ok {
			if neg {
				ts.Fatalf("there is one with %v: %v", want, m)
			}
			return
		}
	}
	if !neg {
		text, _ := json.MarshalIndent(list, "", " ")
		ts.Fatalf("none of %d has %v:\n%s", len(list), want, text)
	}
}

func lookup(m map[string]any, key string) any {
	if outer, inner, ok := strings.Cut(key, "."); ok {
		if sub, isMap := m[outer].(map[string]any); isMap {
			return lookup(sub, inner)
		}
	}
	return m[key]
}
