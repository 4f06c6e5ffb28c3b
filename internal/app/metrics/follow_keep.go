package metrics

import (
	"fmt"
	"os"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe"
)

const (
	// keepEvery is how often what was learned is written: what is missing in the file is
	// learned from the source again.
	keepEvery = 15 * time.Minute
	// longestGap is from how far back it is learned what a file does not tell.
	longestGap = 15 * 24 * time.Hour
	// adopt is how long after a start monitors of the file may be asked for again. The
	// Applications that name them are not known at once.
	adopt = 10 * time.Minute
	// maxKept bounds the file: it is about 4 KiB for each signal.
	maxKept = 256 << 20
)

// resumption is that something was taken up from the file at a moment, that was learned up
// to another.
type resumption struct{ at, now time.Time }

// begin begins with what was kept, or with nothing.
func (f *Follower) begin(now time.Time) {
	o := observe.Options{Step: f.options.Interval, From: never, MaxSignals: f.options.MaxSignals, Location: f.options.Location, Holiday: f.options.Holiday}
	o.Planned = func(s observe.Signal) func(time.Time) bool {
		if f.planned == nil {
			return nil
		}
		return f.planned(s)
	}
	f.survey, f.until = observe.NewSurvey(o), now.Add(-f.options.History)
	f.monitors, f.found, f.resumed, f.kept = monitors{}, time.Time{}, nil, now
	if f.options.Keep == "" {
		return
	}
	s, at, err := load(f.options.Keep, o, now)
	switch {
	case err != nil:
		f.options.Log.Warn("what was learned of signals cannot be read: it is learned anew", "file", f.options.Keep, "error", err.Error())
	case s != nil:
		f.survey, f.until = s, at
		if oldest := now.Add(-longestGap); at.Before(oldest) {
			f.until = oldest
		}
		f.resumed = &resumption{at: f.until, now: now}
		f.mu.Lock()
		if f.open == nil {
			f.open = openIn(s.Report(at))
		}
		f.mu.Unlock()
	}
}

// load reads what was kept; nil if nothing was.
func load(name string, o observe.Options, now time.Time) (*observe.Survey, time.Time, error) {
	info, err := os.Stat(name)
	if os.IsNotExist(err) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fault.Wrap(fault.Unavailable, "read", name, err, "")
	}
	if info.Size() > maxKept || !info.Mode().IsRegular() {
		return nil, time.Time{}, fault.New(fault.Invalid, "read", name, "it is no file of signals, or too large for one", "remove it")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, time.Time{}, fault.Wrap(fault.Unavailable, "read", name, err, "")
	}
	s, at, err := observe.RestoreSurvey(text, o)
	if err == nil && at.After(now.Add(o.Step)) {
		return nil, time.Time{}, fault.New(fault.Invalid, "read", name, fmt.Sprintf("it is of %s, which is yet to come", at.UTC().Format(time.RFC3339)), "is the clock right?")
	}
	return s, at, err
}

// keep writes what was learned to the file.
func (f *Follower) keep() {
	if f.options.Keep == "" || f.survey == nil {
		return
	}
	f.kept = f.until
	text, err := f.survey.Snapshot(f.until)
	if err == nil {
		err = replace(f.options.Keep, text)
	}
	if err != nil {
		f.options.Log.Warn("what was learned of signals is not kept: after a restart it is learned anew", "file", f.options.Keep, "error", err.Error())
	}
}

// replace writes a file, as a whole or not at all.
func replace(name string, text []byte) error {
	return replaceWith(name, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

// replaceWith has a file written, as a whole or not at all.
func replaceWith(name string, write func(*os.File) error) error {
	w, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "write", name, err, "is there space left?")
	}
	err = write(w)
	if err == nil {
		err = w.Sync()
	}
	if bad := w.Close(); err == nil {
		err = bad
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		_ = os.Remove(name + ".new") // it may be what fills the disk
		return fault.Wrap(fault.Unavailable, "write", name, err, "is there space left?")
	}
	return nil
}
