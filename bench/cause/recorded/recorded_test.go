package recorded

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/cause/casefile"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/ops/identity"
)

func part(ns, name string) cause.Component {
	return cause.Component{Kind: trace.Service, Key: identity.Key{Namespace: ns, Service: name}}
}

func made(from, to int) cause.Case {
	c := cause.Case{At: time.UnixMilli(int64(to) * 1000).UTC()}
	for _, ns := range []string{"a", "b"} {
		s := cause.Series{Of: part(ns, "x"), ID: ns}
		for i := from; i < to; i++ {
			s.At, s.Values = append(s.At, int64(i)*1000), append(s.Values, 1.23456*float64(i))
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func put(t *testing.T, dir, file string, c cause.Case) {
	t.Helper()
	var b bytes.Buffer
	if err := casefile.Write(&b, c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPack packs what can be read, tells what cannot, and gives back both cases.
func TestPack(t *testing.T) {
	dir := t.TempDir()
	soon, late := made(5, 100), made(9, 104)
	put(t, dir, "soon", soon)
	put(t, dir, "late", late)
	if err := os.WriteFile(filepath.Join(dir, "bad"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := Label{Kind: "crash", Truth: part("a", "x"), Injected: soon.At, Note: "n", Abnormal: 3, Soon: "soon", Late: "late"}
	outside, missing, corrupt := l, l, l
	outside.Truth, missing.Soon, corrupt.Late = cause.Outside, "none", "bad"
	for i, x := range []Label{l, outside, missing, corrupt} {
		if err := WriteLabel(dir, i+9, x); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	n, err := Pack(dir, &b)
	if n != 2 || err == nil || !strings.Contains(err.Error(), "fault 11:") || !strings.Contains(err.Error(), "fault 12:") {
		t.Errorf("%d %v", n, err)
	}
	var got []Fault
	for f, err := range Open(bytes.NewReader(b.Bytes())) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f)
	}
	trim(&soon, cause.Outside)
	trim(&late, cause.Outside)
	if len(got) != 2 || !reflect.DeepEqual(got[1], Fault{outside, soon, late}) {
		t.Fatalf("%+v", got)
	}
	if s := got[0].Late.Series; len(s) != 1 || s[0].ID != "a" || !reflect.DeepEqual(s[0], late.Series[0]) || s[0].Values[1] != 12.35 || got[0].Label != l {
		t.Errorf("%+v", s)
	}
	last := error(nil)
	for _, err := range Open(bytes.NewReader(b.Bytes()[:b.Len()/2])) {
		last = err
	}
	if last == nil {
		t.Error("half of a file is taken for all of it")
	}
}
