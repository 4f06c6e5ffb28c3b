package podsecurity

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// Level is how much a standard asks.
type Level uint8

// The levels, from the one that asks nothing.
const (
	Privileged Level = iota
	Baseline
	Restricted
)

var levelNames = [...]string{"privileged", "baseline", "restricted"}

// String returns the level's name as labels have it.
func (l Level) String() string { return levelNames[l] }

// ParseLevel reads a level's name. For any other text it returns Restricted
// and false, which is what the API server makes of a wrong label.
func ParseLevel(name string) (Level, bool) {
	for i, n := range levelNames {
		if n == name {
			return Level(i), true
		}
	}
	return Restricted, false
}

// Latest stands for the newest version; Newest is the newest minor version of
// the standards that differs from the one before.
const (
	Latest = -1
	Newest = 37
)

// ParseVersion reads "latest" or "v1.N" and returns N. For any other text it
// returns Latest and false.
func ParseVersion(text string) (minor int, ok bool) {
	if text == latest {
		return Latest, true
	}
	digits, ok := strings.CutPrefix(text, "v1.")
	if !ok || digits == "" || (digits[0] == '0' && len(digits) > 1) {
		return Latest, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return Latest, false
		}
	}
	minor, err := strconv.Atoi(digits)
	if err != nil {
		return Latest, false
	}
	return minor, true
}

// FormatVersion returns "latest" or "v1.N".
func FormatVersion(minor int) string {
	if minor < 0 {
		return latest
	}
	return "v1." + strconv.Itoa(minor)
}

// latest is how labels write the newest version.
const latest = "latest"

// Violation is one place that breaks the standard.
type Violation struct {
	// Rule is the id that the official evaluator gives to the check.
	Rule string
	// Level is the level that brings the rule in.
	Level Level
	// At is the offending value, or, when Missing is set, the map in which the
	// dotted path Missing is absent.
	At      tree.Node
	Missing string
	// Container is the container's name, "" for the pod as a whole.
	Container string
	// Why says in a few words what is wrong there.
	Why string
}

// Evaluate returns every place of p that breaks the standard of a level and
// minor version, rule by rule; none means that the pod is allowed. Any
// negative minor means the latest version.
func Evaluate(p *graph.Pod, level Level, minor int) []Violation {
	if level == Privileged {
		return nil
	}
	if minor < 0 || minor > Newest {
		minor = Newest
	}
	s := scan{pod: p, minor: minor}
	for i := range rules {
		r := &rules[i]
		if minor < r.since || r.level > level {
			continue
		}
		if level == Restricted && r.level == Baseline && r.replaced >= 0 && minor >= r.replaced {
			continue
		}
		s.rule = r
		r.run(&s)
	}
	return s.found
}

// Allowed reports whether p satisfies the standard.
func Allowed(p *graph.Pod, level Level, minor int) bool { return len(Evaluate(p, level, minor)) == 0 }

// rule is one check of the standards. At the restricted level a baseline rule
// gives way to a stricter one from the minor version replaced on, -1 if never.
type rule struct {
	id              string
	level           Level
	since, replaced int
	run             func(*scan)
}

// rules are in the order in which they are reported: baseline, then
// restricted, each by name, as the official evaluator has them.
var rules = []rule{
	{"appArmorProfile", Baseline, 0, -1, appArmor},
	{"capabilities_baseline", Baseline, 0, 22, addedCapabilities},
	{"hostNamespaces", Baseline, 0, -1, hostNamespaces},
	{"hostPathVolumes", Baseline, 0, 0, hostPaths},
	{"hostPorts", Baseline, 0, -1, hostPorts},
	{"hostProbesAndHostLifecycle", Baseline, 34, -1, handlerHosts},
	{"privileged", Baseline, 0, -1, privileged},
	{"procMount", Baseline, 0, 35, procMount},
	{"seLinuxOptions", Baseline, 0, -1, seLinux},
	{"seccompProfile_baseline", Baseline, 0, 19, seccompBaseline},
	{"sysctls", Baseline, 0, -1, sysctls},
	{"windowsHostProcess", Baseline, 0, -1, hostProcess},
	{"allowPrivilegeEscalation", Restricted, 8, -1, privilegeEscalation},
	{"capabilities_restricted", Restricted, 22, -1, capabilities},
	{"procMount_restricted", Restricted, 35, -1, maskedProc},
	{"restrictedVolumes", Restricted, 0, -1, volumes},
	{"runAsNonRoot", Restricted, 0, -1, runAsNonRoot},
	{"runAsUser", Restricted, 23, -1, runAsUser},
	{"seccompProfile_restricted", Restricted, 19, -1, seccompRestricted},
}

// scan is the evaluation of one pod.
type scan struct {
	pod   *graph.Pod
	minor int
	rule  *rule
	found []Violation
}

func (s *scan) add(c *graph.Container, at tree.Node, missing, why string) {
	v := Violation{Rule: s.rule.id, Level: s.rule.level, At: at, Missing: missing, Why: why}
	if c != nil {
		v.Container = c.Name
	}
	s.found = append(s.found, v)
}

// windows reports whether the standards exempt the pod from rules about Linux:
// from v1.25 on, where the pod says so in spec.os.
func (s *scan) windows() bool {
	return s.minor >= 25 && s.pod.Spec.At("os", "name").Text() == "windows"
}

// userNamespace reports whether the standards relax rules because root inside
// the pod is nobody outside, from v1.35 on.
func (s *scan) userNamespace() bool { return s.minor >= 35 && UserNamespace(s.pod) }

// UserNamespace reports whether the pod asks for a user namespace of its own.
func UserNamespace(p *graph.Pod) bool { return p.Spec.Get("hostUsers").False() }
