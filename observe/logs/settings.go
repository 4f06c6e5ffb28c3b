package logs

import (
	"fmt"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Settings bound a miner.
type Settings struct {
	// Templates is how many templates are kept, 16 to 1,000,000; those not
	// seen for longest are forgotten.
	Templates int
	// Bytes is about how much memory they may need.
	Bytes int
	// LineBytes is how much of a line is looked at, 256 bytes to 1 MiB.
	LineBytes int
	// ExampleBytes is how much of a line is kept as an example.
	ExampleBytes int
	// Bucket is the time over which lines are counted to find surges.
	Bucket time.Duration
	// Surge bounds what Signals reports.
	Surge Surge
	// Tuning holds what the miner weighs; see DefaultTuning.
	Tuning Tuning
}

// Tuning are the constants of the method. They hold for all kinds of logs;
// there is no need to change them but to study the miner.
type Tuning struct {
	// Kin is how many templates must differ in the same places, to be one with
	// values there. KinFirst is that where the first word is among them.
	Kin, KinFirst int
	// Fresh is the least share of lines that must have brought a new word.
	Fresh float64
	// Many is how many templates are one however often they were seen.
	Many int
	// ManyLoud is that where the words are written with a capital, as names of
	// states are.
	ManyLoud int
	// Differ is the largest share of words that may differ.
	Differ float64
}

// Default returns the settings that the miner ships with.
func Default() Settings {
	return Settings{Templates: 4096, Bytes: 16 << 20, LineBytes: 4 << 10, ExampleBytes: 1 << 10, Bucket: time.Minute, Surge: DefaultSurge(), Tuning: DefaultTuning()}
}

// DefaultTuning returns the shipped constants.
func DefaultTuning() Tuning {
	return Tuning{Kin: 3, KinFirst: 12, Fresh: 0.3, Many: 5, ManyLoud: 12, Differ: 0.3}
}

// Validate returns every problem of the settings with its path, nil for none.
func (s Settings) Validate() []error {
	var all []error
	bad := func(ok bool, path, want string, value any) {
		if !ok {
			all = append(all, fault.New(fault.Invalid, "read the settings of log templates", path, fmt.Sprintf("%v is not %s", value, want), "set "+path+" to "+want))
		}
	}
	bad(s.Templates >= 16 && s.Templates <= 1e6, "templates", "between 16 and 1000000", s.Templates)
	bad(s.Bytes >= 64<<10, "bytes", "at least 65536", s.Bytes)
	bad(s.LineBytes >= 256 && s.LineBytes <= 1<<20, "lineBytes", "between 256 and 1048576", s.LineBytes)
	bad(s.ExampleBytes >= 16 && s.ExampleBytes <= 64<<10, "exampleBytes", "between 16 and 65536", s.ExampleBytes)
	bad(s.Bucket >= time.Second && s.Bucket <= 24*time.Hour, "bucket", "between 1s and 24h", s.Bucket)
	u := s.Surge
	bad(u.Least <= Fatal && u.Floor >= 1 && u.Ratio >= 1 && u.Score > 0 && u.Learn >= 0 && u.News >= 0, "surge", "a floor of at least 1, a ratio of at least 1, a positive score and times", u)
	t := s.Tuning
	bad(t.Kin >= 2 && t.KinFirst >= 2 && t.Many >= 2 && t.ManyLoud >= 2, "tuning", "at least 2 templates of a kind", t)
	bad(t.Fresh >= 0 && t.Fresh <= 1 && t.Differ > 0 && t.Differ <= 1, "tuning", "shares between 0 and 1", t)
	return all
}
