package prometheus

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// ranged serves query_range: for each question the samples of a series "a".
func ranged(t *testing.T, most int, asked *int) *Client {
	t.Helper()
	s := httptest.NewServer(Storeless(func(w http.ResponseWriter, r *http.Request) {
		*asked++
		q := r.URL.Query()
		start, _ := strconv.ParseFloat(q.Get("start"), 64)
		end, _ := strconv.ParseFloat(q.Get("end"), 64)
		step, _ := strconv.ParseFloat(q.Get("step"), 64)
		n := int((end-start)/step) + 1
		w.Header().Set("Content-Type", "application/json")
		if n > most { // far beyond what is read
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[]},"pad":"`)
			_, _ = io.CopyN(w, zeros{}, rest.MaxAnswer)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"s":"a"},"values":[`)
		for i := range n {
			if i > 0 {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprintf(w, `[%.3f,"%d"]`, start+float64(i)*step, i)
		}
		fmt.Fprint(w, `]}]}}`)
	}))
	t.Cleanup(s.Close)
	c, err := New(Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// TestRange asks in parts that the server can answer, and gets each moment once.
func TestRange(t *testing.T) {
	asked := 0
	c := ranged(t, 3000, &asked)
	from := time.UnixMilli(1_700_000_000_500)
	var got []int64
	err := c.Range(t.Context(), "x", from, from.Add(24_999*15*time.Second), 15*time.Second, func(labels map[string]string, points []Point) error {
		if labels["s"] != "a" {
			t.Error(labels)
		}
		for _, p := range points {
			got = append(got, p.At)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 25_000 {
		t.Errorf("%d moments in %d questions", len(got), asked)
	}
	for i, at := range got {
		if want := from.Add(time.Duration(i) * 15 * time.Second).UnixMilli(); at != want {
			t.Fatalf("moment %d is %d, not %d", i, at, want)
		}
	}
	stop := errors.New("enough")
	if err := c.Range(t.Context(), "x", from, from.Add(time.Hour), time.Minute, func(map[string]string, []Point) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	if err := c.Range(t.Context(), "x", from, from.Add(-1), time.Minute, nil); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	if err := ranged(t, 1, &asked).Range(t.Context(), "x", from, from.Add(time.Hour), time.Second, nil); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "larger") {
		t.Error(err)
	}
}

func TestRangeRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"vector":     `{"resultType":"vector","result":[]}`,
		"no result":  `[]`,
		"no matrix":  `{"resultType":"matrix","result":{}}`,
		"histogram":  `{"resultType":"matrix","result":[{"metric":{},"histograms":[]}]}`,
		"no values":  `{"resultType":"matrix","result":[{"metric":{},"values":[[1,2]]}]}`,
		"backwards":  `{"resultType":"matrix","result":[{"metric":{},"values":[[2,"2"],[1,"1"]]}]}`,
		"half right": `{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]},{"metric":{},"values":"x"}]}`,
	} {
		s := httptest.NewServer(Storeless(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"status":"success","data":%s}`, data)
		}))
		c, err := New(Options{URL: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		err = c.Range(t.Context(), "x", now, now, time.Minute, func(map[string]string, []Point) error {
			t.Errorf("%s: something was handed over", name)
			return nil
		})
		if err == nil {
			t.Errorf("%s is taken", name)
		}
		s.Close()
	}
}

// TestRangeOfAnotherTime refuses what was shifted, and takes what a frontend that begins
// at multiples of the step answers.
func TestRangeOfAnotherTime(t *testing.T) {
	from := time.UnixMilli(1_700_000_017_500)
	for shift, good := range map[time.Duration]bool{
		0: true, -17500 * time.Millisecond: true, -2 * time.Minute: false, 2 * time.Minute: false,
		24 * time.Hour: false, -24 * time.Hour: false, 31 * 365 * 24 * time.Hour: false,
	} {
		s := httptest.NewServer(Storeless(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			first := float64(from.Add(shift).UnixMilli()) / 1000
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[%.3f,"1"],[%.3f,"2"]]}]}}`, first, first+60)
		}))
		c, err := New(Options{URL: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		taken := 0
		err = c.Range(t.Context(), "x", from, from.Add(time.Minute), time.Minute, func(_ map[string]string, p []Point) error {
			taken += len(p)
			return nil
		})
		if good && (err != nil || taken != 2) || !good && (taken > 0 || fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "another time")) {
			t.Errorf("%s: %d points, %v", shift, taken, err)
		}
		s.Close()
	}
}

// TestNothings takes little memory for an answer of millions of nothings.
func TestNothings(t *testing.T) {
	many := strings.Repeat("{},", 5<<20) + "{}"
	s := httptest.NewServer(Storeless(func(w http.ResponseWriter, r *http.Request) {
		kind := "vector"
		if strings.HasSuffix(r.URL.Path, "query_range") {
			kind = "matrix"
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":%q,"result":[%s]}}`, kind, many)
	}))
	defer s.Close()
	c, err := New(Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, ask := range map[string]func() error{
		"range": func() error { return c.Range(t.Context(), "x", now, now, time.Minute, nil) },
		"query": func() error { _, err := c.Query(t.Context(), "x", now); return err },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := ask()
		runtime.ReadMemStats(&after)
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "more than 100000 series") {
			t.Errorf("%s: %v", name, err)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 400 {
			t.Errorf("%s: %d MiB were taken", name, took)
		}
	}
}

func TestPoints(t *testing.T) {
	got, ok := points([]byte(" [ [1.5,\"NaN\"] , [2,\"+Inf\"],[3e0,\"-1.5e-3\"]\n] "))
	if !ok || len(got) != 3 || got[0].At != 1500 || !math.IsNaN(got[0].Value) || !math.IsInf(got[1].Value, 1) || got[2].Value != -0.0015 {
		t.Errorf("%v %v", got, ok)
	}
	for _, bad := range []string{"", "[", "[[]]", `[["1"]]`, `[[1,"1"]`, `[[1,"1"],]`, `[[1,"1"] [2,"2"]]`, `[[1,1]]`, `[[x,"1"]]`, `[[1,"x"]]`, `{"a":1}`, `[[1,""]]`} {
		if got, ok := points([]byte(bad)); ok {
			t.Errorf("%q is %v", bad, got)
		}
	}
	if got, ok := points([]byte("[]")); !ok || len(got) != 0 {
		t.Error("an empty list is one")
	}
}

func FuzzPoints(f *testing.F) {
	for _, seed := range []string{"[]", `[[1,"1"],[2,"NaN"]]`, `[[1.5,"1e400"]]`, `[[1,"\""]]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := points(text)
		for i := 1; ok && i < len(got); i++ {
			if got[i].At <= got[i-1].At {
				t.Errorf("%q: not in order", text)
			}
		}
	})
}

func TestNames(t *testing.T) {
	s := httptest.NewServer(Storeless(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/api/v1/label/__name__/values" || r.URL.Query()["match[]"][0] != `{a="b"}` {
			t.Error(r.URL)
		}
		if r.URL.Query().Get("start") == "0.000" {
			fmt.Fprint(w, `{"status":"success","data":{}}`)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":["x","y"]}`)
	}))
	defer s.Close()
	c, err := New(Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	names, err := c.Names(t.Context(), []string{`{a="b"}`}, time.UnixMilli(1000), time.Now())
	if err != nil || len(names) != 2 {
		t.Error(names, err)
	}
	if _, err := c.Names(t.Context(), []string{`{a="b"}`}, time.UnixMilli(0), time.Now()); err == nil {
		t.Error("names that are none are taken")
	}
}
