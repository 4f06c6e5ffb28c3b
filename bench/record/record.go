// Package record keeps the results of benchmarks in the form that
// bench/results holds: one list of figures with goal, machine and commit.
package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Figure is one measured value.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Goal is "≤ 40", "≥ 8", or "" for a figure without one.
	Goal    string `json:"goal"`
	Holds   bool   `json:"holds"`
	Machine string `json:"machine"`
	Commit  string `json:"commit"`
	// NotMeasured is why there is no value, "" if there is one. What was not measured
	// holds no goal and misses none.
	NotMeasured string `json:"notMeasured,omitempty"`
}

// Results collects figures.
type Results struct {
	figures         []Figure
	machine, commit string
}

// New returns empty results of this machine and commit.
func New() *Results { return &Results{machine: machine(), commit: commit()} }

// AtMost adds a figure that should not exceed goal.
func (r *Results) AtMost(name string, value float64, unit string, goal float64) {
	r.add(name, value, unit, fmt.Sprintf("≤ %g", goal), value <= goal)
}

// AtLeast adds a figure that should reach goal.
func (r *Results) AtLeast(name string, value float64, unit string, goal float64) {
	r.add(name, value, unit, fmt.Sprintf("≥ %g", goal), value >= goal)
}

// Note adds a figure without a goal.
func (r *Results) Note(name string, value float64, unit string) {
	r.add(name, value, unit, "", true)
}

// Skip tells that something was not measured, and why.
func (r *Results) Skip(name, why string) {
	r.Add(Figure{Name: name, Machine: r.machine, Commit: r.commit, NotMeasured: why})
}

// Summary counts the figures with a goal, and adds what was not measured: "31 of 37 goals
// are met, 6 are missed; not measured: NAB, standard (no NAB=DIR)".
func (r *Results) Summary() string {
	goals, met := 0, 0
	var skipped []string
	for _, f := range r.figures {
		switch {
		case f.NotMeasured != "":
			skipped = append(skipped, f.Name+" ("+f.NotMeasured+")")
		case f.Goal != "":
			goals++
			if f.Holds {
				met++
			}
		}
	}
	text := fmt.Sprintf("%d of %d goals that were measured are met, %d are missed; not measured: ", met, goals, goals-met)
	if len(skipped) == 0 {
		return text + "nothing"
	}
	return text + strings.Join(skipped, ", ")
}

func (r *Results) add(name string, value float64, unit, goal string, holds bool) {
	r.Add(Figure{Name: name, Value: math.Round(value*1000) / 1000, Unit: unit, Goal: goal, Holds: holds, Machine: r.machine, Commit: r.commit})
}

// Add adds a figure as it is: one that was measured before, perhaps elsewhere.
func (r *Results) Add(f Figure) {
	r.figures = append(r.figures, f)
	if f.NotMeasured != "" {
		fmt.Printf("%-50s not measured: %s\n", f.Name, f.NotMeasured)
		return
	}
	verdict := "holds"
	switch {
	case !f.Holds:
		verdict = "MISSED"
	case f.Goal == "":
		verdict = ""
	}
	fmt.Printf("%-50s %10.3f %-3s %-8s %s\n", f.Name, f.Value, f.Unit, f.Goal, verdict)
}

// Write writes the figures as JSON.
func (r *Results) Write(file string) error {
	text, err := json.MarshalIndent(r.figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// machine describes the processor, cores, memory and toolchain.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range bytes.Lines(text) {
			if name, value, ok := bytes.Cut(line, []byte(":")); ok && strings.TrimSpace(string(name)) == "model name" {
				model = strings.TrimSpace(string(value))
				break
			}
		}
	}
	memory := ""
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb int
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kb); err == nil {
			memory = fmt.Sprintf(", %d GiB", (kb+512*1024)>>20)
		}
	}
	return fmt.Sprintf("%s, %d cores%s, %s %s", model, runtime.NumCPU(), memory, runtime.GOOS, runtime.Version())
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
