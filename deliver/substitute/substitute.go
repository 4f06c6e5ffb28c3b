// Package substitute fills variables in rendered text, in the forms that
// Flux's postBuild understands:
//
//	${name}            the value; an error if there is none, unless lenient
//	${name:=default}   the value, or the default if it is unset or empty
//	${name:-default}   the same
//	$${name}           ${name} itself, as it stands
//
// A default may hold variables itself, and is then filled in as well.
//
// Names are letters, digits and underscores and don't begin with a digit. What
// looks otherwise, as $HOME or ${1} or ${x%.y} in a script, is left as it is;
// of the forms that Flux takes over from shells, such as ${x,,} and ${x/a/b},
// none is understood. A
// value is put in as it is and not looked at again. A document whose annotation
// Annotation says "disabled" is left as it is.
package substitute

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
)

// Annotation on an object with the value "disabled" keeps it as it is.
const Annotation = "autoecoops.io/substitute"

// MaxGrowth bounds how much larger a text may become, in bytes.
const MaxGrowth = 16 << 20

// Options say what to fill in.
type Options struct {
	// Values are the variables.
	Values map[string]string
	// Secret are the names of those that come from Secrets.
	Secret map[string]bool
	// Lenient makes variables without value and default empty.
	Lenient bool
}

// MinSecret is how long a value must be, in bytes, to be hidden wherever it
// occurs: a shorter one would hide half of every text, and says little.
const MinSecret = 4

// SecretValues returns the values that come from Secrets. They end up in
// objects of any kind, so whoever shows an object hides them there.
func (o Options) SecretValues() []string {
	var out []string
	for name := range o.Secret {
		if v, ok := o.Values[name]; ok && len(v) >= MinSecret {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Text fills the variables of a text of YAML documents. Every name that is
// missing is reported.
func Text(text []byte, o Options) ([]byte, error) {
	if !bytes.Contains(text, []byte("${")) {
		return text, nil
	}
	f := &filler{Options: o, limit: len(text) + MaxGrowth}
	for doc := range documents(text) {
		if disabled(doc) {
			f.out = append(f.out, doc...)
			continue
		}
		if err := f.fill(string(doc), 0); err != nil {
			return nil, err
		}
	}
	if len(f.missing) > 0 {
		slices.Sort(f.missing)
		names := strings.Join(slices.Compact(f.missing), ", ")
		return nil, fault.New(fault.Invalid, "fill in variables", "", "no value for "+names, "set them in spec.substitute, or write a default: ${name:=default}")
	}
	return f.out, nil
}

// documents cuts a text at its document marks, which stay with what follows.
func documents(text []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(text) > 0 {
			end := len(text)
			if i := bytes.Index(text[1:], []byte("\n---")); i >= 0 {
				end = i + 2
			}
			if !yield(text[:end]) {
				return
			}
			text = text[end:]
		}
	}
}

type filler struct {
	Options
	out     []byte
	limit   int
	missing []string
}

// maxNesting bounds how deep defaults hold defaults.
const maxNesting = 8

func (f *filler) fill(text string, depth int) error {
	if depth > maxNesting {
		return fault.New(fault.Invalid, "fill in variables", "", "defaults hold defaults too deep", "give the variables values")
	}
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			f.out = append(f.out, text...)
			return nil
		}
		if i > 0 && text[i-1] == '$' {
			// An escaped one: a dollar less, and the rest as it stands.
			f.out = append(f.out, text[:i-1]...)
			f.out = append(f.out, "${"...)
			text = text[i+2:]
			continue
		}
		f.out = append(f.out, text[:i]...)
		name, fallback, hasDefault, length := variable(text[i:])
		if length == 0 {
			f.out = append(f.out, "${"...)
			text = text[i+2:]
			continue
		}
		value, set := f.Values[name]
		switch {
		case hasDefault && value == "":
			if err := f.fill(fallback, depth+1); err != nil {
				return err
			}
		case !set && !f.Lenient && !hasDefault:
			f.missing = append(f.missing, name)
		}
		f.out = append(f.out, value...)
		if len(f.out) > f.limit {
			return fault.New(fault.Invalid, "fill in variables", "", fmt.Sprintf("the text grows by more than %d MiB", MaxGrowth>>20), "are the values meant to be that large?")
		}
		text = text[i+length:]
	}
}

// variable reads a reference at the start of a text; length is 0 if there is
// none that is understood.
func variable(text string) (name, fallback string, hasDefault bool, length int) {
	i := 2
	for i < len(text) && isName(text[i], i == 2) {
		i++
	}
	if i == 2 || i == len(text) {
		return "", "", false, 0
	}
	name = text[2:i]
	if text[i] == '}' {
		return name, "", false, i + 1
	}
	if !strings.HasPrefix(text[i:], ":=") && !strings.HasPrefix(text[i:], ":-") {
		return "", "", false, 0
	}
	rest := text[i+2:]
	end := closing(rest)
	if end < 0 {
		return "", "", false, 0
	}
	return name, rest[:end], true, i + 2 + end + 1
}

// closing finds the brace that ends a default, -1 if the line ends first.
func closing(text string) int {
	open := 0
	for i := range len(text) {
		switch {
		case text[i] == '\n':
			return -1
		case text[i] == '{' && i > 0 && text[i-1] == '$':
			open++
		case text[i] == '}' && open > 0:
			open--
		case text[i] == '}':
			return i
		}
	}
	return -1
}

func isName(c byte, first bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || !first && c >= '0' && c <= '9'
}
