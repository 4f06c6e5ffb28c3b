package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/report"
	"github.com/autoecoops/autoecoops/fault"
)

// sink is one output that was asked for.
type sink struct {
	format string
	file   string
	writer report.Writer
}

// parseOutputs reads -o FORMAT[=FILE]. Nothing means a table on standard
// output; at most one output may go there.
func parseOutputs(specs []string) ([]sink, error) {
	if len(specs) == 0 {
		specs = []string{"table"}
	}
	var sinks []sink
	stdout := 0
	for _, spec := range specs {
		format, file, named := strings.Cut(spec, "=")
		w, ok := report.For(format)
		if !ok {
			return nil, fault.New(fault.Invalid, "read the command line", "-o "+spec, fmt.Sprintf("there is no format %q", format), "use "+strings.Join(report.Formats(), ", "))
		}
		switch {
		case named && file == "":
			return nil, fault.New(fault.Invalid, "read the command line", "-o "+spec, "the file has no name", "leave = away for standard output; in a pipeline the variable may be empty")
		case file == "-":
			file = ""
		}
		if file != "" && slices.ContainsFunc(sinks, func(s sink) bool { return filepath.Clean(s.file) == filepath.Clean(file) }) {
			return nil, fault.New(fault.Invalid, "read the command line", "-o "+spec, "two formats would be written to the same file", "give each a file of its own")
		}
		if file == "" {
			stdout++
		}
		sinks = append(sinks, sink{format, file, w})
	}
	if stdout > 1 {
		return nil, fault.New(fault.Invalid, "read the command line", "-o", "two formats would be mixed on standard output", "give all but one a file: -o sarif=aeo.sarif")
	}
	return sinks, nil
}

// carriesEdits reports whether the format has a place for findings' edits that
// readers act on. Making them parses the files again, so others do without.
func (s sink) carriesEdits() bool {
	return s.format == "sarif"
}

// printer writes outputs, or what is remembered of them.
type printer struct {
	stdout io.Writer
	memory Memory
	opts   report.Options
	// known is the hash of the baseline whose findings do not count.
	known string
}

// options returns the options of one sink.
func (p *printer) options(s sink) report.Options {
	o := p.opts
	if s.file != "" {
		o.Color, o.Width = false, 0
	}
	return o
}

// view says all that a sink's output depends on besides the assessment. The
// catalogue is the program's own, and excerpts are of the assessed files.
func (p *printer) view(s sink) string {
	o := p.options(s)
	return fmt.Sprintf("%s %q color %t width %d verbose %t baseline %s", s.format, o.Version, o.Color, o.Width, o.Verbose, p.known)
}

// recall writes all outputs as they are remembered; ok is false, and nothing is
// written, if one of them is not.
func (p *printer) recall(sinks []sink) (summary assess.Summary, ok bool, err error) {
	if p.memory == nil {
		return summary, false, nil
	}
	var texts []Text
	defer func() {
		for _, t := range texts {
			_ = t.Close() // it was only read
		}
	}()
	for _, s := range sinks {
		sum, text, ok := p.memory.Recall(p.view(s))
		if !ok {
			return summary, false, nil
		}
		summary, texts = sum, append(texts, text)
	}
	for i, s := range sinks {
		err := writeTo(s.file, p.stdout, func(w io.Writer) error {
			_, err := texts[i].WriteTo(w)
			return err
		})
		if err != nil {
			return summary, true, err
		}
	}
	return summary, true, nil
}

// print writes one output of a report.
func (p *printer) print(s sink, rep *assess.Report) error {
	return writeTo(s.file, p.stdout, func(w io.Writer) error {
		write := func(w io.Writer) error { return s.writer(w, rep, p.options(s)) }
		if p.memory == nil {
			return write(w)
		}
		return p.memory.Keep(p.view(s), rep.Summary, w, write)
	})
}

// heeded is standard output that remembers the first failure to write to it: an
// answer that nobody can have got is no success, whoever wrote it.
type heeded struct {
	io.Writer
	failed atomic.Pointer[error]
}

// Write implements io.Writer.
func (h *heeded) Write(p []byte) (int, error) {
	n, err := h.Writer.Write(p)
	if err != nil {
		h.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

// lost is the first failure, nil if there was none.
func (h *heeded) lost() error {
	if err := h.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// unwritten says that standard output did not take an answer.
func unwritten(err error) error {
	return fault.Wrap(fault.Unavailable, "write", "standard output", err, "is its reader still there, and does it have room?")
}

// writeTo writes to a file that everybody may read, or to standard output if it has no
// name.
func writeTo(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name == "" {
		w := bufio.NewWriterSize(stdout, 64<<10)
		if err := write(w); err != nil {
			return unwritten(err)
		}
		if err := w.Flush(); err != nil {
			return unwritten(err)
		}
		return nil
	}
	return writeFile(name, 0o644, write)
}

// writeBeside is writeTo for a file in a folder that is there: one that is not is likelier
// a slip of the hand.
func writeBeside(name string, stdout io.Writer, write func(io.Writer) error) error {
	if folder := filepath.Dir(name); name != "" {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.NotFound, "write", name, "there is no folder "+folder, "make it, or name a file in another")
		}
	}
	return writeTo(name, stdout, write)
}

// writeFile writes a file whole or not at all: a reader never sees half of it.
func writeFile(name string, mode fs.FileMode, write func(io.Writer) error) error {
	fail := func(err error) error {
		if known, ok := errors.AsType[*fault.Error](err); ok {
			return known
		}
		return fault.Wrap(fault.Unavailable, "write", name, err, "check that the folder exists and that you may write to it")
	}
	// A link keeps naming its file, and a device or pipe such as /dev/stdout is
	// written to, never replaced.
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return fault.New(fault.Invalid, "write", name, "it is a folder", "name a file in it")
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fail(err)
		}
	case err == nil && !info.Mode().IsRegular():
		if err := writeThrough(name, write); err != nil {
			return fail(err)
		}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".aeo-*")
	if err != nil {
		return fail(err)
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriterSize(f, 64<<10)
	for _, step := range []func() error{func() error { return write(w) }, w.Flush, func() error { return f.Chmod(mode) }, f.Close} {
		if err := step(); err != nil {
			return fail(err)
		}
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fail(err)
	}
	return nil
}

// writeThrough writes to what exists and is no regular file.
func writeThrough(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 64<<10)
	return errors.Join(write(w), w.Flush(), f.Close())
}

// excerpts returns a function that reads lines of the assessed files, keeping
// the last file.
func excerpts(files fs.FS) func(file string, from, to int) []string {
	if files == nil {
		return nil
	}
	cache := map[string][]string{}
	return func(file string, from, to int) []string {
		lines, ok := cache[file]
		if !ok {
			if text, err := fs.ReadFile(files, file); err == nil && len(text) < 8<<20 {
				lines = strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
			}
			cache[file] = lines
		}
		from, to = max(from, 1), min(to, len(lines))
		if from > to {
			return nil
		}
		return lines[from-1 : to]
	}
}
