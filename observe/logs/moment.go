package logs

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// headBytes is how much of a line is searched for a moment.
const headBytes = 512

// MomentOf reads when a line says that it was written, in milliseconds since 1970.
// It reads the moment at its start (ISO 8601 with T or space, klog, syslog, seconds
// since 1970), a field of a structured line (time, ts, timestamp, @timestamp), and
// that of web servers in brackets. A moment without a zone is taken for UTC, one
// without a year is the latest that is not more than a day after near.
func MomentOf(line []byte, near time.Time) (at int64, ok bool) {
	head := line[:min(len(line), headBytes)]
	if bytes.IndexByte(head, 0x1b) >= 0 {
		head = unescape(nil, head)
	}
	head = bytes.TrimLeft(head, " \t[")
	if t, ok := leading(head, near); ok {
		return t, true
	}
	for _, key := range momentKeys {
		i := bytes.Index(head, key)
		if i < 0 || i > 0 && head[i-1] != ' ' && head[i-1] != '"' && head[i-1] != '{' && head[i-1] != '@' {
			continue
		}
		if rest := bytes.TrimLeft(head[i+len(key):], `" :=`); len(rest) > 0 {
			if t, ok := leading(rest, near); ok {
				return t, true
			}
		}
	}
	if i := bytes.IndexByte(head, '['); i >= 0 && len(head) >= i+27 {
		if t, err := time.Parse("02/Jan/2006:15:04:05 -0700", string(head[i+1:i+27])); err == nil {
			return bounded(t)
		}
	}
	return 0, false
}

var momentKeys = [][]byte{[]byte(`timestamp"`), []byte(`time"`), []byte(`ts"`), []byte("timestamp="), []byte("time="), []byte("ts=")}

// leading reads the moment that a text starts with.
func leading(t []byte, near time.Time) (int64, bool) {
	switch {
	case len(t) >= 19 && date(t) && (t[10] == 'T' || t[10] == ' '):
		return iso(t)
	case len(t) >= 21 && klog(t) != None:
		return yearless("0102 15:04:05", t[1:14], near)
	case len(t) >= 15 && t[3] == ' ' && class[t[0]]&upper != 0:
		return yearless("Jan _2 15:04:05", t[:15], near)
	}
	return epoch(t)
}

// iso reads dddd-dd-ddTdd:dd:dd with a fraction and a zone, if they are there.
func iso(t []byte) (int64, bool) {
	text := append([]byte(nil), t[:19]...)
	text[4], text[7], text[10] = '-', '-', 'T'
	base, err := time.Parse("2006-01-02T15:04:05", string(text))
	if err != nil {
		return 0, false
	}
	rest := t[19:]
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && class[rest[1]] == digit {
		n, scale := 1, time.Second/10
		for ; n < len(rest) && class[rest[n]] == digit; n++ {
			base = base.Add(time.Duration(rest[n]-'0') * scale)
			scale /= 10
		}
		rest = rest[n:]
	}
	rest = bytes.TrimPrefix(rest, []byte(" "))
	for _, layout := range [...]string{"-07:00", "-0700"} {
		if len(rest) >= len(layout) {
			if zone, err := time.Parse(layout, string(rest[:len(layout)])); err == nil {
				_, offset := zone.Zone()
				base = base.Add(-time.Duration(offset) * time.Second)
				break
			}
		}
	}
	return bounded(base)
}

// yearless reads a moment without a year.
func yearless(layout string, t []byte, near time.Time) (int64, bool) {
	at, err := time.Parse(layout+" 2006", string(t)+" "+strconv.Itoa(near.Year()))
	if err != nil {
		// The 29th of February is not in each year.
		if at, err = time.Parse(layout+" 2006", string(t)+" "+strconv.Itoa(near.Year()-1)); err != nil {
			return 0, false
		}
	}
	if at.After(near.Add(24 * time.Hour)) {
		at = at.AddDate(-1, 0, 0)
	}
	return bounded(at)
}

// epoch reads seconds, milliseconds, microseconds or nanoseconds since 1970, of
// this century.
func epoch(t []byte) (int64, bool) {
	n := 0
	for n < len(t) && n < 20 && class[t[n]] == digit {
		n++
	}
	whole, err := strconv.ParseInt(string(t[:n]), 10, 64)
	if err != nil || n < len(t) && t[n] != '.' && t[n] != ' ' && t[n] != ',' && t[n] != '}' && t[n] != '"' && t[n] != ']' {
		return 0, false
	}
	switch n {
	case 10:
		ms := float64(0)
		if n < len(t) && t[n] == '.' {
			end := n + 1
			for end < len(t) && end < n+10 && class[t[end]] == digit {
				end++
			}
			if f, err := strconv.ParseFloat("0"+string(t[n:end]), 64); err == nil {
				ms = math.Floor(f * 1000)
			}
		}
		return whole*1000 + int64(ms), true
	case 13:
		return whole, true
	case 16:
		return whole / 1000, true
	case 19:
		return whole / 1_000_000, true
	}
	return 0, false
}

// bounded refuses moments that no log was written at.
func bounded(t time.Time) (int64, bool) {
	if t.Year() < 1990 || t.Year() > 2200 {
		return 0, false
	}
	return t.UnixMilli(), true
}

var traceKeys = [][]byte{[]byte("trace_id"), []byte("traceId"), []byte("traceID"), []byte("trace.id"), []byte("traceid"), []byte("traceparent")}

// TraceOf returns the identifier of the trace that a line names: 16 or 32
// hexadecimal digits after trace_id and its like, or those of a traceparent. It
// returns "" if it names none.
func TraceOf(line []byte) string {
	line = line[:min(len(line), 8<<10)]
	if !bytes.Contains(line, []byte("trace")) {
		return ""
	}
	for _, key := range traceKeys {
		i := bytes.Index(line, key)
		if i < 0 {
			continue
		}
		rest := bytes.TrimLeft(line[i+len(key):], `"'\ :=`)
		if len(rest) > 3 && rest[0] == '0' && rest[1] == '0' && rest[2] == '-' {
			rest = rest[3:]
		}
		n := 0
		for n < len(rest) && n < 33 && (rest[n] >= '0' && rest[n] <= '9' || rest[n] >= 'a' && rest[n] <= 'f' || rest[n] >= 'A' && rest[n] <= 'F') {
			n++
		}
		if n == 16 || n == 32 {
			return string(bytes.ToLower(rest[:n]))
		}
	}
	return ""
}
