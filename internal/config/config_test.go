package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/config"
)

// settings has, for every setting, a text and what it makes of the defaults.
var settings = map[string]struct {
	text string
	want func(*config.Assess)
}{
	"kubeVersion":       {"v1.30", func(a *config.Assess) { a.KubeVersion = "v1.30" }},
	"podSecurity":       {"baseline@v1.29", func(a *config.Assess) { a.PodSecurity = "baseline@v1.29" }},
	"failOn":            {"medium", func(a *config.Assess) { a.FailOn = "medium" }},
	"failOnUnknown":     {"true", func(a *config.Assess) { a.FailOnUnknown = true }},
	"failCoverageBelow": {"95%", func(a *config.Assess) { a.FailCoverageBelow = 95 }},
	"registries":        {"a.example, b.example", func(a *config.Assess) { a.Registries = []string{"a.example", "b.example"} }},
	"only":              {"x,y", func(a *config.Assess) { a.Only = []string{"x", "y"} }},
	"skip":              {"x", func(a *config.Assess) { a.Skip = []string{"x"} }},
	"enable":            {"x,,y", func(a *config.Assess) { a.Enable = []string{"x", "y"} }},
}

func TestEverySettingCanBeSet(t *testing.T) {
	for _, name := range config.Names() {
		s, ok := settings[name]
		if !ok {
			t.Errorf("%s has no test", name)
			continue
		}
		want := config.Default()
		s.want(&want)
		want.Origin[name] = "here"
		got := config.Default()
		if err := got.Set(name, s.text, "here"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Set(%s): %+v, %v", name, got, err)
		}
		got = config.Default()
		env := config.EnvName(name)
		err := got.Environment(func(v string) string {
			if v == env {
				return s.text
			}
			return ""
		})
		want.Origin[name] = env
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", env, got, err)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(settings) != len(config.Names()) {
		t.Error("there are tests of settings that do not exist")
	}
	def := config.Default()
	if err := def.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string][2]string{
		"failOn": {"AEO_FAIL_ON", "fail-on"}, "kubeVersion": {"AEO_KUBE_VERSION", "kube-version"},
		"registries": {"AEO_REGISTRIES", "registry"}, "only": {"AEO_ONLY", "check"}, "failCoverageBelow": {"AEO_FAIL_COVERAGE_BELOW", "fail-coverage-below"},
	} {
		if got := [2]string{config.EnvName(name), config.FlagName(name)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestBadValues(t *testing.T) {
	a := config.Default()
	for name, value := range map[string]string{"failOnUnknown": "perhaps", "failCoverageBelow": "many", "nothing": "x"} {
		err := a.Set(name, value, "AEO_X")
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "AEO_X") || !strings.Contains(err.Error(), value) {
			t.Errorf("%s: %v", name, err)
		}
		if a.Origin[name] != "" {
			t.Errorf("%s is said to come from %s", name, a.Origin[name])
		}
	}
	if err := a.Environment(func(string) string { return "x" }); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a bad environment: %v", err)
	}
}

func TestLoad(t *testing.T) {
	a := config.Default()
	text := "assess:\n  kubeVersion: v1.30\n  podSecurity: baseline@latest\n  failOn: low\n  failOnUnknown: true\n  failCoverageBelow: 90\n  registries: [r]\n  only: [o]\n  skip: [s]\n  enable: [e]\n"
	if err := a.Load("f", []byte(text)); err != nil {
		t.Fatal(err)
	}
	want := config.Assess{KubeVersion: "v1.30", PodSecurity: "baseline@latest", FailOn: "low", FailOnUnknown: true, FailCoverageBelow: 90,
		Registries: []string{"r"}, Only: []string{"o"}, Skip: []string{"s"}, Enable: []string{"e"}, Origin: map[string]string{}}
	for _, name := range config.Names() {
		want.Origin[name] = "f"
	}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("got %+v\nwant %+v", a, want)
	}
	for _, text := range []string{"", "# nothing\n", "assess:\n", "assess: {}\n", "{}"} {
		b := config.Default()
		if err := b.Load("f", []byte(text)); err != nil || !reflect.DeepEqual(b, config.Default()) {
			t.Errorf("%q: %+v, %v", text, b, err)
		}
	}
	for _, text := range []string{"assess: {failon: x}", "other: {}", "assess: {failOnUnknown: perhaps}", "assess: [", "assess: 3", "- x", "assess: {failOn: low, failOn: high}", "assess: {Origin: {a: b}}"} {
		b := config.Default()
		if err := b.Load("the-file", []byte(text)); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "the-file") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestValidateTellsAllProblems(t *testing.T) {
	a := config.Assess{KubeVersion: "two", PodSecurity: "strict", FailOn: "sometimes", FailCoverageBelow: 101, Origin: map[string]string{"failOn": "--fail-on"}}
	err := a.Validate()
	if fault.KindOf(err) != fault.Invalid {
		t.Fatal(err)
	}
	for _, part := range []string{"kubeVersion (from default)", `"two"`, "podSecurity", `"strict"`, "failOn (from --fail-on)", `"sometimes"`, "failCoverageBelow", "101"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %s", err, part)
		}
	}
	a = config.Default()
	a.FailCoverageBelow = -1
	if a.Validate() == nil {
		t.Error("a negative share is accepted")
	}
	for _, s := range []string{"critical", "high", "medium", "low", "never"} {
		a := config.Default()
		if a.FailOn = s; a.Validate() != nil {
			t.Errorf("%s is refused", s)
		}
	}
}

func TestVersions(t *testing.T) {
	for s, want := range map[string]int{"v1.37": 37, "1.30": 30, "1.30.4": 30, "v1.0": 0, "v1.37.0-rc.1": 37} {
		if got, err := config.KubeMinor(s); err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "v1", "2.1", "v1.x", "v1.-1", "v1.1000", "1", "latest"} {
		if got, err := config.KubeMinor(s); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
	for s, want := range map[string]int{"restricted@v1.30": 30, "baseline@latest": -1, "privileged": -1} {
		level, minor, err := config.PodSecurity(s)
		if name, _, _ := strings.Cut(s, "@"); err != nil || minor != want || level != name {
			t.Errorf("%s: %s %d %v", s, level, minor, err)
		}
	}
	for _, s := range []string{"", "strict@v1.30", "restricted@", "restricted@x"} {
		if _, _, err := config.PodSecurity(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}
