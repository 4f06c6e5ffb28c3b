package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/fault"
)

// logServer has lines with their moments, and cuts connections as it is told.
type logServer struct {
	lines []logged
	// shown is how many lines are there at each connection; the last goes on.
	shown []int
	// cut is how many bytes of an answer are sent; -1 for all.
	cut   []int
	asked []string
}

type logged struct {
	at   time.Time
	text string
}

func (s *logServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	turn := len(s.asked)
	s.asked = append(s.asked, r.URL.RawQuery)
	since := time.Time{}
	if text := r.URL.Query().Get("sinceTime"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
	var b strings.Builder
	for _, l := range s.lines[:s.shown[min(turn, len(s.shown)-1)]] {
		if !l.at.Before(since) {
			fmt.Fprintf(&b, "%s %s\n", l.at.UTC().Format(time.RFC3339Nano), l.text)
		}
	}
	text := b.String()
	if turn < len(s.cut) && s.cut[turn] >= 0 {
		text = text[:min(len(text), s.cut[turn])]
	}
	fmt.Fprint(w, text)
}

func logClient(t *testing.T, h http.Handler) *Client {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	c, err := New(&rest.Config{Host: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLogsOnceEach follows logs whose connections end anywhere, in the middle
// of a line too: every line comes, none twice, equal ones as often as they were
// written.
func TestLogsOnceEach(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	start := time.Unix(1_700_000_000, 0)
	for round := range 200 {
		s := &logServer{}
		at := start
		for range 5 + random.Intn(60) {
			at = at.Add(time.Duration(random.Intn(3)) * time.Duration(random.Intn(400)) * time.Millisecond)
			late := at.Add(-time.Duration(random.Intn(2)*random.Intn(300)) * time.Millisecond)
			s.lines = append(s.lines, logged{late, fmt.Sprint("line ", random.Intn(4))})
		}
		for shown := 0; shown < len(s.lines); shown += random.Intn(10) {
			s.shown = append(s.shown, shown)
			s.cut = append(s.cut, random.Intn(2)*random.Intn(500)-1)
		}
		s.shown = append(s.shown, len(s.lines))
		c := logClient(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		tries := 0
		read, err := c.Logs(ctx, LogOptions{Namespace: "n", Pod: "p", Container: "c", Pause: func(context.Context, time.Duration) {
			if tries++; tries > len(s.shown)+2 {
				cancel()
			}
		}}, func(l LogLine) error {
			got = append(got, l.At.UTC().Format(time.RFC3339Nano)+" "+string(l.Text))
			return nil
		})
		cancel()
		var want []string
		for _, l := range s.lines {
			want = append(want, l.at.UTC().Format(time.RFC3339Nano)+" "+l.text)
		}
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) || read.Lines != uint64(len(want)) || read.Connections < uint64(len(s.asked)) {
			t.Fatalf("round %d: %+v %v, %d lines, not %d, of %d connections\n%q\n%q", round, read, err, len(got), len(want), len(s.shown), got, want)
		}
	}
}

func TestLogsOnce(t *testing.T) {
	at := time.Unix(1_700_000_000, 500_000_000)
	s := &logServer{lines: []logged{{at.Add(-time.Hour), "old"}, {at.Add(-time.Millisecond), "of the same second"}, {at, "short\r"}, {at, strings.Repeat("x", 50_000)}, {at, ""}}, shown: []int{5}}
	c := logClient(t, s)
	var got []LogLine
	var texts []string
	read, err := c.Logs(t.Context(), LogOptions{Namespace: "n", Pod: "p", Since: at, Previous: true, MaxLine: 100}, func(l LogLine) error {
		texts = append(texts, string(l.Text))
		got = append(got, l)
		return nil
	})
	if err != nil || read.Lines != 3 || read.Cut != 1 || !read.Last.Equal(at) || texts[0] != "short" || texts[1] != strings.Repeat("x", 100) || !got[1].Cut || got[0].Cut || texts[2] != "" {
		t.Errorf("%+v %v %q", read, err, texts)
	}
	if want := "follow=false&previous=true&sinceTime=2023-11-14T22%3A13%3A20Z&timestamps=true"; len(s.asked) != 1 || s.asked[0] != want {
		t.Errorf("%q", s.asked)
	}
	// A last line without an end, and the node's own words.
	c = logClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "unable to retrieve container logs for containerd://x\n2023-11-14T22:13:20Z last")
	}))
	texts = nil
	read, err = c.Logs(t.Context(), LogOptions{Namespace: "n", Pod: "p", Once: true}, func(l LogLine) error { texts = append(texts, string(l.Text)); return nil })
	if err != nil || read.Odd != 1 || !slices.Equal(texts, []string{"last"}) {
		t.Errorf("%+v %v %q", read, err, texts)
	}
	// A connection that is not the first gives lines that are very late.
	turn := 0
	c = logClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if turn++; turn == 1 {
			fmt.Fprint(w, "2023-11-14T22:13:20Z one\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(50 * time.Millisecond) // the client reads it before the end
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, "2023-11-14T22:13:20Z one\n2023-11-14T22:13:30Z two\n2023-11-14T22:13:25Z late\n2023-11-14T22:13:18Z not asked for\n")
	}))
	texts = nil
	read, err = c.Logs(t.Context(), LogOptions{Namespace: "n", Pod: "p", Once: true, Pause: func(context.Context, time.Duration) {}}, func(l LogLine) error { texts = append(texts, string(l.Text)); return nil })
	if err != nil || read.Again != 2 || !slices.Equal(texts, []string{"one", "two", "late"}) {
		t.Errorf("%+v %v %q", read, err, texts)
	}
	// What the reader says ends it.
	stop := errors.New("enough")
	s = &logServer{lines: []logged{{at, "a"}, {at, "b"}}, shown: []int{2}}
	if read, err := logClient(t, s).Logs(t.Context(), LogOptions{Namespace: "n", Pod: "p"}, func(LogLine) error { return stop }); !errors.Is(err, stop) || read.Lines != 1 {
		t.Errorf("%+v %v", read, err)
	}
}

// TestLogsRefused has errors that end it and others that are tried again.
func TestLogsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		code    int
		message string
		want    fault.Kind
		again   bool
		hint    string
	}{
		"not there":       {404, `pods "p" not found`, fault.NotFound, false, ""},
		"not allowed":     {403, `pods "p" is forbidden: User "u" cannot get resource "pods/log"`, fault.Denied, false, "pods/log"},
		"which container": {400, "a container name must be specified for pod p, choose one of: [a b]", fault.Invalid, false, "containers"},
		"not started":     {400, `container "c" in pod "p" is waiting to start: ContainerCreating`, fault.Invalid, true, ""},
		"broken":          {500, "boom", fault.Unavailable, true, ""},
		"busy":            {429, "later", fault.Unavailable, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			client := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked > 2 {
					fmt.Fprintln(w, "2023-11-14T22:13:20Z here it is")
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.code)
				_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Message: c.message, Code: int32(c.code)})
			}))
			var told []error
			var waits []time.Duration
			read, err := client.Logs(t.Context(), LogOptions{
				Namespace: "n", Pod: "p", Once: true,
				Trouble: func(err error) { told = append(told, err) },
				Pause:   func(_ context.Context, d time.Duration) { waits = append(waits, d) },
			}, func(LogLine) error { return nil })
			if c.again {
				if err != nil || read.Lines != 1 || len(told) != 2 || fault.KindOf(told[0]) != c.want || !slices.Equal(waits, []time.Duration{firstWait, 2 * firstWait}) {
					t.Errorf("%+v %v %v %v", read, err, told, waits)
				}
				return
			}
			if fault.KindOf(err) != c.want || asked != 1 || !strings.Contains(err.Error(), "n/p") {
				t.Errorf("%v, asked %d times", err, asked)
			}
			var f *fault.Error
			if c.hint != "" && (!errors.As(err, &f) || !strings.Contains(f.Hint, c.hint)) {
				t.Errorf("%+v", f)
			}
		})
	}
	if _, err := logClient(t, http.NotFoundHandler()).Logs(t.Context(), LogOptions{Pod: "p"}, nil); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	// A server that is gone is tried again until ctx ends.
	web := httptest.NewServer(nil)
	web.Close()
	client, err := New(&rest.Config{Host: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, err := client.Logs(ctx, LogOptions{Namespace: "n", Pod: "p", Pause: func(_ context.Context, d time.Duration) {
		if d == longestWait {
			cancel()
		}
	}}, nil)
	if err != nil || read.Connections < 8 {
		t.Errorf("%+v %v", read, err)
	}
}

// TestLogsOfAStalledConnection asks anew where a connection brings nothing more.
func TestLogsOfAStalledConnection(t *testing.T) {
	at := time.Now().UTC().Add(-time.Minute)
	asked := 0
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		for i := range asked {
			fmt.Fprintf(w, "%s line %d\n", at.Add(time.Duration(i)*time.Second).Format(time.RFC3339Nano), i)
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done() // it stalls
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var lines []string
	read, err := c.Logs(ctx, LogOptions{Namespace: "shop", Pod: "web", Idle: 50 * time.Millisecond, Pause: func(context.Context, time.Duration) {}}, func(l LogLine) error {
		if lines = append(lines, string(l.Text)); len(lines) == 4 {
			cancel()
		}
		return nil
	})
	if err != nil || read.Connections != 4 || strings.Join(lines, ",") != "line 0,line 1,line 2,line 3" {
		t.Errorf("%+v, %q, %v", read, lines, err)
	}
}

// TestLogsEndAtOnce asks at longest pauses of a second for a log that has one new line each
// time, and begins with short ones again only after a connection that lasted.
func TestLogsEndAtOnce(t *testing.T) {
	asked := 0
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s line\n", time.Unix(1_700_000_000+int64(asked), 0).UTC().Format(time.RFC3339))
		asked++
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var waits []time.Duration
	_, err := c.Logs(ctx, LogOptions{Namespace: "n", Pod: "p", Pause: func(_ context.Context, d time.Duration) {
		if waits = append(waits, d); len(waits) == 6 {
			cancel()
		}
	}}, func(LogLine) error { return nil })
	if want := []time.Duration{firstWait, 2 * firstWait, 4 * firstWait, shortest, shortest, shortest}; err != nil || !slices.Equal(waits, want) {
		t.Errorf("%v, %v", waits, err)
	}
}

// TestLogsOfSomethingElse tells once of what is no line of a container, and counts it all.
func TestLogsOfSomethingElse(t *testing.T) {
	asked := 0
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 3 {
			fmt.Fprintln(w, "2023-11-14T22:13:20Z a line\n1600-01-01T00:00:00Z old\n2500-01-01T00:00:00Z new")
		}
		fmt.Fprintln(w, "<html>\x1b[2J\xff"+strings.Repeat("x", 1000)+"\n</html>")
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told []string
	odd := 0
	read, err := c.Logs(ctx, LogOptions{
		Namespace: "n", Pod: "p", Container: "c", Odd: func() { odd++ },
		Trouble: func(err error) { told = append(told, err.Error()) },
		Pause: func(context.Context, time.Duration) {
			if asked == 4 {
				cancel()
			}
		},
	}, func(LogLine) error { return nil })
	if err != nil || read.Odd != 10 || odd != 10 || read.Lines != 1 {
		t.Errorf("%+v %d %v", read, odd, err)
	}
	if len(told) != 2 || !strings.Contains(told[0], `n/p/c: what came has no moments before its lines: "<html>\x1b[2J`) || len(told[0]) > 400 {
		t.Errorf("%q", told)
	}
}
