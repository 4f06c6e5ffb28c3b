package tsdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/autoecoops/autoecoops/adapter/tsdb"
	"github.com/autoecoops/autoecoops/fault"
)

func open(t *testing.T, o tsdb.Options) *tsdb.Store {
	t.Helper()
	s, err := tsdb.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func name(i int) labels.Labels {
	return labels.FromStrings("__name__", "m", "i", strconv.Itoa(i))
}

// name2 is a series that a few steps share: new ones keep coming.
func name2(step, i int) labels.Labels {
	return labels.FromStrings("__name__", "m", "i", strconv.Itoa(i), "part", strconv.Itoa(step/10))
}

// put appends one sample and returns what that, and the commit, said.
func put(t *testing.T, to storage.Appendable, l labels.Labels, at time.Time, v float64) error {
	t.Helper()
	a := to.Appender(t.Context())
	_, err := a.Append(0, l, at.UnixMilli(), v)
	return errors.Join(err, a.Commit())
}

// count returns how many samples there are of all series of the name m.
func count(t *testing.T, s *tsdb.Store) (n int) {
	t.Helper()
	q, err := s.Querier(0, time.Now().Add(time.Hour).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	set := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", "m"))
	for set.Next() {
		for it := set.At().Iterator(nil); it.Next() != 0; {
			n++
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return n
}

func TestOptions(t *testing.T) {
	for why, o := range map[string]tsdb.Options{
		"no folder": {}, "too short": {Dir: t.TempDir(), Retention: time.Minute}, "too few": {Dir: t.TempDir(), RetentionBytes: 1}, "negative": {Dir: t.TempDir(), MaxSeries: -1},
	} {
		if _, err := tsdb.Open(o); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tsdb.Open(tsdb.Options{Dir: file}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a file for a folder: %v", err)
	}
	dir := t.TempDir()
	open(t, tsdb.Options{Dir: dir})
	if _, err := tsdb.Open(tsdb.Options{Dir: dir}); fault.KindOf(err) != fault.Blocked {
		t.Errorf("a second store in the folder: %v", err)
	}
}

// TestRefusals refuses samples for each reason, and counts them.
func TestRefusals(t *testing.T) {
	now := time.Now()
	left := int64(1 << 40)
	s := open(t, tsdb.Options{Dir: t.TempDir(), MaxSeries: 3, OutOfOrder: time.Minute, Now: func() time.Time { return now }, Free: func(string) (int64, error) {
		if left < 0 {
			return 0, errors.New("gone")
		}
		return left, nil
	}})
	w := s.Appendable("write", false)
	for i := range 3 {
		if err := put(t, w, name(i), now, 1); err != nil {
			t.Fatal(err)
		}
	}
	long := labels.FromStrings("__name__", "m", "long", strings.Repeat("x", 5000))
	for _, c := range []struct {
		reason string
		l      labels.Labels
		at     time.Time
		v      float64
	}{
		{"series", name(3), now, 1}, {"labels", long, now, 1}, {"duplicate", name(0), now, 2}, {"old", name(0), now.Add(-3 * time.Hour), 1}, {"future", name(0), now.Add(time.Hour), 1},
	} {
		err := put(t, w, c.l, c.at, c.v)
		if err == nil || tsdb.Reason(err) != c.reason || s.Refused("write", c.reason) != 1 {
			t.Errorf("%s: %v, counted %d", c.reason, err, s.Refused("write", c.reason))
		}
	}
	if err := put(t, w, name(0), now.Add(-30*time.Second), 5); err != nil {
		t.Errorf("a little late: %v", err)
	}
	a := w.Appender(t.Context())
	if _, err := a.AppendHistogram(0, name(1), now.Add(time.Second).UnixMilli(), &histogram.Histogram{Count: 7}, nil); tsdb.Reason(err) != "histogram" {
		t.Errorf("a histogram that does not add up: %v", err)
	}
	if _, err := a.AppendHistogram(0, name(1), now.Add(time.Second).UnixMilli(), &histogram.Histogram{}, nil); err != nil {
		t.Error(err)
	}
	if err := a.Rollback(); err != nil || s.Refused("write", "undone") != 1 {
		t.Errorf("%v, %d undone", err, s.Refused("write", "undone"))
	}
	// A scrape is not lost for what is refused of it.
	if err := put(t, s.Appendable("scrape", true), name(9), now, 1); err != nil || s.Refused("scrape", "series") != 1 || s.Accepted("scrape") != 0 {
		t.Errorf("a lenient source: %v", err)
	}
	for _, n := range []int64{1, -1} {
		left, now = n, now.Add(2*time.Second)
		if err := put(t, w, name(0), now, 1); !errors.Is(err, tsdb.ErrDisk) {
			t.Errorf("a full disk: %v", err)
		}
		a := w.Appender(t.Context())
		if _, err := a.AppendExemplar(1, name(0), exemplar.Exemplar{Ts: now.UnixMilli()}); !errors.Is(err, tsdb.ErrDisk) {
			t.Errorf("an exemplar on a full disk: %v", err)
		}
		_ = a.Rollback()
	}
	if err := testutil.CollectAndCompare(s, strings.NewReader(`# HELP aeo_observe_metrics_writable 1 if metrics can be kept, 0 if the disk is full.
# TYPE aeo_observe_metrics_writable gauge
aeo_observe_metrics_writable 0
# HELP aeo_observe_samples_accepted_total Samples that are kept, by where they come from.
# TYPE aeo_observe_samples_accepted_total counter
aeo_observe_samples_accepted_total{source="write"} 4
# HELP aeo_observe_series Series in memory: those of the last two to three hours.
# TYPE aeo_observe_series gauge
aeo_observe_series 3
`), "aeo_observe_metrics_writable", "aeo_observe_samples_accepted_total", "aeo_observe_series"); err != nil {
		t.Error(err)
	}
	left, now = 1<<40, now.Add(2*time.Second)
	if err := put(t, w, name(0), now, 1); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	if got := s.Cardinality(5).NumSeries; got != 3 {
		t.Errorf("%d series", got)
	}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(s)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	for _, n := range []string{"aeo_observe_wal_corruptions_total", "aeo_observe_wal_bytes", "aeo_observe_head_chunks", "aeo_observe_series_limit"} {
		if !names[n] {
			t.Errorf("%s is missing", n)
		}
	}
}

// TestInsides makes sure that what is shown of the storage is there under its name.
func TestInsides(t *testing.T) {
	s := open(t, tsdb.Options{Dir: t.TempDir()})
	now := time.Now()
	for i := range 300 {
		if err := put(t, s.Appendable("write", false), name(i), now, 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range s.Missing() {
		t.Errorf("the storage has no metric %s", n)
	}
	if s.Chunks() != 300 {
		t.Errorf("%d chunks", s.Chunks())
	}
	q, err := s.ExemplarQuerier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found, err := q.Select(0, now.UnixMilli(), []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "__name__", "m")}); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
}

// TestKilled kills a process in the midst of writing: what it said that it had kept is
// there.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("TSDB_TEST_DIR"); dir != "" {
		child(dir)
		return
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilled$")
	c.Env = append(os.Environ(), "TSDB_TEST_DIR="+dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("%q", lines.Text())
		}
		if acknowledged = n; n == 20_000 {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = c.Wait()
	s := open(t, tsdb.Options{Dir: dir})
	if n := count(t, s); n < acknowledged || acknowledged < 20_000 {
		t.Errorf("%d samples are there, %d were acknowledged", n, acknowledged)
	} else {
		t.Logf("%d acknowledged, %d there", acknowledged, n)
	}
}

// child writes until it is killed, and says how much it has.
func child(dir string) {
	s, err := tsdb.Open(tsdb.Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	start := time.Now().Add(-time.Hour)
	for n := 0; ; {
		a := s.Appendable("write", false).Appender(context.Background())
		for i := range 100 {
			if _, err := a.Append(0, name(i), start.Add(time.Duration(n/100)*time.Second).UnixMilli(), float64(n)); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
		if err := a.Commit(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		n += 100
		fmt.Println(n)
	}
}

// TestBrokenLog cuts into the log of the newest samples: what is before stays, and it is
// told.
func TestBrokenLog(t *testing.T) {
	dir := t.TempDir()
	s, err := tsdb.Open(tsdb.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(-time.Hour)
	for i := range 2000 {
		if err := put(t, s.Appendable("write", false), name(i%50), now.Add(time.Duration(i)*time.Second), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join(dir, "wal", "00000000")
	text, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(text) / 2; i < len(text)/2+50; i++ {
		text[i] ^= 0x5a
	}
	if err := os.WriteFile(segment, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, tsdb.Options{Dir: dir})
	if n := count(t, s); n == 0 || n >= 2000 {
		t.Errorf("%d samples are left", n)
	}
	if err := testutil.CollectAndCompare(s, strings.NewReader(`# HELP aeo_observe_wal_corruptions_total How often the log of the newest samples was broken and was cut.
# TYPE aeo_observe_wal_corruptions_total counter
aeo_observe_wal_corruptions_total 1
`), "aeo_observe_wal_corruptions_total"); err != nil {
		t.Error(err)
	}
	if err := put(t, s.Appendable("write", false), name(1), time.Now(), 1); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestDamagedBlock puts a block aside that cannot be read, and goes on without.
func TestDamagedBlock(t *testing.T) {
	dir := t.TempDir()
	s, err := tsdb.Open(tsdb.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(-7 * time.Hour)
	for i := range 7 * 60 {
		if err := put(t, s.Appendable("write", false), name(i%5), start.Add(time.Duration(i)*time.Minute), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("%v, %v", blocks, err)
	}
	if err := os.WriteFile(filepath.Join(blocks[0], "index"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, tsdb.Options{Dir: dir})
	if n := count(t, s); n == 0 || n >= 7*60 {
		t.Errorf("%d samples are left", n)
	}
	if moved, err := filepath.Glob(filepath.Join(dir, tsdb.Damaged, "0*")); err != nil || len(moved) != 1 {
		t.Errorf("put aside: %v, %v", moved, err)
	}
	if err := testutil.CollectAndCompare(s, strings.NewReader(`# HELP aeo_observe_metrics_damaged_blocks Blocks that could not be opened and were put aside.
# TYPE aeo_observe_metrics_damaged_blocks gauge
aeo_observe_metrics_damaged_blocks 1
`), "aeo_observe_metrics_damaged_blocks"); err != nil {
		t.Error(err)
	}
}
