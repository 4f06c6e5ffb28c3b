package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// fifo makes a pipe with a name.
func fifo(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLogsInterrupted: what says nothing is left when the user wants to.
func TestLogsInterrupted(t *testing.T) {
	silent, w := io.Pipe()
	defer w.Close()
	pipe, written := fifo(t), fifo(t)
	go func() {
		if f, err := os.OpenFile(written, os.O_RDWR, 0); err == nil {
			defer f.Close()
			time.Sleep(5 * time.Second)
		}
	}()
	b := backend{stdin: silent}
	for what, ask := range map[string]func(ctx context.Context) error{
		"standard input": func(ctx context.Context) error {
			_, err := b.CompareLogs(ctx, cli.LogsRequest{Files: []string{"-"}, In: silent, Since: time.Minute})
			return err
		},
		"a pipe that nobody writes to": func(ctx context.Context) error {
			_, err := b.CompareLogs(ctx, cli.LogsRequest{Files: []string{pipe}, Since: time.Minute})
			return err
		},
		"a pipe whose writer says nothing": func(ctx context.Context) error {
			_, err := b.CompareLogs(ctx, cli.LogsRequest{Files: []string{written}, Since: time.Minute})
			return err
		},
		"objectives of standard input": func(ctx context.Context) error {
			_, err := b.Objectives(ctx, []string{"-"}, time.Hour)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- ask(ctx) }()
		time.AfterFunc(50*time.Millisecond, cancel)
		select {
		case err := <-done:
			if fault.KindOf(err) != fault.Interrupted {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: it goes on", what)
		}
	}
	if _, err := OpenToken(pipe, "--token-file"); err == nil || !strings.Contains(err.Error(), "nobody writes to") {
		t.Errorf("%v", err)
	}
	if _, err := b.Objectives(t.Context(), []string{pipe}, time.Hour); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("%v", err)
	}
}

// TestLogsOfPipe reads what a process writes to a pipe with a name.
func TestLogsOfPipe(t *testing.T) {
	name := fifo(t)
	go func() {
		if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {
			shopLog(func(at time.Time, line string) { fmt.Fprintln(f, at.Format(time.RFC3339), line) })
			f.Close()
		}
	}()
	code, told := jsonLogs(t, nil, name, "--at", logNoon.Format(time.RFC3339))
	lostOrders(t, code, told, name)
}

// TestLogsForms reads UTF-16, does not trip over marks of the byte order, and says how to
// read what is compressed.
func TestLogsForms(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for head, want := range map[string]string{"\x1f\x8b\x08\x00": "zcat ", "\x28\xb5\x2f\xfd": "zstdcat ", "BZh91AY": "bzcat ", "\xfd7zXZ\x00": "xzcat "} {
		name := file("packed", head+"abcdefgh")
		for _, in := range []io.Reader{nil, strings.NewReader(head + "abc"), bytes.NewBufferString(head + "abc")} {
			arg := name
			if in != nil {
				arg = "-"
			}
			if code, _, errs := observeLogs(t, in, nil, arg); code != 2 || !strings.Contains(errs, "compressed with") || !strings.Contains(errs, want) {
				t.Errorf("%q: %d %s", want, code, errs)
			}
		}
	}
	var plain strings.Builder
	shopLog(func(at time.Time, line string) { fmt.Fprintln(&plain, at.Format(time.RFC3339), line, "😀") })
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		var text []byte
		for _, u := range utf16.Encode([]rune("\uFEFF" + plain.String())) {
			text = order.AppendUint16(text, u)
		}
		f := file(name, string(text))
		code, told := jsonLogs(t, nil, f)
		lostOrders(t, code, told, f)
		if told.Read.Unplaced != 0 {
			t.Errorf("%s: %+v", name, told.Read)
		}
	}
	if _, told := jsonLogs(t, nil, file("bom", "\xef\xbb\xbf2026-03-01T11:00:00Z a\n2026-03-01T12:00:00Z b\n")); told.Read.Unplaced != 0 || told.Read.Lines != 2 {
		t.Errorf("%+v", told.Read)
	}
	lone := []byte{0xff, 0xfe, 'a', 0, 0x3d, 0xd8, 'b', 0, 0x3d, 0xd8, 0x00, 0xde, 0x3d, 0xd8, 'x'}
	r, err := plainText(bytes.NewReader(lone), "x")
	if got, _ := io.ReadAll(r); err != nil || string(got) != "a\uFFFDb😀\uFFFD" {
		t.Errorf("%q %v", got, err)
	}
}

// TestLogsTwice refuses a file under two names.
func TestLogsTwice(t *testing.T) {
	name := shopFile(t)
	link := filepath.Join(t.TempDir(), "link.log")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, args := range [][]string{{name, name}, {name, link}, {name, "-"}} {
		if code, _, errs := observeLogs(t, f, nil, args...); code != 2 || !strings.Contains(errs, "the same file") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}

// TestLogsWrongClock: a line of next week does not hide the errors of today.
func TestLogsWrongClock(t *testing.T) {
	var text strings.Builder
	start := logNoon.Add(-9*24*time.Hour - 2*time.Hour)
	for i := range 590 {
		fmt.Fprintln(&text, start.Add(time.Duration(i)*9*time.Second).Format(time.RFC3339), "INFO request served")
	}
	fmt.Fprintln(&text, start.Add(7*24*time.Hour).Format(time.RFC3339), "INFO request served")
	for i := range 50 {
		fmt.Fprintln(&text, start.Add(90*time.Minute+time.Duration(i)*time.Second).Format(time.RFC3339), "ERROR disk full")
	}
	code, told := jsonLogs(t, strings.NewReader(text.String()), "-")
	if code != 1 || len(told.Changes) == 0 || told.Changes[0].After != 50 || len(told.Read.Notes) != 1 || !strings.Contains(told.Read.Notes[0], "2026-02-27T10:00:01Z") {
		t.Errorf("%d %+v", code, told)
	}
	// Who asks for that moment learns that there is almost nothing.
	code, told = jsonLogs(t, strings.NewReader(text.String()), "-", "--at", "2026-02-27T10:00:01Z")
	if code != 0 || len(told.Read.Notes) != 1 || !strings.Contains(told.Read.Notes[0], "only 1 of 641 lines") {
		t.Errorf("%d %+v", code, told)
	}
}
