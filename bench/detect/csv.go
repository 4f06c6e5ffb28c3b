package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

const header = "timestamp,value"

// forms are the ways in which a timestamp may be written; without a zone it is
// in UTC.
var forms = [...]string{time.RFC3339Nano, "2006-01-02 15:04:05"}

// row is one line of the input.
type row struct {
	stamp string
	at    time.Time
	value float64
}

// read calls each for every row of a series. Its first line is the header. A
// value may be NaN or empty, which is a sample without a value; anything else
// that is no number is an error that names the line.
func read(r io.Reader, name string, each func(row) error) error {
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fault.Wrap(fault.Unavailable, "read", fmt.Sprintf("%s:%d", name, n), err, "check the file and try again")
		}
		if line == "" {
			if n == 1 {
				return bad(name, 1, "the file is empty", "write the header "+header+" and a row for each sample")
			}
			return nil
		}
		line = strings.TrimRight(line, "\r\n")
		if n == 1 {
			if strings.TrimPrefix(line, "\ufeff") != header {
				return bad(name, n, fmt.Sprintf("the header is %q", clip(line)), "make it "+header)
			}
			continue
		}
		x, err := parse(line, name, n)
		if err != nil {
			return err
		}
		if err := each(x); err != nil {
			return err
		}
	}
}

func parse(line, name string, n int) (row, error) {
	stamp, text, ok := strings.Cut(line, ",")
	if !ok || strings.Contains(text, ",") {
		return row{}, bad(name, n, fmt.Sprintf("%q has not two columns", clip(line)), "write a timestamp, a comma and a value")
	}
	x := row{stamp: stamp, value: nan}
	for _, form := range forms {
		at, err := time.Parse(form, strings.TrimSpace(stamp))
		if err == nil {
			x.at, ok = at, true
			break
		}
		ok = false
	}
	if !ok {
		return row{}, bad(name, n, fmt.Sprintf("%q is no time", clip(stamp)), "write it like 2026-03-09T10:00:00Z or 2026-03-09 10:00:00")
	}
	if text = strings.TrimSpace(text); text == "" {
		return x, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return row{}, bad(name, n, fmt.Sprintf("%q is no number", clip(text)), "write a number, NaN or nothing")
	}
	x.value = v
	return x, nil
}

func bad(name string, line int, why, how string) error {
	return fault.New(fault.Invalid, "read", fmt.Sprintf("%s:%d", name, line), why, how)
}

// clip keeps a message short, whatever the input is.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
