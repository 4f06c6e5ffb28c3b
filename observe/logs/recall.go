package logs

// Recall keeps lines of a stretch of time, so that who looks again and again reads only what
// is new: a comparison of lines that are recalled is that of lines that are read anew. It is
// for one goroutine; the zero value has no lines.
type Recall struct {
	of       string // whose lines it keeps
	from, to int64  // in ms; it has all lines of that time
	lines    []recalled
	bytes    int
}

// recalled is a line and the stream that it is of.
type recalled struct {
	Line
	stream string
}

// recallBytes is how much text is kept: of more nothing is, and all is read anew.
const recallBytes = 64 << 20

// Begin drops what is older than a moment, in milliseconds, and all that is not of what is
// read now. It returns up to when all lines since then are known: that moment itself if none
// are.
func (r *Recall) Begin(of string, from int64) (known int64) {
	if of != r.of || from < r.from || from >= r.to {
		r.Forget()
		r.of, r.from, r.to = of, from, from
		return from
	}
	n := 0
	for _, l := range r.lines {
		if l.At < from {
			r.bytes -= len(l.Text)
			continue
		}
		r.lines[n] = l
		n++
	}
	clear(r.lines[n:])
	r.lines, r.from = r.lines[:n], from
	return r.to
}

// Known is up to when all lines are known.
func (r *Recall) Known() int64 { return r.to }

// Each hands out what is known of a stretch, in the order in which it came.
func (r *Recall) Each(from, to int64, use func(stream string, l Line) error) error {
	for _, l := range r.lines {
		if l.At >= from && l.At < min(to, r.to) {
			if err := use(l.stream, l.Line); err != nil {
				return err
			}
		}
	}
	return nil
}

// Add keeps a line that was read after those that are known. The text is kept as it is.
func (r *Recall) Add(stream string, l Line) {
	if r.bytes += len(l.Text); r.bytes <= recallBytes {
		r.lines = append(r.lines, recalled{l, stream})
	}
}

// Until says that all lines up to a moment were added. Those that are not older are read
// again, for some of their time may come late.
func (r *Recall) Until(to int64) {
	if r.bytes > recallBytes {
		r.Forget()
		return
	}
	n := 0
	for _, l := range r.lines {
		if l.At >= to {
			r.bytes -= len(l.Text)
			continue
		}
		r.lines[n] = l
		n++
	}
	clear(r.lines[n:])
	r.lines, r.to = r.lines[:n], max(to, r.from)
}

// Forget drops all.
func (r *Recall) Forget() { *r = Recall{} }
