package trace

import (
	"fmt"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Options are the bounds of a Window. What is 0 gets the value of Defaults.
type Options struct {
	// MaxBytes is for the traces; the costs come on top, see MaxEdges.
	MaxBytes int64
	// MaxAge is how long a trace is kept after its last span, KeepAge how long
	// a slow or failed one.
	MaxAge, KeepAge time.Duration
	// Settle is how long a trace must be quiet before its costs are counted,
	// MaxOpen how long it may go on at most.
	Settle, MaxOpen time.Duration
	// MaxSpans is for one trace.
	MaxSpans int
	// MaxServices have a share of their own; others have one together.
	MaxServices int
	// Bucket is the width of the buckets of costs, Buckets their number, and
	// MaxEdges how many edges each tells apart. An edge takes about 1 KiB.
	Bucket   time.Duration
	Buckets  int
	MaxEdges int
	// BlindAfter is how long nothing may come before a service, or all, is
	// said to be out of sight.
	BlindAfter time.Duration
}

// Defaults are the bounds for one machine.
func Defaults() Options {
	return Options{
		MaxBytes: 64 << 20, MaxAge: 15 * time.Minute, KeepAge: time.Hour,
		Settle: 5 * time.Second, MaxOpen: time.Minute, MaxSpans: 10_000, MaxServices: 1000,
		Bucket: time.Minute, Buckets: 60, MaxEdges: 1000, BlindAfter: 5 * time.Minute,
	}
}

// complete fills in what is 0 and reports all that cannot be.
func (o Options) complete() (Options, error) {
	d := Defaults()
	var bad []string
	fillTime := func(name string, v *time.Duration, standard time.Duration) {
		if *v == 0 {
			*v = standard
		}
		if *v < 0 {
			bad = append(bad, name+" is negative")
		}
	}
	fill := func(name string, v *int, standard int) {
		if *v == 0 {
			*v = standard
		}
		if *v < 1 || *v > 1<<24 {
			bad = append(bad, fmt.Sprintf("%s is not from 1 to %d", name, 1<<24))
		}
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = d.MaxBytes
	}
	if o.MaxBytes < 1<<16 {
		bad = append(bad, "MaxBytes is less than 64 KiB")
	}
	fillTime("MaxAge", &o.MaxAge, d.MaxAge)
	fillTime("KeepAge", &o.KeepAge, max(d.KeepAge, o.MaxAge))
	fillTime("Settle", &o.Settle, d.Settle)
	fillTime("MaxOpen", &o.MaxOpen, d.MaxOpen)
	fillTime("Bucket", &o.Bucket, d.Bucket)
	fillTime("BlindAfter", &o.BlindAfter, d.BlindAfter)
	fill("MaxSpans", &o.MaxSpans, d.MaxSpans)
	fill("MaxServices", &o.MaxServices, d.MaxServices)
	fill("Buckets", &o.Buckets, d.Buckets)
	fill("MaxEdges", &o.MaxEdges, d.MaxEdges)
	if o.KeepAge < o.MaxAge {
		bad = append(bad, "KeepAge is shorter than MaxAge")
	}
	if len(bad) > 0 {
		return o, fault.New(fault.Invalid, "open a window of traces", "", strings.Join(bad, "; "), "leave out what should be as usual")
	}
	return o, nil
}
