// Package catalogue is the explicit list of all checks.
package catalogue

import (
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/check/api"
	"github.com/autoecoops/autoecoops/assess/check/availability"
	"github.com/autoecoops/autoecoops/assess/check/health"
	"github.com/autoecoops/autoecoops/assess/check/identity"
	"github.com/autoecoops/autoecoops/assess/check/image"
	"github.com/autoecoops/autoecoops/assess/check/network"
	"github.com/autoecoops/autoecoops/assess/check/pod"
	"github.com/autoecoops/autoecoops/assess/check/resources"
	"github.com/autoecoops/autoecoops/assess/check/secret"
	"github.com/autoecoops/autoecoops/assess/check/wiring"
	"github.com/autoecoops/autoecoops/ops"
)

// Areas lists the areas of checks in the order of the reference.
func Areas() []Area {
	return []Area{
		{"pod", "What pods may do on their node", pod.Checks()},
		{"identity", "Who may do what through the API", identity.Checks()},
		{"secret", "Credentials in manifests", secret.Checks()},
		{"network", "Traffic between pods and from outside", network.Checks()},
		{"wiring", "References between objects", wiring.Checks()},
		{"resources", "Requests, limits and quotas", resources.Checks()},
		{"health", "Probes and shutdown", health.Checks()},
		{"availability", "Replicas, disruptions and jobs", availability.Checks()},
		{"image", "Container images", image.Checks()},
		{"api", "API versions, schemas and admission", api.Checks()},
	}
}

// Area is a group of checks that look at the same part of a system.
type Area struct {
	Name   string
	Title  string
	Checks []*check.Check
}

// All returns every check.
func All() []*check.Check {
	var all []*check.Check
	for _, a := range Areas() {
		all = append(all, a.Checks...)
	}
	return all
}

// Default returns the checks that run when nothing is asked for.
func Default() []*check.Check {
	return slices.DeleteFunc(All(), func(c *check.Check) bool { return c.OptIn })
}

// Find returns the check with an id, with or without the "k8s-" prefix, or
// with one of its ideas' numbers.
func Find(id string) (*check.Check, bool) {
	for _, c := range All() {
		if c.ID == ops.CheckID(id) || c.Name == id || slices.ContainsFunc(c.Ideas, func(i string) bool { return strings.EqualFold(i, id) }) {
			return c, true
		}
	}
	return nil, false
}

// Near returns ids that look like a mistyped one, best first.
func Near(id string) []string {
	var near []string
	for _, c := range All() {
		if d := distance(strings.TrimPrefix(id, "k8s-"), c.Name); d <= 3 || strings.Contains(c.Name, strings.TrimPrefix(id, "k8s-")) {
			near = append(near, string(c.ID))
		}
	}
	return near
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
