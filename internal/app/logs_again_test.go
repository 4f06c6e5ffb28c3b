package app

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// lateLoki is a Loki to which lines come late, and that tells since when it was asked.
type lateLoki struct {
	shopLoki
	seen  time.Time   // lines from then on have not come
	since []time.Time // of each request for lines
}

func (l *lateLoki) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if start, err := strconv.ParseInt(q.Get("start"), 10, 64); err == nil {
		l.since = append(l.since, time.Unix(0, start).UTC())
		end, _ := strconv.ParseInt(q.Get("end"), 10, 64)
		q.Set("end", strconv.FormatInt(min(end, l.seen.UnixNano()), 10))
		r.URL.RawQuery = q.Encode()
	}
	l.shopLoki.ServeHTTP(w, r)
}

// TestLogsAgain looks at the same Loki again and again: each time it says what who looks for
// the first time says, also of lines that came late, and asks for what is new only.
func TestLogsAgain(t *testing.T) {
	s := &lateLoki{shopLoki: shopLoki{t: t, counts: true}}
	server := httptest.NewServer(s)
	defer server.Close()
	b := backend{}
	look := func(at, mid time.Time, namespace string, recall *logs.Recall) *cli.ComparedLogs {
		t.Helper()
		s.since = nil
		found, err := b.CompareLogs(t.Context(), cli.LogsRequest{
			Loki: &cli.LokiSource{URL: server.URL, MaxLines: 100_000}, Namespace: namespace, At: at, Since: at.Sub(mid), Before: 30 * time.Minute, Least: 1, Timeout: time.Minute, Recall: recall,
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	recall := &logs.Recall{}
	begin := logNoon.Add(-20 * time.Minute)
	for i, c := range []struct {
		at, mid time.Duration // after begin
		all     bool          // it is to be read from the beginning
		known   time.Duration // else from then on
		of      string
	}{
		{10 * time.Minute, 0, true, 0, "shop"},
		{10*time.Minute + 30*time.Second, 0, false, 9 * time.Minute, "shop"},
		{14 * time.Minute, 0, false, 9*time.Minute + 30*time.Second, "shop"},
		{15 * time.Minute, 2 * time.Minute, false, 13 * time.Minute, "shop"}, // the window moves on
		{16 * time.Minute, -5 * time.Minute, true, 0, "shop"},                // it begins before what is known
		{17 * time.Minute, -5 * time.Minute, true, 0, "bank"},
		{17 * time.Minute, -5 * time.Minute, true, 0, "shop"},
		{19 * time.Minute, 16*time.Minute + 30*time.Second, false, 16 * time.Minute, "shop"}, // part of the time before is new, too
	} {
		at, mid := begin.Add(c.at), begin.Add(c.mid)
		s.seen = at.Add(-40 * time.Second)
		got := look(at, mid, c.of, recall)
		since := s.since
		want := look(at, mid, c.of, nil)
		if !reflect.DeepEqual(got, want) || got.Counted.Before == 0 || got.Counted.After == 0 {
			t.Errorf("look %d: %+v\nand anew %+v", i, got.Counted, want.Counted)
		}
		first := mid.Add(-30 * time.Minute)
		if !c.all {
			first = begin.Add(c.known)
		}
		if len(since) == 0 || !since[0].Equal(first) {
			t.Errorf("look %d asked for lines since %v, not %v", i, since, first)
		}
	}
}

// TestLogsThatAreTooMany are read anew at each look: what is kept must have no gap.
func TestLogsThatAreTooMany(t *testing.T) {
	s := &lateLoki{shopLoki: shopLoki{t: t}, seen: logNoon}
	server := httptest.NewServer(s)
	defer server.Close()
	b := backend{}
	recall := &logs.Recall{}
	for i := range 3 {
		s.since = nil
		found, err := b.CompareLogs(t.Context(), cli.LogsRequest{
			Loki: &cli.LokiSource{URL: server.URL, MaxLines: 100}, Namespace: "shop", At: logNoon, Since: 15 * time.Minute, Before: time.Hour, Least: 1, Timeout: time.Minute, Recall: recall,
		})
		// It is not told how many there are: what was left out is.
		if err != nil || len(found.Failed) != 2 || !s.since[0].Equal(logNoon.Add(-75*time.Minute)) {
			t.Errorf("look %d: %v since %v: %v", i, found.Failed, s.since, err)
		}
	}
}

// TestLogsWithWarnings are read anew at the next look: lines may be missing of which a Loki
// warns.
func TestLogsWithWarnings(t *testing.T) {
	s := &lateLoki{shopLoki: shopLoki{t: t, counts: true}, seen: logNoon}
	warns := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		text := answer.Body.String()
		if warns {
			text = strings.Replace(text, "{", `{"warnings":["a part of the store does not answer"],`, 1)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.Code)
		_, _ = w.Write([]byte(text))
	}))
	defer server.Close()
	recall := &logs.Recall{}
	for i, all := range []bool{true, true, false} {
		s.since = nil
		found, err := (backend{}).CompareLogs(t.Context(), cli.LogsRequest{
			Loki: &cli.LokiSource{URL: server.URL, MaxLines: 100_000}, Namespace: "shop", At: logNoon, Since: 15 * time.Minute, Before: 30 * time.Minute, Least: 1, Timeout: time.Minute, Recall: recall,
		})
		if err != nil {
			t.Fatal(err)
		}
		if anew := s.since[0].Equal(logNoon.Add(-45 * time.Minute)); anew != all || slices.Contains(found.Notes, "Loki says: a part of the store does not answer") != warns {
			t.Errorf("look %d asks since %v: %q", i, s.since, found.Notes)
		}
		warns = false
	}
}
