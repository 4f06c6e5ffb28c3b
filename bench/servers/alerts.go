package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

var (
	comparedLine = regexp.MustCompile(`(\d+) stories, (\d+) changes of alerts compared`)
	firedLine    = regexp.MustCompile(`fired ([+-]\d+), resolved ([+-]\d+) evaluations after Prometheus`)
)

// alerts has the tests compare when alerts fire with Prometheus, once with its own test
// runner over the stories of the truth table and once with a server that scrapes a
// service which fails, and tells what they compared.
func (b *bench) alerts(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", "^TestAlertTimesEqual", "./observe/slo").CombinedOutput()
	compared := comparedLine.FindSubmatch(out)
	fired := firedLine.FindAllSubmatch(out, -1)
	if compared == nil || len(fired) == 0 {
		return errors.Join(err, fmt.Errorf("nothing was compared: %.2000s", out))
	}
	changes, _ := strconv.ParseFloat(string(compared[2]), 64) // digits
	b.Note("changes of alerts compared with Prometheus' own runner of rules", changes, "")
	failed := 0.0
	if err != nil {
		failed = 1
		fmt.Printf("%s\n", out)
	}
	b.AtMost("comparisons of alert times that failed", failed, "", 0)
	farthest := 0
	for _, m := range fired {
		for _, digits := range m[1:] {
			n, _ := strconv.Atoi(string(digits))
			farthest = max(farthest, n, -n)
		}
	}
	b.AtMost("alerts beside those of a live Prometheus, at most, in evaluations", float64(farthest), "", 1)
	return nil
}
