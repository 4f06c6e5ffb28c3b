// Package recorded keeps faults that were recorded on a real cluster: what was seen
// when the trouble was noticed, again a minute later, and whose fault it was.
package recorded

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/cause/casefile"
)

// Label says what was done in a recorded fault.
type Label struct {
	// Kind names the kind of fault.
	Kind string `json:"kind"`
	// Truth is whose fault it was; cause.Outside for load.
	Truth    cause.Component `json:"truth"`
	Injected time.Time       `json:"injected"`
	Note     string          `json:"note,omitempty"`
	// Abnormal is how many signals the detector called abnormal when the
	// trouble was noticed.
	Abnormal int `json:"abnormal"`
	// Soon and Late name files of cases in the folder of the label.
	Soon string `json:"soon"`
	Late string `json:"late"`
}

// Fault is a label with its cases.
type Fault struct {
	Label      Label
	Soon, Late cause.Case
}

// packed is a fault as it is written, on one line. Late has of a series that goes on
// from one of Soon its new points only.
type packed struct {
	Label Label
	Soon  []byte
	Late  []byte
	// Tails has for each series of Late the number of the series of Soon that
	// it goes on from and how many of its first points are gone; -1 for none.
	Tails [][2]int
}

// WriteLabel writes the label of fault n to dir.
func WriteLabel(dir string, n int, l Label) error {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, strconv.Itoa(n)+".json"), append(text, '\n'), 0o644)
}

// Pack writes all faults that dir has labels of, in the order of their numbers, and
// returns how many. Values are rounded to four digits, and series of other namespaces
// than the truth's are left out if it has one. Faults that cannot be read are left out,
// and the error tells each of them.
func Pack(dir string, w io.Writer) (n int, err error) {
	numbers, err := labels(dir)
	if err != nil {
		return 0, err
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	enc := json.NewEncoder(z)
	var broken []error
	for _, i := range numbers {
		p, err := pack(dir, i)
		if err != nil {
			broken = append(broken, fmt.Errorf("fault %d: %w", i, err))
			continue
		}
		if err := enc.Encode(p); err != nil {
			return n, err
		}
		n++
	}
	return n, errors.Join(append(broken, z.Close())...)
}

// labels are the numbers of the faults in dir.
func labels(dir string) (all []int, err error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if word, ok := strings.CutSuffix(e.Name(), ".json"); ok {
			if n, err := strconv.Atoi(word); err == nil {
				all = append(all, n)
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

func pack(dir string, n int) (p packed, err error) {
	text, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(n)+".json"))
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(text, &p.Label); err != nil {
		return p, err
	}
	var both [2]cause.Case
	for i, name := range []string{p.Label.Soon, p.Label.Late} {
		text, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
		if err != nil {
			return p, err
		}
		if both[i], err = casefile.Read(bytes.NewReader(text)); err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		trim(&both[i], p.Label.Truth)
	}
	p.Tails = shorten(&both[0], &both[1])
	for i, to := range []*[]byte{&p.Soon, &p.Late} {
		var b bytes.Buffer
		if err := casefile.Write(&b, both[i]); err != nil {
			return p, err
		}
		*to = b.Bytes()
	}
	return p, nil
}

// trim rounds values and drops what is of other namespaces than the truth's.
func trim(c *cause.Case, truth cause.Component) {
	c.Series = slices.DeleteFunc(c.Series, func(s cause.Series) bool {
		return truth.Key.Namespace != "" && s.Of.Key.Namespace != "" && s.Of.Key.Namespace != truth.Key.Namespace
	})
	for _, s := range c.Series {
		for i, v := range s.Values {
			s.Values[i], _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
		}
	}
}

type name struct {
	of cause.Component
	id string
}

// shorten cuts from the series of late what soon has word for word.
func shorten(soon, late *cause.Case) [][2]int {
	index := map[name]int{}
	for i, s := range soon.Series {
		index[name{s.Of, s.ID}] = i
	}
	tails := make([][2]int, len(late.Series))
	for i := range late.Series {
		s := &late.Series[i]
		tails[i][0] = -1
		at, ok := index[name{s.Of, s.ID}]
		if !ok || len(s.At) == 0 {
			continue
		}
		old := &soon.Series[at]
		gone := slices.Index(old.At, s.At[0])
		if gone < 0 {
			continue
		}
		n := len(old.At) - gone
		if n > len(s.At) || !slices.Equal(old.At[gone:], s.At[:n]) || !slices.Equal(old.Values[gone:], s.Values[:n]) {
			continue
		}
		tails[i] = [2]int{at, gone}
		s.At, s.Values = s.At[n:], s.Values[n:]
	}
	return tails
}

func (p *packed) fault() (f Fault, err error) {
	f.Label = p.Label
	if f.Soon, err = casefile.Read(bytes.NewReader(p.Soon)); err != nil {
		return f, err
	}
	if f.Late, err = casefile.Read(bytes.NewReader(p.Late)); err != nil {
		return f, err
	}
	if len(p.Tails) != len(f.Late.Series) {
		return f, errors.New("the late case does not fit")
	}
	for i, t := range p.Tails {
		if t[0] < 0 {
			continue
		}
		if t[0] >= len(f.Soon.Series) || t[1] < 0 || t[1] > len(f.Soon.Series[t[0]].At) {
			return f, errors.New("the late case does not fit")
		}
		s, old := &f.Late.Series[i], &f.Soon.Series[t[0]]
		s.At, s.Values = slices.Concat(old.At[t[1]:], s.At), slices.Concat(old.Values[t[1]:], s.Values)
	}
	return f, nil
}

// maxLine is how long one packed fault may be.
const maxLine = 64 << 20

// Open reads packed faults one by one. A fault that does not fit is told and the next
// one is read; after what cannot be unpacked nothing follows.
func Open(r io.Reader) iter.Seq2[Fault, error] {
	return func(yield func(Fault, error) bool) {
		z, err := gzip.NewReader(r)
		if err != nil {
			yield(Fault{}, err)
			return
		}
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, maxLine)
		for n := 1; lines.Scan(); n++ {
			var p packed
			var f Fault
			err := json.Unmarshal(lines.Bytes(), &p)
			if err == nil {
				f, err = p.fault()
			}
			if err != nil {
				err = fmt.Errorf("line %d: %w", n, err)
			}
			if !yield(f, err) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Fault{}, err)
		}
	}
}
