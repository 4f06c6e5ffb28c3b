package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/assess"
)

// look is one thing that an assessment asked of a tree.
type look struct {
	how  byte
	name string
}

// What is asked: a file's content, whether a path is a file or a folder, or
// what a folder holds.
const (
	content byte = 'c'
	kind    byte = 'k'
	listing byte = 'l'
)

func compareLooks(a, b look) int {
	return cmp.Or(cmp.Compare(a.how, b.how), cmp.Compare(a.name, b.name))
}

// formatTraces writes sets of looks, parseTraces reads them.
func formatTraces(traces [][]look) []byte {
	var b []byte
	for _, looks := range traces {
		b = binary.AppendUvarint(b, uint64(len(looks)))
		for _, l := range looks {
			b = append(b, l.how)
			b = binary.AppendUvarint(b, uint64(len(l.name)))
			b = append(b, l.name...)
		}
	}
	return b
}

// parseTraces returns nil for what formatTraces did not write.
func parseTraces(b []byte) [][]look {
	text := string(b) // the names share its memory
	number := func() (n int, ok bool) {
		u, width := binary.Uvarint(b[len(b)-len(text):])
		if width <= 0 || u > uint64(len(text)) {
			return 0, false
		}
		text = text[width:]
		return int(u), true
	}
	var traces [][]look
	for text != "" {
		count, ok := number()
		if !ok {
			return nil
		}
		looks := make([]look, 0, count)
		for range count {
			if text == "" {
				return nil
			}
			l := look{how: text[0]}
			text = text[1:]
			length, ok := number()
			if !ok || length > len(text) {
				return nil
			}
			l.name, text = text[:length], text[length:]
			looks = append(looks, l)
		}
		traces = append(traces, looks)
	}
	return traces
}

// take asks the tree now. The answer is the same text if and only if an
// assessment would meet the same thing, errors included. room is a buffer for
// contents, returned to be used again.
func (l look) take(src assess.Source, files *contents, room []byte) (answer string, used []byte) {
	switch l.how {
	case content:
		return files.answer(l.name, room)
	case kind:
		info, err := fs.Stat(src, l.name)
		return kindAnswer(info, err), room
	}
	list, err := fs.ReadDir(src, l.name)
	return listingAnswer(items(list), err), room
}

// appendFile appends a file's content to room where the source can do that.
func appendFile(src assess.Source, room []byte, name string) ([]byte, error) {
	if a, ok := src.(interface {
		AppendFile(dst []byte, name string) ([]byte, error)
	}); ok {
		return a.AppendFile(room, name)
	}
	text, err := src.ReadFile(name)
	return append(room, text...), err
}

func contentAnswer(text []byte, err error) string {
	if err != nil {
		return failure(err)
	}
	sum := sha256.Sum256(text)
	return string(sum[:])
}

func kindAnswer(info fs.FileInfo, err error) string {
	if err != nil {
		return failure(err)
	}
	return fmt.Sprint(describe(info))
}

func listingAnswer(list []item, err error) string {
	if err != nil {
		return failure(err)
	}
	h := sha256.New()
	for _, it := range list {
		fmt.Fprintf(h, "%q %v %d %q\n", it.name, it.mode, it.size, fmt.Sprint(it.err))
	}
	return string(h.Sum(nil))
}

func failure(err error) string { return "error: " + err.Error() }

// item is what an assessment may know of a file or folder without reading it:
// its name, the type bits of its mode, and a file's size in bytes. It is its
// own fs.FileInfo and fs.DirEntry.
type item struct {
	name string
	mode fs.FileMode
	size int64
	// err is why more than the name and the type could not be told.
	err error
}

// describe reduces info to what may be known. Times and permissions would make
// the same content a different one.
func describe(info fs.FileInfo) item {
	it := item{name: info.Name(), mode: info.Mode().Type()}
	if it.mode.IsRegular() {
		it.size = info.Size()
	}
	return it
}

// items describes the entries of a folder.
func items(list []fs.DirEntry) []item {
	out := make([]item, len(list))
	for i, d := range list {
		if info, err := d.Info(); err != nil {
			out[i] = item{name: d.Name(), mode: d.Type(), err: err}
		} else {
			out[i] = describe(info)
		}
	}
	return out
}

func (i item) Name() string               { return i.name }
func (i item) Size() int64                { return i.size }
func (i item) Mode() fs.FileMode          { return i.mode }
func (i item) Type() fs.FileMode          { return i.mode }
func (i item) ModTime() time.Time         { return time.Time{} }
func (i item) IsDir() bool                { return i.mode.IsDir() }
func (i item) Sys() any                   { return nil }
func (i item) Info() (fs.FileInfo, error) { return i, i.err }

// witness is a tree that notes all that is learned from it: every answer comes
// from the very bytes that it hands on. So what is made of the tree can be
// remembered by what was seen, however the tree changes meanwhile.
type witness struct {
	src   assess.Source
	files *contents

	mu   sync.Mutex
	seen map[look]string
	// sealed is set when all was seen that counts; beyond, when something else
	// was looked at afterwards.
	sealed, beyond bool
	// torn is set when the same question had two answers: the tree changed
	// under the eyes of the assessment.
	torn bool
}

// begin forgets what was seen.
func (w *witness) begin() { w.reset(nil, false) }

// trust begins with what was seen and may not grow any more.
func (w *witness) trust(seen map[look]string) { w.reset(seen, true) }

func (w *witness) reset(seen map[look]string, sealed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if seen == nil {
		seen = map[look]string{}
	}
	w.seen, w.sealed, w.beyond, w.torn = seen, sealed, false, false
}

// seal ends the noting and returns what was seen, sorted, and its answers; ok
// is false if that is not the whole truth.
func (w *witness) seal() (looks []look, answers map[look]string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sealed = true
	return slices.SortedFunc(maps.Keys(w.seen), compareLooks), w.seen, !w.torn && !w.beyond
}

// sound reports whether what was handed out so far is what was sealed.
func (w *witness) sound() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sealed && !w.torn && !w.beyond
}

// tear gives up: what is seen from now on cannot be told.
func (w *witness) tear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.torn = true
}

func (w *witness) note(how byte, name, answer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := look{how, name}
	known, ok := w.seen[l]
	switch {
	case ok && known != answer:
		w.torn = true
	case ok:
	case w.sealed:
		w.beyond = true
	default:
		w.seen[l] = answer
	}
}

// Entries implements assess.Source.
func (w *witness) Entries(ctx context.Context) ([]assess.Entry, error) {
	return slices.Clone(w.files.entries), ctx.Err()
}

// ReadFile implements fs.ReadFileFS.
func (w *witness) ReadFile(name string) ([]byte, error) {
	text, answer, err := w.files.read(nil, name)
	w.note(content, name, answer)
	if err != nil {
		return nil, err
	}
	return text, nil
}

// ReadDir implements fs.ReadDirFS.
func (w *witness) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(w.src, name)
	seen := items(list)
	w.note(listing, name, listingAnswer(seen, err))
	if err != nil {
		return nil, err
	}
	out := make([]fs.DirEntry, len(seen))
	for i, it := range seen {
		out[i] = it
	}
	return out, nil
}

// Open implements fs.FS.
func (w *witness) Open(name string) (fs.File, error) {
	f, err := w.src.Open(name)
	if err != nil {
		w.note(kind, name, kindAnswer(nil, err))
		return nil, err
	}
	info, err := f.Stat()
	w.note(kind, name, kindAnswer(info, err))
	if err == nil && info.Size() > assess.MaxFile {
		// Who opens it will read a part and say what is wrong in words of its own.
		w.tear()
		return f, nil
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return &seenFile{witness: w, path: name, info: describe(info)}, nil
}

// seenFile is an open file or folder of a witness. It is read whole when it is
// read first.
type seenFile struct {
	witness *witness
	path    string
	info    item
	text    *bytes.Reader
	list    []fs.DirEntry
	listed  bool
}

// Stat implements fs.File.
func (f *seenFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close implements fs.File.
func (f *seenFile) Close() error { return nil }

// Read implements fs.File.
func (f *seenFile) Read(p []byte) (int, error) {
	if f.text == nil {
		text, err := f.witness.ReadFile(f.path)
		if err != nil {
			return 0, err
		}
		f.text = bytes.NewReader(text)
	}
	return f.text.Read(p)
}

// ReadDir implements fs.ReadDirFile.
func (f *seenFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.listed {
		list, err := f.witness.ReadDir(f.path)
		if err != nil {
			return nil, err
		}
		f.list, f.listed = list, true
	}
	if n <= 0 {
		n = len(f.list)
	} else if len(f.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.list))
	out := f.list[:n:n]
	f.list = f.list[n:]
	return out, nil
}
