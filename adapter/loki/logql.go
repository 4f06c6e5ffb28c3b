package loki

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// logQuery is the part of LogQL that is served: streams by their labels, and lines by
// what they contain.
type logQuery struct {
	match []matcher
	lines []lineFilter
}

// matcher is a condition on a label.
type matcher struct {
	Match
	re *regexp.Regexp
}

func (m *matcher) holds(labels map[string]string) bool {
	v := labels[m.Name]
	switch m.Op {
	case "=":
		return v == m.Value
	case "!=":
		return v != m.Value
	case "=~":
		return m.re.MatchString(v)
	}
	return !m.re.MatchString(v)
}

// lineFilter is a condition on a line.
type lineFilter struct {
	op   string
	text []byte
	re   *regexp.Regexp
}

func (f *lineFilter) holds(line []byte) bool {
	switch f.op {
	case "|=":
		return bytes.Contains(line, f.text)
	case "!=":
		return !bytes.Contains(line, f.text)
	case "|~":
		return f.re.Match(line)
	}
	return !f.re.Match(line)
}

// selects tells whether a query wants a stream.
func (q *logQuery) selects(labels map[string]string) bool {
	for i := range q.match {
		if !q.match[i].holds(labels) {
			return false
		}
	}
	return true
}

// keeps tells whether a query wants a line.
func (q *logQuery) keeps(line []byte) bool {
	for i := range q.lines {
		if !q.lines[i].holds(line) {
			return false
		}
	}
	return true
}

// countQuery is a count of lines: [sum [by (labels)]] (count_over_time(logs [range])).
type countQuery struct {
	logQuery
	over time.Duration
	// sum adds streams up, by these labels; else each stream is a series.
	sum bool
	by  []string
	// rate divides by the seconds.
	rate bool
}

// maxQuery bounds a query's text.
const maxQuery = 16 << 10

// scanner reads a query.
type scanner struct {
	text string
	at   int
}

func (s *scanner) bad(why string) error {
	return fault.New(fault.Invalid, "read the query", "", fmt.Sprintf("parse error at character %d: %s", s.at+1, why), `write {namespace="shop"} |= "error", or sum by (pod) (count_over_time({namespace="shop"}[5m]))`)
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.ContainsRune(" \t\r\n", rune(s.text[s.at])) {
		s.at++
	}
}

// take reads one of some words, the longest first, "" if there is none.
func (s *scanner) take(words ...string) string {
	s.space()
	for _, w := range words {
		if strings.HasPrefix(s.text[s.at:], w) {
			s.at += len(w)
			return w
		}
	}
	return ""
}

func (s *scanner) need(word string) error {
	if s.take(word) == "" {
		return s.bad("there is no " + word)
	}
	return nil
}

// name reads a label's name or a function's.
func (s *scanner) name() string {
	s.space()
	from := s.at
	for s.at < len(s.text) && labelName(s.text[from:s.at+1]) {
		s.at++
	}
	return s.text[from:s.at]
}

// quoted reads a text in quotes or backquotes.
func (s *scanner) quoted() (string, error) {
	s.space()
	prefix, err := strconv.QuotedPrefix(s.text[s.at:])
	if err != nil || prefix[0] == '\'' {
		return "", s.bad("a text in quotes is missing")
	}
	s.at += len(prefix)
	return strconv.Unquote(prefix)
}

// pattern reads a regular expression; whole ones match from end to end, as labels are
// matched.
func (s *scanner) pattern(text string, whole bool) (*regexp.Regexp, error) {
	if whole {
		text = "^(?:" + text + ")$"
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, s.bad("it is no regular expression")
	}
	return re, nil
}

// logs reads a log query, as far as it goes.
func (s *scanner) logs() (q logQuery, err error) {
	if err := s.need("{"); err != nil {
		return q, err
	}
	selects := false
	for s.take("}") == "" {
		if len(q.match) > 0 {
			if err := s.need(","); err != nil {
				return q, err
			}
		}
		m := matcher{}
		if m.Name = s.name(); m.Name == "" {
			return q, s.bad("a label's name is missing")
		}
		if m.Op = s.take("=~", "!~", "!=", "="); m.Op == "" {
			return q, s.bad("=, !=, =~ or !~ is missing")
		}
		if m.Value, err = s.quoted(); err != nil {
			return q, err
		}
		if strings.HasSuffix(m.Op, "~") {
			if m.re, err = s.pattern(m.Value, true); err != nil {
				return q, err
			}
		}
		selects = selects || m.Op == "=" && m.Value != "" || m.Op == "=~" && !m.re.MatchString("")
		q.match = append(q.match, m)
	}
	if !selects {
		return q, s.bad("queries require at least one matcher that does not match the empty text")
	}
	for {
		f := lineFilter{op: s.take("|=", "|~", "!=", "!~")}
		if f.op == "" {
			break
		}
		text, err := s.quoted()
		if err != nil {
			return q, err
		}
		f.text = []byte(text)
		if strings.HasSuffix(f.op, "~") {
			if f.re, err = s.pattern(text, false); err != nil {
				return q, err
			}
		}
		q.lines = append(q.lines, f)
	}
	if s.take("|") != "" {
		return q, s.bad("parsers and other stages are not served here: only |=, !=, |~ and !~")
	}
	return q, nil
}

// end is an error if there is more.
func (s *scanner) end() error {
	if s.space(); s.at < len(s.text) {
		return s.bad("what follows is not served here")
	}
	return nil
}

// parseLogs reads a log query.
func parseLogs(text string) (logQuery, error) {
	s := &scanner{text: text}
	if len(text) > maxQuery {
		return logQuery{}, s.bad("the query is too long")
	}
	q, err := s.logs()
	if err != nil {
		return q, err
	}
	return q, s.end()
}

// counts tells whether a query is one for numbers.
func counts(text string) bool { return !strings.HasPrefix(strings.TrimSpace(text), "{") }

// parseCount reads a query for numbers of lines.
func parseCount(text string) (q countQuery, err error) {
	s := &scanner{text: text}
	if len(text) > maxQuery {
		return q, s.bad("the query is too long")
	}
	inside := 0
	if s.take("sum") != "" {
		q.sum = true
		if err := s.groups(&q); err != nil {
			return q, err
		}
		if err := s.need("("); err != nil {
			return q, err
		}
		inside++
	}
	switch f := s.name(); f {
	case "count_over_time":
	case "rate":
		q.rate = true
	default:
		return q, s.bad("only sum, count_over_time and rate are served here")
	}
	if err := s.need("("); err != nil {
		return q, err
	}
	inside++
	if q.logQuery, err = s.logs(); err != nil {
		return q, err
	}
	if q.over, err = s.span(); err != nil {
		return q, err
	}
	for range inside {
		if err := s.need(")"); err != nil {
			return q, err
		}
	}
	if q.sum && q.by == nil {
		if err := s.groups(&q); err != nil { // it may stand behind, too
			return q, err
		}
	}
	return q, s.end()
}

// groups reads "by (a, b)", if it is there.
func (s *scanner) groups(q *countQuery) error {
	if s.take("by") == "" {
		return nil
	}
	if err := s.need("("); err != nil {
		return err
	}
	q.by = []string{}
	for s.take(")") == "" {
		if len(q.by) > 0 {
			if err := s.need(","); err != nil {
				return err
			}
		}
		name := s.name()
		if name == "" {
			return s.bad("a label's name is missing")
		}
		q.by = append(q.by, name)
	}
	return nil
}

// span reads a range such as [5m].
func (s *scanner) span() (time.Duration, error) {
	if err := s.need("["); err != nil {
		return 0, err
	}
	text, _, ok := strings.Cut(s.text[s.at:], "]")
	if !ok {
		return 0, s.bad("there is no ]")
	}
	d, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil || d <= 0 {
		return 0, s.bad("the range is no duration above 0")
	}
	s.at += len(text) + 1
	return d, nil
}
