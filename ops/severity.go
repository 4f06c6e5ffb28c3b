package ops

import (
	"fmt"
	"strings"
)

// Severity ranks how much harm a deviation can do. The order of the constants
// is the order of harm, so severities compare with < and >.
type Severity uint8

// The severities, from the least harmful.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

// Severities lists all severities from the most harmful to the least.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low} }

// String returns the lower-case name, such as "high".
func (s Severity) String() string {
	switch s {
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	case Critical:
		return "critical"
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	*s = v
	return err
}

// ParseSeverity reads a severity's name in any case.
func ParseSeverity(name string) (Severity, error) {
	for _, s := range Severities() {
		if strings.EqualFold(name, s.String()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q: use critical, high, medium or low", name)
}
