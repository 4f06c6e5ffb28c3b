package app

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/autoecoops/autoecoops/adapter/cachedir"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/report"
	"github.com/autoecoops/autoecoops/internal/cli"
)

// cacheVersion changes when what is kept, or its form, does.
const cacheVersion = "assess 2"

// maxTraces bounds how many sets of looks are remembered for one question: the
// same list of files can lead to other files when their contents change.
const maxTraces = 4

// resultCache remembers reports, and the outputs that were written of them, by
// everything that they depend on: the program, the options, the day (exceptions
// expire), the list of files, and all that the assessment saw of them.
//
// There are three kinds of entries. The question (program, options, day, list
// of files) leads to the traces: what assessments of it looked at. The question
// with what the looks of a trace answer today leads to the report, and with
// what an output depends on besides to the output. So a rerun looks again at
// all that the first run looked at, and an answer can be no other than that of
// a cold run.
type resultCache struct {
	dir      *cachedir.Dir
	question cachedir.Key
	target   assess.Target
	witness  *witness
	// traces are the looks of earlier assessments, the latest first, and facts
	// what each leads to today.
	traces [][]look
	facts  []cachedir.Key
	// answers are what the looks of all traces say now.
	answers map[look]string
	// fact is what the outputs stand on; known is false if there is none.
	fact  cachedir.Key
	known bool
}

// openCache looks at the tree as far as earlier assessments did. It returns
// nil if the request is not to be cached.
func openCache(ctx context.Context, src *opened, req cli.Request, opts assess.Options, before string) *resultCache {
	if req.NoCache {
		return nil
	}
	dir, err := cachedir.Open("assess")
	if err != nil {
		return nil
	}
	files, err := openContents(ctx, src.Source, dir, req.Path, opts.Now)
	if err != nil {
		return nil
	}
	question := newAbsorber()
	if !identify(question, req, opts, before) {
		return nil
	}
	for _, e := range files.entries {
		question.put(e.Path, e.Skip, e.Unreadable)
	}
	c := &resultCache{dir: dir, question: question.key(), target: src.target, witness: &witness{src: src.Source, files: files}}
	c.traces = c.readTraces()
	if !c.lookAgain(ctx) {
		return nil
	}
	for _, looks := range c.traces {
		c.facts = append(c.facts, factOf(c.question, looks, c.answers))
	}
	return c
}

// absorber hashes texts so that no two lists of texts are alike.
type absorber struct {
	hash hash.Hash
	buf  []byte
}

func newAbsorber() *absorber { return &absorber{sha256.New(), make([]byte, 0, 16<<10)} }

func (a *absorber) put(texts ...string) {
	for _, s := range texts {
		if len(a.buf)+8+len(s) > cap(a.buf) {
			a.hash.Write(a.buf)
			a.buf = a.buf[:0]
		}
		a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(len(s)))
		a.buf = append(a.buf, s...)
	}
}

func (a *absorber) key() cachedir.Key {
	a.hash.Write(a.buf)
	a.buf = a.buf[:0]
	return cachedir.Key(a.hash.Sum(nil))
}

// identify hashes the program and the options. before is the identity of the
// tree that is compared with, "" for none.
func identify(question *absorber, req cli.Request, opts assess.Options, before string) bool {
	name, err := os.Executable()
	if err != nil {
		return false
	}
	program, err := programIdentity(name)
	if err != nil {
		return false
	}
	ids := make([]string, len(opts.Checks))
	for i, c := range opts.Checks {
		ids[i] = string(c.ID)
	}
	settings := req.Settings
	settings.Origin = nil
	text, err := json.Marshal([]any{
		cacheVersion, build(), program, opts.Now.Format("2006-01-02"), today(opts.Now), settings, opts.KeepPassed, opts.Deviations,
		opts.ExceptionsName, opts.Exceptions != nil, opts.Exceptions, before, ids,
	})
	question.put(string(text))
	return err == nil
}

// programIdentity tells one build of the program from another: by the head of
// its file, which holds the linker's id of all of its content, and, should that
// have been left out, by size and time.
func programIdentity(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	return fmt.Sprintf("%d %d %x", info.Size(), info.ModTime().UnixNano(), sha256.Sum256(head[:n])), nil
}

// readTraces reads what earlier assessments looked at.
func (c *resultCache) readTraces() [][]look {
	text, ok := c.dir.Get(c.question)
	if !ok {
		return nil
	}
	return parseTraces(text)
}

// writeTraces puts the looks of this assessment before those of earlier ones.
func (c *resultCache) writeTraces(looks []look) error {
	traces := [][]look{looks}
	for _, t := range c.traces {
		if len(traces) < maxTraces && !slices.Equal(t, looks) {
			traces = append(traces, t)
		}
	}
	return c.dir.Put(c.question, formatTraces(traces))
}

// lookAgain takes all looks of all traces, in parallel.
func (c *resultCache) lookAgain(ctx context.Context) bool {
	c.answers = map[look]string{}
	if len(c.traces) == 0 {
		return true
	}
	looks := slices.Concat(c.traces...)
	if len(c.traces) > 1 {
		slices.SortFunc(looks, compareLooks)
		looks = slices.Compact(looks)
	}
	answers := make([]string, len(looks))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var room []byte
			for i := int(next.Add(1)) - 1; i < len(looks) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				answers[i], room = looks[i].take(c.witness.src, c.witness.files, room)
			}
		})
	}
	wg.Wait()
	for i, l := range looks {
		c.answers[l] = answers[i]
	}
	return ctx.Err() == nil
}

// factOf is the question with what was seen.
func factOf(question cachedir.Key, looks []look, answers map[look]string) cachedir.Key {
	h := newAbsorber()
	h.put(string(question[:]))
	for _, l := range looks {
		h.put(string(l.how), l.name, answers[l])
	}
	return h.key()
}

// stand makes the fact of a trace the one that outputs stand on.
func (c *resultCache) stand(i int) {
	seen := make(map[look]string, len(c.traces[i]))
	for _, l := range c.traces[i] {
		seen[l] = c.answers[l]
	}
	c.fact, c.known = c.facts[i], true
	c.witness.trust(seen)
}

// load returns the remembered report, nil if there is none.
func (c *resultCache) load() *assess.Report {
	for i, fact := range c.facts {
		text, ok := c.dir.Get(reportKey(fact))
		if !ok {
			continue
		}
		var rep assess.Report
		if err := json.Unmarshal(text, &rep); err != nil {
			continue
		}
		rep.Target = c.target
		c.stand(i)
		return &rep
	}
	return nil
}

func reportKey(fact cachedir.Key) cachedir.Key { return sha256.Sum256(append(fact[:], "report"...)) }

// close keeps for the next run what was learned of files in this one.
func (c *resultCache) close() { c.witness.files.save() }

// begin makes the witness ready for a new assessment and returns it.
func (c *resultCache) begin() assess.Source {
	c.known = false
	c.witness.begin()
	return c.witness
}

// store remembers a report that was made of what the witness saw since begin.
// A cache that cannot be written is no failure of the assessment.
func (c *resultCache) store(rep *assess.Report) {
	looks, answers, ok := c.witness.seal()
	if !ok || c.writeTraces(looks) != nil {
		return
	}
	c.fact, c.known = factOf(c.question, looks, answers), true
	w, err := c.dir.Create(reportKey(c.fact))
	if err != nil {
		return
	}
	defer w.Discard()
	exact := &exactText{w: w}
	if err := report.JSON(exact, rep, report.Options{}); err == nil && !exact.lossy {
		_ = w.Commit()
	}
}
