package anomaly

import (
	"fmt"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Direction says which way a value must leave the expected for an incident.
type Direction int8

// The directions.
const (
	Below  Direction = -1
	Either Direction = 0
	Above  Direction = 1
)

// String names the direction.
func (d Direction) String() string {
	switch d {
	case Below:
		return "below"
	case Above:
		return "above"
	}
	return "either"
}

// Settings are what the series of one Detector have in common.
type Settings struct {
	// Threshold is the probability from which an alarm may open an incident, in
	// (0, 1).
	Threshold float32
	// Evidence is how much must come together within 25 samples from an alarm on
	// to open the incident: by how much the strength of these samples exceeds
	// what is usual for the series, in its usual deviations. With 0 the alarm
	// suffices. False alarms become fewer with more of it, small and short events
	// are missed, and an incident of something weak opens later.
	Evidence float32
	// Direction limits incidents to values above or below the expected.
	Direction Direction
	// MinEffect is the least distance from the expected value, in the unit of
	// the series, that is worth an incident; 0 for none.
	MinEffect float64
	// Counter says that values are of a counter that only grows and starts
	// anew at 0: what is judged is its rate a second.
	Counter bool
	// Warmup is the number of samples that are only learned, at least 60.
	Warmup int
	// Quiet is how many samples without anything new close an incident.
	Quiet int
	// Location is where the users of the series live: the hours and weekdays
	// of its clock are what habits follow. Nil is UTC.
	Location *time.Location
	// Holiday says of a day, midnight in Location, that it is none of the
	// usual: it is compared with Sundays, too, and not learned as a weekday.
	// Nil knows no holidays. It must be safe for concurrent use.
	Holiday func(day time.Time) bool
	// Tuning holds what the detector weighs; see DefaultTuning.
	Tuning Tuning
}

// Tuning are the constants of the method. They hold for all kinds of series;
// there is no need to change them but to study the detector.
type Tuning struct {
	// Shape weighs the form of a pattern against its level.
	Shape float32
	// Flat is the height, in ranges, below which a pattern has no form.
	Flat float32
	// Radius is the distance, in ranges, below which patterns are the same.
	Radius float32
	// Spike is how far, in ranges, an extreme value must leave a block's mean
	// to stand for the block.
	Spike float32
	// Day, Week and Variation weigh these channels against a pattern's 1.
	Day, Week, Variation float32
	// Hold is the number of samples after which what was told once may be told
	// again, and Factor how much stronger it must be before.
	Hold, Factor float32
	// Material is the size of a deviation, in ranges, from which it counts
	// fully; a smaller one counts as the fourth root of its part of that.
	Material float32
	// Tire is what each alarm takes from the next, and Rest the number of
	// samples in which that wears off.
	Tire, Rest float32
}

// Default returns the settings that the detector ships with.
func Default() Settings {
	return Settings{Threshold: 0.2, Evidence: 75, Warmup: 100, Quiet: 120, Tuning: DefaultTuning()}
}

// DefaultTuning returns the shipped constants.
func DefaultTuning() Tuning {
	return Tuning{
		Shape: 1.5, Flat: 0.03, Radius: 0.05, Spike: 0.2,
		Day: 0.75, Week: 0.75, Variation: 0.75,
		Hold: 150, Factor: 1.3, Material: 1.5, Tire: 0.08, Rest: 8000,
	}
}

// Validate returns every problem of the settings with its path, nil for none.
func (s Settings) Validate() []error {
	var all []error
	bad := func(ok bool, path, want string, value any) {
		if !ok {
			all = append(all, fault.New(fault.Invalid, "read the detector's settings", path, fmt.Sprintf("%v is not %s", value, want), "set "+path+" to "+want))
		}
	}
	bad(s.Threshold > 0 && s.Threshold < 1, "threshold", "between 0 and 1", s.Threshold)
	bad(s.Evidence >= 0 && s.Evidence < 1e9, "evidence", "a finite number of at least 0", s.Evidence)
	bad(s.Direction >= Below && s.Direction <= Above, "direction", "above, below or either", s.Direction)
	bad(s.MinEffect >= 0 && s.MinEffect < 1e300, "minEffect", "a finite number of at least 0", s.MinEffect)
	bad(s.Warmup >= minWarmup && s.Warmup <= 1e6, "warmup", fmt.Sprintf("between %d and 1000000 samples", minWarmup), s.Warmup)
	bad(s.Quiet >= 1 && s.Quiet <= 1e6, "quiet", "between 1 and 1000000 samples", s.Quiet)
	t := s.Tuning
	for _, f := range []struct {
		path  string
		value float32
		zero  bool
	}{
		{"shape", t.Shape, true}, {"flat", t.Flat, false}, {"radius", t.Radius, false}, {"spike", t.Spike, true},
		{"day", t.Day, true}, {"week", t.Week, true}, {"variation", t.Variation, true},
		{"hold", t.Hold, false}, {"factor", t.Factor, false}, {"material", t.Material, false}, {"tire", t.Tire, true}, {"rest", t.Rest, false},
	} {
		bad(f.value > 0 && f.value < 1e9 || f.zero && f.value == 0, "tuning."+f.path, "a positive number", f.value)
	}
	return all
}
