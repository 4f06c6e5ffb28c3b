package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/cause/casefile"
)

// keptCase are the options of causes for cases in files.
type keptCase struct {
	from, to string
	// other is the first option that asks something of a source.
	other string
}

func (k *keptCase) add(f *pflag.FlagSet) {
	f.StringVar(&k.from, "case", "", "judge the case in this `FILE` and ask nobody")
	f.StringVar(&k.to, "save-case", "", "keep in this `FILE` what the verdict is made of")
}

// besideCase are the options that --case goes with.
var besideCase = []string{"case", "output", "time-zone", "save-case"}

// see looks for options that --case does not go with, and for files that have no name: who
// means to keep a case must not learn afterwards that it was not.
func (k *keptCase) see(f *pflag.FlagSet) (err error) {
	f.Visit(func(x *pflag.Flag) {
		if (x.Name == "case" || x.Name == "save-case") && x.Value.String() == "" {
			err = fault.New(fault.Invalid, "read the command line", "--"+x.Name, "it names no file", "write a name after it, or leave it out")
		}
		if k.other == "" && !slices.Contains(besideCase, x.Name) {
			k.other = "--" + x.Name
		}
	})
	return err
}

// save writes the case, if somebody wants it, for the user alone.
func (k *keptCase) save(c cause.Case) error {
	if k.to == "" {
		return nil
	}
	return writeFile(k.to, 0o600, func(w io.Writer) error { return casefile.Write(w, c) })
}

// load reads the case.
func (k *keptCase) load() (cause.Case, error) {
	info, err := os.Stat(k.from)
	if err == nil && !info.Mode().IsRegular() {
		return cause.Case{}, fault.New(fault.Invalid, "read a case", k.from, "it is no regular file", "name a file that --save-case wrote")
	}
	f, err := os.Open(k.from)
	if err != nil {
		return cause.Case{}, fault.Wrap(fault.Invalid, "read a case", k.from, err, "name a file that --save-case wrote")
	}
	defer f.Close()
	c, err := casefile.Read(f)
	if x := (*fault.Error)(nil); errors.As(err, &x) {
		x.Subject = k.from
	}
	return c, err
}

// replay judges a kept case. It asks nothing of anybody.
func (o *causesOptions) replay() error {
	if o.kept.other != "" {
		return fault.New(fault.Invalid, "read the command line", "--case", "a kept case is judged as it is, "+o.kept.other+" cannot add to it", "leave out "+o.kept.other+", or --case")
	}
	if o.output != "table" && o.output != "json" {
		return fault.New(fault.Invalid, "read the command line", "--output", fmt.Sprintf("%q is no format", o.output), "write table or json")
	}
	zone, err := time.LoadLocation(o.zone)
	if err != nil || o.zone == "Local" {
		return fault.New(fault.Invalid, "read the command line", "--time-zone", fmt.Sprintf("%q is no time zone", o.zone), "write it as Europe/Berlin")
	}
	o.request.Location = zone
	c, err := o.kept.load()
	if err != nil {
		return err
	}
	fmt.Fprintf(o.streams.Err, "note: this is a case kept at %s: %d series, %d dependencies, %d changes, %d templates of logs, %d calls; how many signals were abnormal is not in it\n",
		c.At.In(zone).Format(time.RFC3339), len(c.Series), len(c.Dependencies), len(c.Changes), len(c.Logs), len(c.Edges))
	if err := o.kept.save(c); err != nil {
		return err
	}
	r := cause.Rank(c)
	if err := writeTo("", o.streams.Out, func(w io.Writer) error {
		if o.output == "json" {
			return causesJSON(w, r, nil)
		}
		return o.causesText(w, r)
	}); err != nil {
		return err
	}
	return causesAnswer(r)
}

// causesAnswer is the exit code of an answer.
func causesAnswer(r cause.Result) error {
	switch {
	case r.Unknown != "":
		return answer{3}
	case len(r.Causes) > 0:
		return answer{1}
	}
	return nil
}
