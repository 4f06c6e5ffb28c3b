package metrics_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/internal/app/metrics"
)

// TestWatchDamaged begins with whatever stands where what was learned is kept: it says so
// and learns anew, and waits for no pipe.
func TestWatchDamaged(t *testing.T) {
	write := func(text string) func(string) error {
		return func(file string) error { return os.WriteFile(file, []byte(text), 0o600) }
	}
	for name, c := range map[string]struct {
		put func(file string) error
		why string
	}{
		"empty":      {write(""), "no file of them"},
		"foreign":    {write(strings.Repeat("hello", 100)), "no file of them"},
		"later":      {write("AEOw\x63\x00" + strings.Repeat("x", 100)), "version is 99"},
		"a head":     {write("AEOw\x01\x00" + strings.Repeat("\x00", 8)), "cut off"},
		"a pipe":     {func(file string) error { return syscall.Mkfifo(file, 0o600) }, "no regular file"},
		"a folder":   {func(file string) error { return os.Mkdir(file, 0o700) }, "no regular file"},
		"a device":   {func(file string) error { return os.Symlink("/dev/zero", file) }, "no regular file"},
		"its own":    {func(file string) error { return os.Symlink(file, file) }, "too many levels"},
		"not a text": {func(file string) error { return os.WriteFile(file, renamed(t), 0o600) }, "no text"},
	} {
		t.Run(name, func(t *testing.T) {
			keep := filepath.Join(t.TempDir(), "kept")
			if err := c.put(keep); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			done := make(chan *metrics.Watcher, 1)
			go func() {
				w, err := metrics.NewWatcher(metrics.WatchOptions{Selectors: []string{`{namespace="shop"}`}, Keep: keep, Log: slog.New(slog.NewTextHandler(&log, nil))})
				if err != nil {
					t.Error(err)
				}
				done <- w
			}()
			select {
			case w := <-done:
				if !strings.Contains(log.String(), c.why) || w.Followed() != 0 {
					t.Errorf("%d are taken up: %s", w.Followed(), log.String())
				}
				reg := prometheus.NewPedanticRegistry()
				reg.MustRegister(w)
				if _, err := reg.Gather(); err != nil {
					t.Error(err)
				}
			case <-time.After(time.Minute):
				t.Fatal("it waits for ever")
			}
		})
	}
}

// renamed is what is kept of a series, whose workload is no text any more.
func renamed(t *testing.T) []byte {
	keep := filepath.Join(t.TempDir(), "kept")
	w, s := watched(t, metrics.WatchOptions{Keep: keep, Alone: true, KeepEvery: time.Nanosecond}), newSender(1)
	w.send(t, s.next(-1))
	w.Watcher().Look(t.Context())
	text, err := os.ReadFile(keep)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("\x02w0"), []byte("\x02\xff\xfe"), 1)
	const head = 4 + 2 + 8
	size := binary.LittleEndian.Uint32(text[head:])
	record := text[head+4:][:size]
	binary.LittleEndian.PutUint32(text[head+4+int(size):], crc32.Checksum(record, crc32.MakeTable(crc32.Castagnoli)))
	return text
}
