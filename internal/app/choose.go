package app

import (
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/catalogue"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/config"
)

// chooseChecks returns the checks that the settings ask for.
func chooseChecks(s config.Assess) ([]*check.Check, error) {
	only, err := named(s.Only)
	if err != nil {
		return nil, err
	}
	skip, err := named(s.Skip)
	if err != nil {
		return nil, err
	}
	enable, err := named(s.Enable)
	if err != nil {
		return nil, err
	}
	var chosen []*check.Check
	for _, c := range catalogue.All() {
		on := !c.OptIn || slices.Contains(enable, c)
		if len(only) > 0 {
			on = slices.Contains(only, c)
		}
		if on && !slices.Contains(skip, c) {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}

func named(ids []string) ([]*check.Check, error) {
	var out []*check.Check
	for _, id := range ids {
		c, ok := catalogue.Find(strings.TrimSpace(id))
		if !ok {
			hint := "list them with `aeo checks list`"
			if near := catalogue.Near(id); len(near) > 0 {
				hint = "did you mean " + near[0] + "?"
			}
			return nil, fault.New(fault.NotFound, "choose checks", id, "there is no check with this id", hint)
		}
		out = append(out, c)
	}
	return out, nil
}
