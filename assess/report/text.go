package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/assess"
)

// visible reports whether a character may reach an output as it is: it can
// neither steer a terminal nor change the order or the look of its neighbours.
func visible(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0: // C0, DEL and C1: \x9b starts an escape sequence
		return false
	case r < 0x2000:
		return r != 0xad && r != 0x61c && r != 0x180e
	case r == 0xfeff, r == 0xfffe, r == 0xffff, r >= 0xe0000 && r < 0xe0080:
		return false
	}
	return !unicode.Is(unicode.Cf, r) && r != 0x2028 && r != 0x2029
}

// plain makes every character visible: what is not is written as \x1b or
// \u202e, and a byte that is no UTF-8 as \xff. Line feeds and tabs stay.
func plain(s string) string {
	clean := true
	for _, r := range s {
		if r != '\n' && r != '\t' && (r == utf8.RuneError || !visible(r)) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, w := 0, 0; i < len(s); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && w == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || r == '\t' || visible(r):
			b.WriteRune(r)
		case r == '\r' && strings.HasPrefix(s[i:], "\r\n"):
			// A line ending of another system.
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// inline is plain on one line: white space is collapsed.
func inline(s string) string {
	s = plain(s)
	if !strings.ContainsAny(s, "\n\t") && !strings.Contains(s, "  ") && strings.TrimSpace(s) == s {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// name is plain for a name of one line in which every space counts.
func name(s string) string {
	s = plain(s)
	if strings.ContainsAny(s, "\n\t") {
		s = strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(s)
	}
	return s
}

// columns is how many terminal columns a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// wrap breaks a text of one line into lines of at most width columns, at
// spaces where it can.
func wrap(s string, width int) []string {
	width = max(width, 10)
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(s) {
		w := columns(word)
		if used > 0 && used+1+w <= width {
			line, used = line+" "+word, used+1+w
			continue
		}
		if used > 0 {
			lines = append(lines, line)
		}
		for w > width {
			head, rest := cut(word, width)
			lines = append(lines, head)
			word, w = rest, columns(rest)
		}
		line, used = word, w
	}
	if used > 0 || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// cut splits a word after at most width columns.
func cut(s string, width int) (head, rest string) {
	n := 0
	for i, r := range s {
		if n += runeColumns(r); n > width {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// shorten cuts the middle out of a text that is wider than width.
func shorten(s string, width int) string {
	if columns(s) <= width || width < 8 {
		return s
	}
	head, _ := cut(s, (width-3)/2)
	rs := []rune(s)
	tail, n := len(rs), 0
	for tail > 0 && n+runeColumns(rs[tail-1]) <= width-3-columns(head) {
		tail--
		n += runeColumns(rs[tail])
	}
	return head + "..." + string(rs[tail:])
}

// pad fills a text with spaces up to width columns.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

// count is "1 file" or "2 files".
func count(n int, noun string) string {
	s := number(n) + " " + noun
	if n != 1 {
		s += "s"
	}
	return s
}

// number writes 12345 as "12,345".
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// countsText is the one line that says how many findings there are.
func countsText(s assess.Summary) string {
	c := s.Findings
	text := "No findings"
	if n := c.Failed(); n > 0 {
		text = fmt.Sprintf("%s: %s critical, %s high, %s medium, %s low", count(n, "finding"), number(c.Critical), number(c.High), number(c.Medium), number(c.Low))
	}
	if c.Unknown > 0 {
		text += "; " + number(c.Unknown) + " unknown"
	}
	if c.Excepted > 0 {
		text += "; " + number(c.Excepted) + " excepted"
	}
	if s.Baseline > 0 {
		text += "; " + number(s.Baseline) + " in the baseline"
	}
	return text + "."
}

// scopeText says what the assessment looked at.
func scopeText(s assess.Summary) string {
	return fmt.Sprintf("%s judged by %s; %s passed", count(s.Objects, "object"), count(s.Checks, "check"), count(s.Passed, "result"))
}

// coverageText says how much of the input was evaluated.
func coverageText(c assess.Coverage) string {
	if c.Evaluated+c.Unknown == 0 {
		return "nothing here can be judged: " + count(c.Skipped, "file") + " skipped"
	}
	return fmt.Sprintf("%d%% of what can be judged: %s evaluated, %s unknown, %s skipped", c.Percent, count(c.Evaluated, "file"), number(c.Unknown), number(c.Skipped))
}

// place is "file:line:column" with a visible file name.
func place(file string, line, column int) string {
	s := name(file)
	if line > 0 {
		s += ":" + strconv.Itoa(line)
		if column > 0 {
			s += ":" + strconv.Itoa(column)
		}
	}
	return s
}
