// Package config turns flags, environment and the repository's file into
// typed settings, and remembers where each value came from.
//
// A flag wins over the environment, the environment over the file
// (.aeo/config.yaml in the assessed folder), the file over the default.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/fault"
)

// File is where a repository keeps its settings.
const File = ".aeo/config.yaml"

// Assess are the settings of an assessment.
type Assess struct {
	// KubeVersion is the target cluster's version, "v1.37".
	KubeVersion string `yaml:"kubeVersion"`
	// PodSecurity is level@version, asked where no namespace label says.
	PodSecurity string `yaml:"podSecurity"`
	// FailOn is the lowest severity that fails the gate, or "never".
	FailOn string `yaml:"failOn"`
	// FailOnUnknown fails the gate when anything could not be told.
	FailOnUnknown bool `yaml:"failOnUnknown"`
	// FailCoverageBelow is the least percentage of inputs to be evaluated.
	FailCoverageBelow int `yaml:"failCoverageBelow"`
	// Registries are the allowed image registries.
	Registries []string `yaml:"registries"`
	// Only, Skip and Enable choose checks: only these, not these, and these
	// besides the default ones.
	Only   []string `yaml:"only"`
	Skip   []string `yaml:"skip"`
	Enable []string `yaml:"enable"`

	// Origin says where each setting that is not a default came from, by its
	// name in the file.
	Origin map[string]string `yaml:"-"`
}

// Default returns the settings in force where nobody says anything.
func Default() Assess {
	return Assess{KubeVersion: "v1.37", PodSecurity: "restricted@v1.37", FailOn: "high", Origin: map[string]string{}}
}

// Names lists the settings by their names in the file.
func Names() []string {
	return []string{"kubeVersion", "podSecurity", "failOn", "failOnUnknown", "failCoverageBelow", "registries", "only", "skip", "enable"}
}

// EnvName returns the environment variable of a setting: AEO_FAIL_ON.
func EnvName(setting string) string {
	var b strings.Builder
	b.WriteString("AEO_")
	for _, r := range setting {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToUpper(string(r)))
	}
	return b.String()
}

// FlagName returns the flag of a setting: fail-on.
func FlagName(setting string) string {
	switch setting {
	case "registries":
		return "registry"
	case "only":
		return "check"
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(EnvName(setting), "AEO_")), "_", "-")
}

// Load applies the file's text to a. Unknown fields are errors.
func (a *Assess) Load(name string, text []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var f struct {
		Assess `yaml:"assess"`
	}
	f.Assess = *a
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "read settings", name, plain(err), "the file has one map, assess, with "+strings.Join(Names(), ", "))
	}
	var present struct {
		Assess map[string]any `yaml:"assess"`
	}
	if err := yaml.Unmarshal(text, &present); err != nil {
		return fault.Wrap(fault.Invalid, "read settings", name, err, "mend the YAML")
	}
	origin := a.Origin
	*a = f.Assess
	a.Origin = origin
	for k := range present.Assess {
		a.Origin[k] = name
	}
	return nil
}

// plain is the YAML library's error without the names of Go types.
func plain(err error) string {
	text, _, _ := strings.Cut(err.Error(), " in type struct")
	return strings.ReplaceAll(text, "\n", " ")
}

// Environment applies the variables that getenv knows.
func (a *Assess) Environment(getenv func(string) string) error {
	for _, name := range Names() {
		env := EnvName(name)
		if v := getenv(env); v != "" {
			if err := a.Set(name, v, env); err != nil {
				return err
			}
		}
	}
	return nil
}

// Set sets one setting from its text; lists are separated by commas.
func (a *Assess) Set(name, value, origin string) error {
	list := func() []string { return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }) }
	var err error
	switch name {
	case "kubeVersion":
		a.KubeVersion = value
	case "podSecurity":
		a.PodSecurity = value
	case "failOn":
		a.FailOn = value
	case "failOnUnknown":
		a.FailOnUnknown, err = strconv.ParseBool(value)
	case "failCoverageBelow":
		a.FailCoverageBelow, err = strconv.Atoi(strings.TrimSuffix(value, "%"))
	case "registries":
		a.Registries = list()
	case "only":
		a.Only = list()
	case "skip":
		a.Skip = list()
	case "enable":
		a.Enable = list()
	default:
		err = fmt.Errorf("there is no such setting")
	}
	if err != nil {
		return fault.New(fault.Invalid, "read setting", origin, fmt.Sprintf("%q is no value for %s", value, name), "see `aeo assess --help`")
	}
	a.Origin[name] = origin
	return nil
}

// Validate returns all problems at once, nil if there are none.
func (a *Assess) Validate() error {
	var problems []string
	add := func(name, format string, args ...any) {
		where := a.Origin[name]
		if where == "" {
			where = "default"
		}
		problems = append(problems, fmt.Sprintf("%s (from %s): ", name, where)+fmt.Sprintf(format, args...))
	}
	if _, err := KubeMinor(a.KubeVersion); err != nil {
		add("kubeVersion", "%v", err)
	}
	if _, _, err := PodSecurity(a.PodSecurity); err != nil {
		add("podSecurity", "%v", err)
	}
	if !slices.Contains([]string{"critical", "high", "medium", "low", "never"}, a.FailOn) {
		add("failOn", "%q is not one of critical, high, medium, low, never", a.FailOn)
	}
	if a.FailCoverageBelow < 0 || a.FailCoverageBelow > 100 {
		add("failCoverageBelow", "%d is not a percentage from 0 to 100", a.FailCoverageBelow)
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "read settings", "", strings.Join(problems, "; "), "see `aeo assess --help`")
}

// KubeMinor reads "v1.37", "1.37" or "1.37.2" and returns 37.
func KubeMinor(version string) (int, error) {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 2 || parts[0] != "1" {
		return 0, fmt.Errorf("%q is no Kubernetes version: write v1.37", version)
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil || minor < 0 || minor > 999 {
		return 0, fmt.Errorf("%q is no Kubernetes version: write v1.37", version)
	}
	return minor, nil
}

// PodSecurity reads level@version, such as restricted@v1.37 or
// baseline@latest, and returns the level and the minor version, -1 for latest.
func PodSecurity(s string) (level string, minor int, err error) {
	level, version, ok := strings.Cut(s, "@")
	if !slices.Contains([]string{"privileged", "baseline", "restricted"}, level) {
		return "", 0, fmt.Errorf("%q is not a level of the Pod Security Standards: use privileged, baseline or restricted, as in restricted@v1.37", level)
	}
	if !ok || version == "latest" {
		return level, -1, nil
	}
	minor, err = KubeMinor(version)
	return level, minor, err
}
