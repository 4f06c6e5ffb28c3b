package casefile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/logs"
	"github.com/autoecoops/autoecoops/observe/trace"
	"github.com/autoecoops/autoecoops/observe/watch"
	"github.com/autoecoops/autoecoops/ops/identity"
)

var zero = time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)

// made is a case of four services, one of which gets slow.
func made(seed uint64) cause.Case {
	r := rand.New(rand.NewPCG(seed, 1))
	c := cause.Case{At: zero.Add(30 * time.Minute)}
	part := func(i int) cause.Component {
		return cause.Component{Kind: trace.Service, Key: identity.Key{Namespace: "shop", Service: fmt.Sprint("s", i)}}
	}
	for i := range 4 {
		for g, id := range []string{"rate", "errors", "duration", "cpu"} {
			s := cause.Series{Of: part(i), ID: fmt.Sprint(id, i), What: id, Unit: "s", Golden: watch.Golden(g), Direction: anomaly.Direction(g%3 - 1), Floor: 0.01, Usual: i == 3, Since: int64(i) * 1_700_000_000_000}
			for k := range 120 {
				if r.IntN(40) == 0 && seed%2 == 0 {
					continue
				}
				v := 1 + r.NormFloat64()/20
				if k > 100 && g >= 2 && i < 2 {
					v *= 3
				}
				s.At, s.Values = append(s.At, zero.Add(time.Duration(k)*15*time.Second).UnixMilli()), append(s.Values, v)
			}
			c.Series = append(c.Series, s)
		}
		c.Dependencies = append(c.Dependencies, cause.Dependency{Who: part(i), On: part((i + 1) % 4), Kind: cause.DependencyKind(i % 2)})
	}
	c.Series[1].Values[7], c.Series[1].Values[8], c.Series[1].Values[9] = math.NaN(), math.Inf(1), math.Inf(-1)
	c.Changes = []cause.Change{{At: zero.Add(25 * time.Minute), Of: part(1), Kind: cause.Release, Text: "s1@abc", Reference: "shop/1"}}
	c.Logs = []cause.Log{{Of: part(1), Signal: logs.Signal{Kind: logs.SurgingTemplate, Since: 7, Lines: 9, Expected: 1.5, Score: math.Inf(1),
		Template: logs.Template{ID: 77, Text: "failed <*>", Level: logs.Error, Example: "failed 1", Count: 8, First: 1, Last: 2, Former: []logs.ID{3}}}}}
	e := trace.Edge{Caller: part(0), Callee: part(1), Operation: "GET /", Async: true}
	c.Edges = trace.Compare([]trace.Total{{Edge: e, Cost: trace.Cost{Calls: 50, SelfSum: time.Second, LatencySum: 2 * time.Second}}},
		[]trace.Total{{Edge: e, Cost: trace.Cost{Calls: 60, SelfSum: 9 * time.Second, LatencySum: 12 * time.Second, Failed: 3, Faults: 2, GaveUp: 1, Longest: time.Second, Slowest: trace.ID{1, 2}}}})
	return c
}

func written(t testing.TB, c cause.Case) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSame gives back the same case, and so the same verdict.
func TestSame(t *testing.T) {
	for seed := range uint64(30) {
		c := made(seed)
		got, err := Read(bytes.NewReader(written(t, c)))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := fmt.Sprintf("%+v", c), fmt.Sprintf("%+v", got); a != b { // NaN is not equal to itself
			t.Fatalf("seed %d: %.3000s\n\n%.3000s", seed, a, b)
		}
		r := cause.Rank(c)
		if len(r.Causes) == 0 || !reflect.DeepEqual(r, cause.Rank(got)) {
			t.Fatalf("seed %d: %+v", seed, r)
		}
	}
	got, err := Read(bytes.NewReader(written(t, cause.Case{})))
	if err != nil || !reflect.DeepEqual(got, cause.Case{}) {
		t.Errorf("%+v %v", got, err)
	}
}

func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.Bytes()
}

const head = `{"format":"aeo-cause-case","version":1}` + "\n"

// TestRefused says why of everything that is no case.
func TestRefused(t *testing.T) {
	whole := written(t, made(1))
	one := func(field string) []byte {
		return packed(head + `{"series":[{"golden":"rate","direction":"above","floor":"0","values":"1 2"` + field + `}]}`)
	}
	for want, text := range map[string][]byte{
		"no case, or cut":   []byte("hello"),
		"but no case":       packed("{}\n{}"),
		"has version 2":     packed(`{"format":"aeo-cause-case","version":2}` + "\n{}"),
		"cut short":         whole[:len(whole)/2],
		"more follows":      packed(head + "{}{}"),
		"times do not":      one(`,"step":-1`),
		"differ in number":  one(`,"deltas":"1 2"`),
		"golden signal":     one(`,"golden":"x"`),
		"the direction":     one(`,"direction":"x"`),
		"more than 1500":    one(`,"values":"` + strings.Repeat("1 ", 1501) + `"`),
		"invalid syntax":    one(`,"values":"x"`),
		"kind of depend":    packed(head + `{"dependencies":[{"kind":"likes"}]}`),
		"the level":         packed(head + `{"logs":[{"id":"0000000000000001","level":"x"}]}`),
		"no object":         packed(head + "[]"),
		"are no list":       packed(head + `{"series":{}}`),
		"than 4 MiB":        packed(head + `{"x":[` + strings.Repeat(" ", 5<<20) + "]}"),
		"than 1000 changes": packed(head + `{"changes":[{}` + strings.Repeat(",{}", 1000) + `]}`),
		"no id of a trace":  packed(head + `{"edges":[{"after":{"slowest":"xy"}}]}`),
	} {
		_, err := Read(bytes.NewReader(text))
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := readAtMost(bytes.NewReader(whole), 1<<10); err == nil || !strings.Contains(err.Error(), "unpacks to more") {
		t.Error(err)
	}
	if err := Write(&bytes.Buffer{}, cause.Case{Series: make([]cause.Series, cause.MaxSeries+1)}); err == nil {
		t.Error("too many series are written")
	}
	if err := Write(&bytes.Buffer{}, cause.Case{Series: []cause.Series{{At: []int64{1}}}}); err == nil {
		t.Error("times without values are written")
	}
}

// TestBomb refuses a small file that would need gigabytes.
func TestBomb(t *testing.T) {
	many := strings.Repeat("{},", 5<<20) + "{}]"
	for want, text := range map[string][]byte{
		"more than 20000 series": packed(head + `{"series":[` + many),
		"calls":                  packed(head + `{"edges":[` + many),
		"larger than 4 MiB":      packed(head + `{"logs":[{"former":[` + strings.Repeat(`"",`, 5<<20)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Read(bytes.NewReader(text))
		runtime.ReadMemStats(&after)
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 400 {
			t.Errorf("%s: %d MiB were taken", want, took)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, made(1)))
	f.Add(packed(head + "{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		again, err := Read(bytes.NewReader(written(t, c)))
		if err != nil || fmt.Sprintf("%+v", c) != fmt.Sprintf("%+v", again) {
			t.Fatalf("%v", err)
		}
	})
}
