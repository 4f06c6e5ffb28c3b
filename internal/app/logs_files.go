package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/observe/logs"
)

// fileLine is how much of a line of a file is read; the rest is passed over.
const fileLine = 64 << 10

// linesOf hands each line of a text to use, without its end. text is valid until
// the next one; cut says that the line was longer.
func linesOf(ctx context.Context, from io.Reader, use func(text []byte, cut bool)) error {
	r := bufio.NewReaderSize(from, fileLine)
	var long []byte
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		text, err := r.ReadSlice('\n')
		cut := err == bufio.ErrBufferFull
		if cut {
			long = append(long[:0], text...)
			for err == bufio.ErrBufferFull {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				_, err = r.ReadSlice('\n')
			}
			text = long
		}
		if len(text) > 0 {
			if text[len(text)-1] == '\n' {
				text = text[:len(text)-1]
			}
			use(text, cut)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sourceName is what a file is called in what is told.
func sourceName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// lastOf is the moment just after the last line of files, and that of one far behind it
// which is not believed, 0 for none. Pipes can be read once only: of these time ends now.
// Moments that are still to come are not believed.
func lastOf(ctx context.Context, req cli.LogsRequest, now time.Time) (last time.Time, stray int64, err error) {
	var moments logs.Moments
	limit := now.Add(24 * time.Hour).UnixMilli()
	if slices.ContainsFunc(req.Files, func(name string) bool { return passing(req, name) }) {
		return now, 0, nil
	}
	for _, name := range req.Files {
		if name == "-" {
			in, _ := standing(req.In)
			start, err := in.Seek(0, io.SeekCurrent)
			if err != nil {
				return now, 0, nil
			}
			defer in.Seek(start, io.SeekStart)
		}
		r, err := openLog(ctx, req, name)
		if err != nil {
			return now, 0, err
		}
		err = linesOf(ctx, r, func(text []byte, _ bool) {
			_, text = logs.SplitPrefix(text)
			if at, ok := logs.MomentOf(text, now); ok && at > 0 && at < limit {
				moments.Add(at)
			}
		})
		err = errors.Join(err, r.Close())
		if ctx.Err() != nil {
			return now, 0, fault.New(fault.Interrupted, "read logs", "", "it was stopped", "")
		}
		if err != nil {
			return now, 0, fault.Wrap(fault.Unavailable, "read", name, err, "is it a file that can be read?")
		}
	}
	at, stray := moments.Last(req.Since)
	if at == 0 {
		return now, 0, fault.New(fault.Invalid, "compare the lines of", strings.Join(req.Files, ", "), "no line says when it was written", "give lines that begin with their time, as `kubectl logs --timestamps` and `docker logs -t` write them")
	}
	return time.UnixMilli(at + 1), stray, nil
}

// files reads files and standard input.
func (r *logReading) files(ctx context.Context) error {
	if err := r.begin(false); err != nil {
		return err
	}
	var names []string
	for _, name := range r.Files[:min(len(r.Files), 3)] {
		names = append(names, sourceName(name))
	}
	r.out.Source = strings.Join(names, ", ")
	if n := len(r.Files) - 3; n > 0 {
		r.out.Source += fmt.Sprintf(" and %d more", n)
	}
	newest := int64(0)
	for i, name := range r.Files {
		from, err := openLog(ctx, r.LogsRequest, name)
		if err != nil {
			return err
		}
		source := sourceName(name)
		streams := map[string]*fileStream{}
		err = linesOf(ctx, from, func(text []byte, cut bool) {
			of, text := logs.SplitPrefix(text)
			s := streams[of]
			if s == nil && len(streams) >= maxStreams {
				of = ""
				s = streams[of]
			}
			if s == nil {
				s = &fileStream{stream: r.stream(), source: cmp.Or(of, source)}
				streams[of] = s
			}
			t, says := logs.MomentOf(text, r.now)
			switch {
			case says:
				s.at, s.dated = t, true
				newest = max(newest, t)
			case !s.dated:
				r.out.Read.Lines++
				r.out.Read.Bytes += uint64(len(text))
				r.out.Read.Unplaced++
				return
			}
			if joined := s.add(logs.Line{At: s.at, Text: text, Source: s.source}, cut); !joined && !says {
				r.out.Read.Undated++
			}
		})
		for _, s := range streams {
			s.end()
		}
		if err = errors.Join(err, from.Close()); err != nil && ctx.Err() == nil {
			r.failed(source, err)
		}
		if r.Progress != nil {
			r.Progress(i+1, len(r.Files))
		}
	}
	r.remark(newest)
	return nil
}

// remark tells where the lines are, if it is not in the windows.
func (r *logReading) remark(newest int64) {
	n := r.comparison.Counted()
	behind := func(at int64) string { return time.UnixMilli(at).Add(time.Second).UTC().Format(time.RFC3339) }
	switch {
	case r.stray != 0:
		r.out.Notes = append(r.out.Notes, "a line is of just before "+behind(r.stray)+", far behind the others: its clock is taken to be wrong, and the time ends with the others; --at that time looks back from there")
	case n.After == 0 && newest > 0:
		r.out.Notes = append(r.out.Notes, "the last line is of just before "+behind(newest)+": --at that time looks back from there")
	case newest > 0 && logs.Few(n.After, n.After+n.Before):
		r.out.Notes = append(r.out.Notes, fmt.Sprintf("only %d of %d lines are in the window: are their clocks right? The last is of just before %s; --at another time looks back from there", n.After, n.After+n.Before, behind(newest)))
	}
}

// fileStream is the lines of a file, or those in it that have one prefix.
type fileStream struct {
	*stream
	source string
	// at is when the last line was written that says so; dated tells that one did.
	at    int64
	dated bool
}
