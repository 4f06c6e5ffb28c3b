package score

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Window is one labelled anomaly: the rows Left to Right, both included.
type Window struct{ Left, Right int }

// width is the number of rows of the window.
func (w Window) width() int { return w.Right - w.Left + 1 }

// Series is one file of the benchmark with its labels.
type Series struct {
	// Name is the folder and the file: "realTweets/Twitter_volume_AAPL.csv".
	Name string
	// Stamps are the timestamps as they are written in the file.
	Stamps []string
	// Times are the same in seconds since 1970; the files name no zone.
	Times []int64
	// Values are one a row.
	Values []float64
	// Windows are in the order of time.
	Windows []Window
}

// Folder is the group that the series belongs to.
func (s *Series) Folder() string { return path.Dir(s.Name) }

// Probation is the number of rows at the start that count for nothing.
func (s *Series) Probation() int { return Probation(len(s.Values)) }

// Probation is the benchmark's rule: 15 % of the rows, at most 750.
func Probation(rows int) int { return min(rows*15/100, 750) }

// AllWindows is the number of labelled windows of NAB 1.1.
const AllWindows = 116

// Corpus is the whole benchmark.
type Corpus struct{ Series []*Series }

// Folders lists the folders in order, each once.
func (c *Corpus) Folders() []string {
	var all []string
	for _, s := range c.Series {
		if !slices.Contains(all, s.Folder()) {
			all = append(all, s.Folder())
		}
	}
	return all
}

// Windows is the number of labelled windows.
func (c *Corpus) Windows() (n int) {
	for _, s := range c.Series {
		n += len(s.Windows)
	}
	return n
}

const (
	stampForm = "2006-01-02 15:04:05"
	labels    = "labels/combined_windows.json"
)

// Load reads the benchmark from its folder: data/ and labels/.
func Load(dir fs.FS) (*Corpus, error) {
	text, err := fs.ReadFile(dir, labels)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "read the labels", labels, err, "name NAB's folder, the one with data/ and labels/")
	}
	var windows map[string][][2]string
	if err := json.Unmarshal(text, &windows); err != nil {
		return nil, fault.Wrap(fault.Invalid, "read the labels", labels, err, "get NAB's labels anew")
	}
	names := make([]string, 0, len(windows))
	for name := range windows {
		names = append(names, name)
	}
	slices.Sort(names)
	c := &Corpus{}
	for _, name := range names {
		s, err := load(dir, name)
		if err != nil {
			return nil, err
		}
		for _, w := range windows[name] {
			found, err := s.window(w)
			if err != nil {
				return nil, err
			}
			s.Windows = append(s.Windows, found)
		}
		slices.SortFunc(s.Windows, func(a, b Window) int { return a.Left - b.Left })
		c.Series = append(c.Series, s)
	}
	return c, nil
}

func load(dir fs.FS, name string) (*Series, error) {
	file := "data/" + name
	f, err := dir.Open(file)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, "read the series", file, err, "name NAB's folder, the one with data/ and labels/")
	}
	defer f.Close()
	s := &Series{Name: name}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if n == 1 || line == "" {
			continue
		}
		stamp, value, ok := strings.Cut(line, ",")
		at, errTime := time.Parse(stampForm, stamp)
		x, errValue := strconv.ParseFloat(value, 64)
		if !ok || errTime != nil || errValue != nil {
			return nil, fault.New(fault.Invalid, "read the series", fmt.Sprintf("%s:%d", file, n), "the line is not a timestamp and a value", "get NAB's data anew")
		}
		s.Stamps = append(s.Stamps, stamp)
		s.Times = append(s.Times, at.Unix())
		s.Values = append(s.Values, x)
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "read the series", file, err, "get NAB's data anew")
	}
	return s, nil
}

// window finds the first rows whose timestamps equal the window's ends.
func (s *Series) window(ends [2]string) (Window, error) {
	var rows [2]int
	for i, end := range ends {
		at, err := time.Parse(stampForm, strings.TrimSuffix(end, ".000000"))
		if err != nil {
			return Window{}, fault.Wrap(fault.Invalid, "read the labels", s.Name, err, "get NAB's labels anew")
		}
		if rows[i] = slices.Index(s.Times, at.Unix()); rows[i] < 0 {
			return Window{}, fault.New(fault.Invalid, "read the labels", s.Name, "no row has the time "+end, "data and labels are of different versions: get both anew")
		}
	}
	if rows[1] < rows[0] {
		return Window{}, fault.New(fault.Invalid, "read the labels", s.Name, "a window ends before it starts: "+ends[0], "get NAB's labels anew")
	}
	return Window{rows[0], rows[1]}, nil
}
