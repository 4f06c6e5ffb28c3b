package casefile

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/watch"
)

// file is a case as it is written.
type file struct {
	At           time.Time    `json:"at"`
	Series       []series     `json:"series"`
	Dependencies []dependency `json:"dependencies"`
	Changes      []change     `json:"changes"`
	Logs         []line       `json:"logs"`
	Edges        []edge       `json:"edges"`
}

type series struct {
	Of        cause.Component `json:"of"`
	ID        string          `json:"id"`
	What      string          `json:"what"`
	Unit      string          `json:"unit"`
	Golden    string          `json:"golden"`
	Direction string          `json:"direction"`
	Floor     string          `json:"floor"`
	Usual     bool            `json:"usual"`
	Since     int64           `json:"since,omitempty"`
	// Start and Step give the times of regular series; of others Deltas are
	// the steps one by one, apart by spaces. All are in milliseconds.
	Start  int64  `json:"start"`
	Step   int64  `json:"step,omitempty"`
	Deltas string `json:"deltas,omitempty"`
	Values string `json:"values"`
}

type dependency struct {
	Who  cause.Component `json:"who"`
	On   cause.Component `json:"on"`
	Kind string          `json:"kind"`
}

type change struct {
	At        time.Time        `json:"at"`
	Of        cause.Component  `json:"of"`
	Kind      cause.ChangeKind `json:"kind"`
	Text      string           `json:"text"`
	Reference string           `json:"reference"`
}

var (
	goldens    = []watch.Golden{watch.Rate, watch.Errors, watch.Duration, watch.Saturation, watch.Monitor}
	directions = []anomaly.Direction{anomaly.Below, anomaly.Either, anomaly.Above}
	relations  = map[string]cause.DependencyKind{"calls": cause.Calls, "runs-on": cause.RunsOn}
)

func named[T interface {
	comparable
	String() string
}](list []T, word, what string) (T, error) {
	for _, x := range list {
		if x.String() == word {
			return x, nil
		}
	}
	var none T
	return none, fmt.Errorf("%s %q is none", what, word)
}

// within holds the lists that are written to the limits of package cause.
func within(counts [5]int) error {
	names := [5]string{"series", "dependencies", "changes", "logs", "calls"}
	limits := [5]int{cause.MaxSeries, cause.MaxDependencies, cause.MaxChanges, cause.MaxLogs, cause.MaxEdges}
	for i, n := range counts {
		if n > limits[i] {
			return fault.New(fault.Invalid, writing, "", fmt.Sprintf("it has %d %s, %d are the most", n, names[i], limits[i]), "take fewer signals: --namespace or --max-signals")
		}
	}
	return nil
}

func keep(c *cause.Case) (*file, error) {
	if err := within([5]int{len(c.Series), len(c.Dependencies), len(c.Changes), len(c.Logs), len(c.Edges)}); err != nil {
		return nil, err
	}
	out := &file{At: c.At}
	for i := range c.Series {
		s := &c.Series[i]
		if len(s.At) != len(s.Values) {
			return nil, fault.New(fault.Invalid, writing, s.ID, "its times and values differ in number", "report it")
		}
		from := max(0, len(s.At)-cause.MaxPoints)
		x := series{Of: s.Of, ID: s.ID, What: s.What, Unit: s.Unit, Golden: s.Golden.String(), Direction: s.Direction.String(), Floor: number(s.Floor), Usual: s.Usual, Since: s.Since, Values: numbers(s.Values[from:])}
		x.Start, x.Step, x.Deltas = steps(s.At[from:])
		out.Series = append(out.Series, x)
	}
	for _, d := range c.Dependencies {
		word := ""
		for w, k := range relations {
			if k == d.Kind {
				word = w
			}
		}
		out.Dependencies = append(out.Dependencies, dependency{d.Who, d.On, word})
	}
	for _, x := range c.Changes {
		out.Changes = append(out.Changes, change(x))
	}
	for i := range c.Logs {
		out.Logs = append(out.Logs, lineOf(&c.Logs[i]))
	}
	for i := range c.Edges {
		out.Edges = append(out.Edges, edgeOf(&c.Edges[i]))
	}
	return out, nil
}

func (f *file) given() (c cause.Case, err error) {
	c.At = f.At
	for i := range f.Series {
		s, err := f.Series[i].given()
		if err != nil {
			return cause.Case{}, fmt.Errorf("series %d: %w", i+1, err)
		}
		c.Series = append(c.Series, s)
	}
	for _, d := range f.Dependencies {
		kind, ok := relations[d.Kind]
		if !ok {
			return cause.Case{}, fmt.Errorf("the kind of dependency %q is none", d.Kind)
		}
		c.Dependencies = append(c.Dependencies, cause.Dependency{Who: d.Who, On: d.On, Kind: kind})
	}
	for _, x := range f.Changes {
		c.Changes = append(c.Changes, cause.Change(x))
	}
	for i := range f.Logs {
		l, err := f.Logs[i].given()
		if err != nil {
			return cause.Case{}, err
		}
		c.Logs = append(c.Logs, l)
	}
	for i := range f.Edges {
		c.Edges = append(c.Edges, f.Edges[i].given())
	}
	return c, nil
}

func (x *series) given() (s cause.Series, err error) {
	s = cause.Series{Of: x.Of, ID: x.ID, What: x.What, Unit: x.Unit, Usual: x.Usual, Since: x.Since}
	if s.Golden, err = named(goldens, x.Golden, "the golden signal"); err != nil {
		return s, err
	}
	if s.Direction, err = named(directions, x.Direction, "the direction"); err != nil {
		return s, err
	}
	if s.Floor, err = strconv.ParseFloat(x.Floor, 64); err != nil {
		return s, err
	}
	if strings.Count(x.Values, " ") >= cause.MaxPoints {
		return s, fault.New(fault.Invalid, reading, x.ID, fmt.Sprintf("it has more than %d values", cause.MaxPoints), rewrite)
	}
	for word := range strings.FieldsSeq(x.Values) {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return s, err
		}
		s.Values = append(s.Values, v)
	}
	s.At, err = x.times(len(s.Values))
	return s, err
}

// times are the times of n values.
func (x *series) times(n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	deltas := strings.Fields(x.Deltas)
	if x.Deltas != "" && len(deltas) != n-1 {
		return nil, errors.New("times and values differ in number")
	}
	at := make([]int64, n)
	at[0] = x.Start
	for i := 1; i < n; i++ {
		d := x.Step
		if x.Deltas != "" {
			var err error
			if d, err = strconv.ParseInt(deltas[i-1], 10, 64); err != nil {
				return nil, err
			}
		}
		if d < 0 || at[i-1] > 0 && d > math.MaxInt64-at[i-1] {
			return nil, errors.New("times do not ascend")
		}
		at[i] = at[i-1] + d
	}
	return at, nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func numbers(all []float64) string {
	var b []byte
	for i, v := range all {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	return string(b)
}

// steps are the first time, and how it goes on.
func steps(at []int64) (start, step int64, deltas string) {
	if len(at) == 0 {
		return 0, 0, ""
	}
	var b []byte
	regular := true
	for i := 1; i < len(at); i++ {
		d := at[i] - at[i-1]
		regular = regular && d == at[1]-at[0]
		if i > 1 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, d, 10)
	}
	if len(at) > 1 && regular {
		return at[0], at[1] - at[0], ""
	}
	return at[0], 0, string(b)
}
