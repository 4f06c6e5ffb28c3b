package casefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/cause"
)

// read reads a case part by part: what is too long or too much must be refused before it
// is in memory, for a small file unpacks to a large one. next begins a part.
func (f *file) read(dec *json.Decoder, next func()) error {
	next()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, errors.New("it is no object"))
	}
	for dec.More() {
		next()
		key, err := dec.Token()
		if err != nil {
			return err
		}
		switch key {
		case "at":
			err = dec.Decode(&f.At)
		case "series":
			err = list(dec, next, &f.Series, "series", cause.MaxSeries)
		case "dependencies":
			err = list(dec, next, &f.Dependencies, "dependencies", cause.MaxDependencies)
		case "changes":
			err = list(dec, next, &f.Changes, "changes", cause.MaxChanges)
		case "logs":
			err = list(dec, next, &f.Logs, "logs", cause.MaxLogs)
		case "edges":
			err = list(dec, next, &f.Edges, "calls", cause.MaxEdges)
		default:
			var skipped json.RawMessage
			err = dec.Decode(&skipped)
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// list reads a list of at most so many parts.
func list[T any](dec *json.Decoder, next func(), all *[]T, what string, most int) error {
	switch t, err := dec.Token(); {
	case err != nil:
		return err
	case t == nil: // null is none
		return nil
	case t != json.Delim('['):
		return fmt.Errorf("its %s are no list", what)
	}
	for dec.More() {
		if len(*all) == most {
			return fault.New(fault.Invalid, reading, "", fmt.Sprintf("it has more than %d %s", most, what), "take fewer signals: --namespace or --max-signals")
		}
		next()
		var x T
		if err := dec.Decode(&x); err != nil {
			return err
		}
		*all = append(*all, x)
	}
	_, err := dec.Token()
	return err
}

// meter lets as much through as one part may have.
type meter struct {
	r    io.Reader
	left int
}

// part begins a part.
func (m *meter) part() { m.left = maxPart }

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fault.New(fault.Invalid, reading, "", fmt.Sprintf("a part of it is larger than %d MiB", maxPart>>20), rewrite)
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}
