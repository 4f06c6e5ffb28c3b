package control

import "slices"

// Framework is a set of requirements, by the prefix that its ids get here.
type Framework string

// The frameworks.
const (
	SOC2     Framework = "soc2"
	ISO27001 Framework = "iso27001"
	PCI      Framework = "pci"
	GDPR     Framework = "gdpr"
	HIPAA    Framework = "hipaa"
	NIST     Framework = "nist"
)

// Frameworks lists all frameworks in the order that reports use.
func Frameworks() []Framework {
	return []Framework{SOC2, ISO27001, PCI, GDPR, HIPAA, NIST}
}

// Name returns the framework's usual name with its edition, such as
// "PCI DSS 4.0.1". An unknown framework is its own name.
func (f Framework) Name() string {
	switch f {
	case SOC2:
		return "SOC 2"
	case ISO27001:
		return "ISO/IEC 27001:2022"
	case PCI:
		return "PCI DSS 4.0.1"
	case GDPR:
		return "GDPR"
	case HIPAA:
		return "HIPAA"
	case NIST:
		return "NIST SP 800-53 r5"
	}
	return string(f)
}

// Ref names one control of one framework. ISO ids start with "A.", HIPAA ids
// with "164." (the part of title 45), GDPR ids with the number of the article.
type Ref struct {
	Framework Framework
	ID        string
	// Reading is true where no public mapping was found that joins the fact to
	// this id, so that the link is our reading alone. Links to the GDPR are
	// our reading throughout, with or without this mark.
	Reading bool
}

// String returns the framework and the id, as in "soc2:CC6.1".
func (r Ref) String() string { return string(r.Framework) + ":" + r.ID }

// Label says in our own words what the control is about, or "" for an id that
// no fact refers to.
func (r Ref) Label() string { return labels[r.String()] }

// Fact is something that can be collected and that bears on controls.
type Fact struct {
	// N is the fact's number, from 1. Checks refer to it.
	N int
	// Label states the fact as it should be.
	Label string
	// Rationale is one sentence: why the fact supports these controls.
	Rationale string
	// Refs are the controls, ordered by framework as in Frameworks.
	Refs []Ref
}

// All returns every fact in the order of its number. The Refs are shared: do
// not change them.
func All() []Fact {
	return slices.Concat(protectFacts, changeFacts, operateFacts)
}

// ByNumber returns the fact with the number n, and whether there is one.
func ByNumber(n int) (Fact, bool) {
	for _, part := range [][]Fact{protectFacts, changeFacts, operateFacts} {
		for _, f := range part {
			if f.N == n {
				return f, true
			}
		}
	}
	return Fact{}, false
}
