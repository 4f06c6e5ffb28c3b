package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// passing tells whether what a name means can be read once only, as a pipe.
func passing(req cli.LogsRequest, name string) bool {
	if name == "-" {
		_, once := standing(req.In)
		return once
	}
	info, err := os.Stat(name)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// openLog opens what a name of the command line means, as text in UTF-8.
func openLog(ctx context.Context, req cli.LogsRequest, name string) (io.ReadCloser, error) {
	once := passing(req, name)
	if name == "-" {
		in := req.In
		if once {
			in = heeding(ctx, in)
		}
		in, err := plainText(in, "-")
		return io.NopCloser(in), err
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, unopened(name, err)
	}
	if info.IsDir() {
		return nil, fault.New(fault.Invalid, "read", name, "it is a folder", "name its files: "+name+"/*.log")
	}
	f, err := openWithin(ctx, name, once)
	if err != nil {
		return nil, unopened(name, err)
	}
	var in io.Reader = f
	if once {
		in = heeding(ctx, f)
	}
	if in, err = plainText(in, name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{in, f}, nil
}

// unopened says why a log was not opened.
func unopened(name string, err error) error {
	kind, hint := fault.Unavailable, "check the path"
	switch {
	case errors.Is(err, context.Canceled):
		return fault.New(fault.Interrupted, "read", name, "it was stopped", "")
	case errors.Is(err, os.ErrNotExist):
		kind = fault.NotFound
	case errors.Is(err, os.ErrPermission):
		kind, hint = fault.Denied, "you may not read it"
	}
	return fault.Wrap(kind, "read", name, err, hint)
}

// openWithin opens a file. To open a pipe lasts until somebody writes to it, which may be
// never: then the end of ctx ends it.
func openWithin(ctx context.Context, name string, waits bool) (*os.File, error) {
	if !waits {
		return os.Open(name)
	}
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := os.Open(name)
		done <- opened{f, err}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, context.Canceled
	}
}

// standing returns the file that a reader is, if it can be read again; once is set for
// pipes and terminals.
func standing(r io.Reader) (f io.Seeker, once bool) {
	s, ok := r.(io.Seeker)
	if !ok {
		return nil, true
	}
	if f, ok := r.(*os.File); ok {
		info, err := f.Stat()
		return f, err != nil || !info.Mode().IsRegular()
	}
	return s, false
}

// heeding reads what may not come for long, as from a terminal, until ctx ends.
func heeding(ctx context.Context, from io.Reader) io.Reader {
	h := &heedingReader{ctx: ctx, parts: make(chan readPart), free: make(chan []byte, 1)}
	h.free <- make([]byte, fileLine)
	go func() {
		for {
			select {
			case buf := <-h.free:
				n, err := from.Read(buf)
				select {
				case h.parts <- readPart{buf, n, err}:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return h
}

// readPart is what one reading gave.
type readPart struct {
	buf []byte
	n   int
	err error
}

// heedingReader hands on what is read elsewhere.
type heedingReader struct {
	ctx   context.Context
	parts chan readPart
	free  chan []byte // its buffer, while nothing of it is left
	last  readPart
	used  int // bytes of last
}

// Read implements io.Reader.
func (h *heedingReader) Read(p []byte) (int, error) {
	for h.used == h.last.n {
		if h.last.err != nil {
			return 0, h.last.err
		}
		if h.last.buf != nil {
			h.free <- h.last.buf
			h.last, h.used = readPart{}, 0
		}
		select {
		case h.last = <-h.parts:
		case <-h.ctx.Done():
			return 0, h.ctx.Err()
		}
	}
	n := copy(p, h.last.buf[h.used:h.last.n])
	h.used += n
	return n, nil
}

// packed are the forms in which logs are kept, by how their files begin, and what prints
// their text.
var packed = []struct{ head, form, cat string }{
	{"\x1f\x8b", "gzip", "zcat"}, {"\x28\xb5\x2f\xfd", "zstd", "zstdcat"}, {"BZh", "bzip2", "bzcat"}, {"\xfd7zXZ\x00", "xz", "xzcat"},
}

// plainText refuses what is compressed, and turns text with a mark of its byte order, as
// some editors and shells write it, into UTF-8 without.
func plainText(from io.Reader, name string) (io.Reader, error) {
	r := bufio.NewReader(from)
	head, _ := r.Peek(6) // what is wrong with it, the next read tells
	for _, p := range packed {
		if bytes.HasPrefix(head, []byte(p.head)) {
			file := name
			if name == "-" {
				file = "FILE"
			}
			return nil, fault.New(fault.Invalid, "read", sourceName(name), "it is compressed with "+p.form, p.cat+" "+file+" | aeo observe logs -")
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err := r.Discard(3)
		return r, err
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return &wide{in: r, order: binary.LittleEndian}, nil
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return &wide{in: r, order: binary.BigEndian}, nil
	}
	return r, nil
}

// wide reads UTF-16 as UTF-8.
type wide struct {
	in    io.Reader
	order binary.ByteOrder
	text  []byte
	held  rune // the first half of a pair
	err   error
}

// Read implements io.Reader.
func (w *wide) Read(p []byte) (int, error) {
	for len(w.text) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		w.fill()
	}
	n := copy(p, w.text)
	w.text = w.text[n:]
	return n, nil
}

// fill reads some units. A lone half becomes the sign of what is no character, the mark of
// the byte order nothing.
func (w *wide) fill() {
	var units [2048]byte
	n, err := io.ReadFull(w.in, units[:])
	if w.err = err; errors.Is(err, io.ErrUnexpectedEOF) {
		w.err = io.EOF
	}
	for i := 0; i+1 < n; i += 2 {
		c := rune(w.order.Uint16(units[i:]))
		switch {
		case w.held != 0:
			if r := utf16.DecodeRune(w.held, c); r != utf8.RuneError {
				w.text, w.held = utf8.AppendRune(w.text, r), 0
				continue
			}
			w.text, w.held = utf8.AppendRune(w.text, utf8.RuneError), 0
			fallthrough
		default:
			if utf16.IsSurrogate(c) {
				w.held = c
			} else if c != 0xFEFF {
				w.text = utf8.AppendRune(w.text, c)
			}
		}
	}
	if w.err != nil && w.held != 0 {
		w.text, w.held = utf8.AppendRune(w.text, utf8.RuneError), 0
	}
}

// apart refuses logs that are named twice: each of their lines would count double.
func apart(req cli.LogsRequest) error {
	var infos []os.FileInfo
	var names []string
	for _, name := range req.Files {
		var info os.FileInfo
		var err error
		if f, ok := req.In.(*os.File); name == "-" && ok {
			info, err = f.Stat()
		} else if name != "-" {
			info, err = os.Stat(name)
		}
		if err != nil || info == nil {
			continue // to open it tells what is wrong
		}
		for i, other := range infos {
			if os.SameFile(info, other) {
				return fault.New(fault.Invalid, "read", sourceName(name), "it is the same file as "+names[i], "name it once")
			}
		}
		infos, names = append(infos, info), append(names, sourceName(name))
	}
	return nil
}
