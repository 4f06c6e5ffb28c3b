package assess

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops"
)

// BaselineVersion is the version of the baseline file.
const BaselineVersion = "autoecoops.io/baseline/v1"

// Baseline is a set of findings that are known: only new ones count.
type Baseline struct {
	APIVersion string  `json:"apiVersion"`
	Findings   []Known `json:"findings"`
}

// Known is one finding of a baseline. Only the fingerprint is compared; the
// rest is for people who read the file.
type Known struct {
	Fingerprint string      `json:"fingerprint"`
	Check       ops.CheckID `json:"check"`
	Object      string      `json:"object"`
	Path        string      `json:"path"`
}

// NewBaseline makes a baseline of a report's findings.
func NewBaseline(rep *Report) Baseline {
	b := Baseline{APIVersion: BaselineVersion, Findings: []Known{}}
	for _, f := range rep.Findings {
		if f.Status == ops.Fail || f.Status == ops.Unknown {
			b.Findings = append(b.Findings, Known{f.Fingerprint, f.Check, f.Object.String(), f.Path})
		}
	}
	return b
}

// ParseBaseline reads a baseline file's text.
func ParseBaseline(name string, text []byte) (Baseline, error) {
	var b Baseline
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fault.Wrap(fault.Invalid, "read baseline", name, err, "write a new one: aeo assess baseline PATH > "+name)
	}
	if b.APIVersion != BaselineVersion {
		return b, fault.New(fault.Invalid, "read baseline", name, "its apiVersion is not "+BaselineVersion, "write a new one: aeo assess baseline PATH > "+name)
	}
	return b, nil
}

// Without takes the findings of known away from the report and counts them.
func (rep *Report) Without(known map[string]bool) {
	before := len(rep.Findings)
	rep.Findings = slices.DeleteFunc(rep.Findings, func(f ops.Finding) bool { return known[f.Fingerprint] })
	rep.Summary.Baseline = before - len(rep.Findings)
	rep.Count()
}

// Fingerprints returns the set of a baseline's fingerprints.
func (b Baseline) Fingerprints() map[string]bool {
	set := make(map[string]bool, len(b.Findings))
	for _, f := range b.Findings {
		set[f.Fingerprint] = true
	}
	return set
}

// Fingerprints returns the set of the report's fingerprints.
func (rep *Report) Fingerprints() map[string]bool { return NewBaseline(rep).Fingerprints() }

type namedText struct {
	name string
	text []byte
}

// exceptionTexts returns the central exceptions given with the options and the
// repository's own.
func (r *run) exceptionTexts() ([]namedText, error) {
	var out []namedText
	if r.opts.Exceptions != nil {
		out = append(out, namedText{r.opts.ExceptionsName, r.opts.Exceptions})
	}
	b, err := r.src.ReadFile(ExceptionsFile)
	switch {
	case err == nil:
		out = append(out, namedText{ExceptionsFile, b})
	case !absent(err):
		return nil, fault.Wrap(fault.Invalid, "read exceptions", ExceptionsFile, err, "make it a regular file inside of the tree that you may read, or remove it")
	}
	return out, nil
}

// absent reports whether there is no such file, be it that its folder is none.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid)
}
