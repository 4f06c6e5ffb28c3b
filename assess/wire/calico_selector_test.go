package wire

import "testing"

func TestCalicoSelector(t *testing.T) {
	pod := map[string]string{"app": "web", "tier": "front"}
	lookup := func(label string) (string, bool, bool) {
		v, ok := pod[label]
		return v, ok, label != "later"
	}
	for text, want := range map[string]Answer{
		"":                          Yes,
		"all()":                     Yes,
		"global()":                  No,
		"app == 'web'":              Yes,
		`app == "api"`:              No,
		"app != 'api' && has(tier)": Yes,
		"!has(app)":                 No,
		"app in {'web', 'api'}":     Yes,
		"app not in {'web'}":        No,
		"missing not in {'web'}":    Yes,
		"missing in { }":            No,
		"(app == 'x' || tier == 'front') && !(has(db))": Yes,
		"app == 'x' || tier == 'front' && has(db)":      No,
		"app starts with 'w'":                           Yes,
		"app ends with 'b' && app contains 'e'":         Yes,
		"later == 'a'":                                  Maybe,
		"later == 'a' || app == 'web'":                  Yes,
		"app = 'web'":                                   Maybe,
		"app == 'web":                                   Maybe,
		"app == 'web') ":                                Maybe,
	} {
		if got := parseCalico(text).eval(lookup); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func FuzzCalicoSelector(f *testing.F) {
	f.Add("app == 'web' && !(has(x) || y in {'a', 'b'})")
	f.Add("((((((!!!!a")
	f.Fuzz(func(t *testing.T, text string) {
		parseCalico(text).eval(func(string) (string, bool, bool) { return "a", true, true })
	})
}
