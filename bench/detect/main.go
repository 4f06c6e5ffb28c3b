// Command detect runs the detector, as it ships and with the settings it ships
// with, over a series in a file: one value after the other, each judged by
// those before it. The output has one row for each row of the input.
//
// With -made it tells instead how the detector does on labelled series that
// are made up: what it finds, how well its scores order samples beside two
// simple methods, and how often it alarms where nothing is wrong. With -curve it
// tells how that changes with the evidence that an incident needs. With -speed it
// measures.
//
// Usage: go run ./bench/detect -in series.csv -out scores.csv
//
//	go run ./bench/detect -made [-days 60]
//	go run ./bench/detect -curve [-days 60]
//	go run ./bench/detect -speed [-series 50000]
//	go run ./bench/detect -many [-series 1000000]
//	go run ./bench/detect -all -results bench/results/detect.json
package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/autoecoops/autoecoops/bench/record"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/anomaly"
)

var nan = math.NaN()

func main() {
	in := flag.String("in", "", "a series: a file with the header timestamp,value")
	out := flag.String("out", "", "where to write the scores, with the header timestamp,score")
	made := flag.Bool("made", false, "tell how the detector does on made series")
	days := flag.Int("days", 60, "how long the made series are")
	trade := flag.Bool("curve", false, "tell what more or less evidence buys on made series")
	fast := flag.Bool("speed", false, "measure the speed")
	count := flag.Int("series", 0, "how many series to measure the speed with (50,000 with -speed, 1,000,000 with -many)")
	lot := flag.Bool("many", false, "measure how many series two cores keep up with")
	all := flag.Bool("all", false, "what -made, -speed and -many tell")
	results := flag.String("results", "", "where to write the figures, too")
	flag.Parse()
	r := record.New()
	var err error
	switch {
	case *count < 0:
		err = fault.New(fault.Invalid, "detect", "-series", "it is below 0", "say how many series there are")
	case *all:
		err = errors.Join(report(os.Stdout, *days, r), speed(os.Stdout, 100, r), speed(os.Stdout, cmp.Or(*count, 50_000), r), many(os.Stdout, 1_000_000, r))
	case *made:
		err = report(os.Stdout, *days, r)
	case *trade:
		err = curve(os.Stdout, 140, *days)
	case *fast:
		err = speed(os.Stdout, cmp.Or(*count, 50_000), r)
	case *lot:
		err = many(os.Stdout, cmp.Or(*count, 1_000_000), r)
	case *in == "" || *out == "":
		err = fault.New(fault.Invalid, "detect", "", "a file is missing", "pass -in and -out")
	default:
		err = detectFile(*in, *out)
	}
	if err == nil && *results != "" {
		err = r.Write(*results)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "detect:", err)
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint != "" {
			fmt.Fprintln(os.Stderr, "fix:", f.Hint)
		}
		os.Exit(fault.KindOf(err).ExitCode())
	}
}

// detectFile writes the scores beside out first, so that what is there is
// whole.
func detectFile(in, out string) error {
	f, err := os.Open(in)
	if err != nil {
		return fault.Wrap(fault.NotFound, "read", in, err, "name a file that exists and can be read")
	}
	defer f.Close()
	part := out + ".part"
	w, err := os.Create(part)
	if err != nil {
		return fault.Wrap(fault.Invalid, "write", out, err, "name a file in a folder that can be written")
	}
	err = errors.Join(detect(f, in, w), w.Close())
	if err != nil {
		os.Remove(part)
		return err
	}
	return os.Rename(part, out)
}

// detect scores the rows of r.
func detect(r io.Reader, name string, w io.Writer) error {
	d, err := anomaly.New(anomaly.Default())
	if err != nil {
		return err
	}
	var s anomaly.Series
	out := bufio.NewWriter(w)
	out.WriteString("timestamp,score\n")
	err = read(r, name, func(x row) error {
		v := d.Observe(&s, anomaly.Sample{At: x.at.UnixMilli(), Value: x.value})
		out.WriteString(x.stamp)
		out.WriteByte(',')
		out.WriteString(strconv.FormatFloat(float64(v.Score), 'f', 8, 32))
		return out.WriteByte('\n')
	})
	return errors.Join(err, out.Flush())
}
