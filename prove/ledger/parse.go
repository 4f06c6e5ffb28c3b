package ledger

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/ops"
)

// parser reads what writer writes, and nothing else: no white space, members
// in order, none twice, none empty that would have been left out, each string
// in its one form.
type parser struct {
	rest string
	// why says what is wrong, first of all; nothing is read any more then.
	why string
}

func (p *parser) fail(format string, args ...any) {
	if p.why == "" {
		p.why = fmt.Sprintf(format, args...)
	}
}

// take reads one byte if it is c.
func (p *parser) take(c byte) bool {
	if p.why == "" && p.rest != "" && p.rest[0] == c {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

func (p *parser) expect(c byte) {
	if !p.take(c) {
		p.fail("there is no %q where one belongs", c)
	}
}

// object reads an object, with member for each of its members.
func (p *parser) object(member func(name string)) {
	p.expect('{')
	last := ""
	for first := true; p.why == "" && !p.take('}'); first = false {
		if !first {
			p.expect(',')
		}
		name := p.quoted()
		p.expect(':')
		if !first && compareUTF16(last, name) >= 0 {
			p.fail("the member %q is not in its place", name)
		}
		last = name
		if p.why == "" {
			member(name)
		}
	}
}

// list reads a list that is not empty, with element for each of its elements.
func (p *parser) list(element func()) {
	p.expect('[')
	for more := true; more && p.why == ""; more = p.take(',') {
		element()
	}
	p.expect(']')
}

// text reads a string that is not empty.
func (p *parser) text() string {
	s := p.quoted()
	if s == "" {
		p.fail("a member is empty")
	}
	return s
}

// number reads a whole number that is not negative.
func (p *parser) number() int64 {
	var n int64
	digits := 0
	for ; digits < len(p.rest) && p.rest[digits] >= '0' && p.rest[digits] <= '9'; digits++ {
		if n = n*10 + int64(p.rest[digits]-'0'); n > maxInteger {
			p.fail("a number is too large")
			return 0
		}
	}
	if digits == 0 || digits > 1 && p.rest[0] == '0' {
		p.fail("there is no whole number where one belongs")
		return 0
	}
	p.rest = p.rest[digits:]
	return n
}

// quoted reads a string.
func (p *parser) quoted() string {
	p.expect('"')
	if p.why != "" {
		return ""
	}
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			s := p.rest[:i]
			p.rest = p.rest[i+1:]
			if !utf8.ValidString(s) {
				p.fail("a string is not valid UTF-8")
			}
			return s
		case c == '\\':
			return p.escaped(i)
		case c < 0x20:
			p.fail("a string has a control character")
			return ""
		}
	}
	p.fail("a string has no end")
	return ""
}

// escapes are the strings' short escapes.
const escapes = "\"\"\\\\b\bt\tn\nf\fr\r"

// escaped reads a string from its first escape on.
func (p *parser) escaped(from int) string {
	var b strings.Builder
	b.WriteString(p.rest[:from])
	p.rest = p.rest[from:]
	for p.why == "" && p.rest != "" {
		c := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case c == '"':
			if !utf8.ValidString(b.String()) {
				p.fail("a string is not valid UTF-8")
			}
			return b.String()
		case c < 0x20:
			p.fail("a string has a control character")
		case c == '\\':
			b.WriteByte(p.escape())
		default:
			b.WriteByte(c)
		}
	}
	p.fail("a string has no end")
	return ""
}

// escape reads what is behind a backslash.
func (p *parser) escape() byte {
	if p.rest != "" {
		for i := 0; i < len(escapes); i += 2 {
			if p.rest[0] == escapes[i] {
				p.rest = p.rest[1:]
				return escapes[i+1]
			}
		}
	}
	if len(p.rest) >= 5 && strings.HasPrefix(p.rest, "u00") {
		hi, lo := strings.IndexByte(hexDigits, p.rest[3]), strings.IndexByte(hexDigits, p.rest[4])
		if hi >= 0 && hi < 2 && lo >= 0 {
			c := byte(hi<<4 | lo)
			if strings.IndexByte("\b\t\n\f\r", c) < 0 {
				p.rest = p.rest[5:]
				return c
			}
		}
	}
	p.fail("an escape is not the one that belongs there")
	return 0
}

func (p *parser) mapping() map[string]string {
	m := map[string]string{}
	p.object(func(name string) { m[name] = p.quoted() })
	if len(m) == 0 {
		p.fail("a member is empty")
	}
	return m
}

func (p *parser) unknown(name string) { p.fail("the member %q is unknown", name) }

func (p *parser) entry() *Entry {
	e := &Entry{}
	v := int64(0)
	acted := false
	p.object(func(name string) {
		switch name {
		case "action":
			e.Action = p.text()
		case "actor":
			e.Actor, acted = p.actor(), true
		case "after":
			e.After = p.text()
		case "before":
			e.Before = p.text()
		case "controls":
			p.list(func() { e.Controls = append(e.Controls, p.quoted()) })
		case "decision":
			e.Decision = p.decision()
		case "details":
			e.Details = p.mapping()
		case "effects":
			p.list(func() { e.Effects = append(e.Effects, p.effect()) })
		case "key":
			e.Key = p.text()
		case "personal":
			e.Commitment, e.Subject = p.personal()
		case "phase":
			e.Phase = ops.Phase(p.text())
		case "sequence":
			e.Sequence = p.number()
		case "source":
			e.Source = p.text()
		case "target":
			if e.Target = p.target(); e.Target == (ops.Target{}) {
				p.fail("a member is empty")
			}
		case "time":
			e.Time = p.time()
		case "traceId":
			e.TraceID = p.text()
		case "v":
			v = p.number()
		default:
			p.unknown(name)
		}
	})
	if v != version {
		p.fail("its version is %d, and this program knows %d", v, version)
	}
	if !acted || e.Time.IsZero() {
		p.fail("the actor or the time is missing")
	}
	return e
}

func (p *parser) time() time.Time {
	s := p.text()
	at, err := time.Parse(timeForm, s)
	if err != nil || at.Format(timeForm) != s {
		p.fail("its time is no time of the form %s", timeForm)
	}
	return at
}

func (p *parser) actor() (a ops.Actor) {
	p.object(func(name string) {
		switch name {
		case "kind":
			a.Kind = ops.ActorKind(p.text())
		case "name":
			a.Name = p.text()
		default:
			p.unknown(name)
		}
	})
	return a
}

func (p *parser) decision() *ops.Decision {
	d := &ops.Decision{}
	p.object(func(name string) {
		switch name {
		case "policy":
			d.Policy = p.text()
		case "reason":
			d.Reason = p.text()
		case "verdict":
			d.Verdict = p.text()
		default:
			p.unknown(name)
		}
	})
	return d
}

func (p *parser) effect() (f ops.Effect) {
	found := false
	p.object(func(name string) {
		switch name {
		case "after":
			f.After = p.text()
		case "before":
			f.Before = p.text()
		case "message":
			f.Message = p.text()
		case "result":
			f.Result = p.text()
		case "target":
			f.Target, found = p.target(), true
		default:
			p.unknown(name)
		}
	})
	if !found {
		p.fail("an effect has no target")
	}
	return f
}

func (p *parser) personal() (commitment, subject string) {
	p.object(func(name string) {
		switch name {
		case "commitment":
			commitment = p.text()
		case "subject":
			subject = p.text()
		default:
			p.unknown(name)
		}
	})
	if commitment == "" {
		p.fail("a member is empty")
	}
	return commitment, subject
}

func (p *parser) target() (t ops.Target) {
	p.object(func(name string) {
		switch name {
		case "apiVersion":
			t.APIVersion = p.text()
		case "kind":
			t.Kind = p.text()
		case "name":
			t.Name = p.text()
		case "namespace":
			t.Namespace = p.text()
		case "uid":
			t.UID = p.text()
		default:
			p.unknown(name)
		}
	})
	return t
}
