package pod

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/check/checktest"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// same lists, for each rule of the restricted standard, the checks which
// together report the same pods.
var same = []struct {
	rule   string
	checks []*check.Check
}{
	{"allowPrivilegeEscalation", []*check.Check{privilegeEscalation}},
	{"appArmorProfile", []*check.Check{appArmorProfile}},
	{"capabilities_restricted", []*check.Check{capabilitiesDropAll, capabilitiesAdded, dangerousCapability}},
	{"hostNamespaces", []*check.Check{hostPID, hostIPC, hostNetwork}},
	{"hostPorts", []*check.Check{hostPort}},
	{"hostProbesAndHostLifecycle", []*check.Check{probeHost}},
	{"privileged", []*check.Check{privilegedContainer}},
	{"procMount_restricted", []*check.Check{procMount}},
	{"restrictedVolumes", []*check.Check{hostPath, volumeType}},
	{"seLinuxOptions", []*check.Check{selinuxOptions}},
	{"seccompProfile_restricted", []*check.Check{seccompProfile}},
	{"sysctls", []*check.Check{unsafeSysctl}},
	{"windowsHostProcess", []*check.Check{windowsHostProcess}},
}

func fails(c *check.Check, g *graph.Graph) bool {
	for _, r := range checktest.Evaluate(c, g) {
		if r.Status == ops.Fail {
			return true
		}
	}
	return false
}

// TestChecksAgreeWithTheStandard holds the checks to the pods that the module
// of record keeps for the newest version.
func TestChecksAgreeWithTheStandard(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Fatalf("find the module of pod-security-admission: %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "test/testdata/*", podsecurity.FormatVersion(podsecurity.Newest), "*", "*.yaml"))
	if len(files) < 100 {
		t.Fatalf("only %d fixtures were found", len(files))
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		g, err := checktest.Graph([]check.SampleFile{{Name: filepath.Base(f), Text: text}})
		if err != nil {
			t.Fatal(err)
		}
		pod := g.Objects[0].Pod
		violated := map[string]bool{}
		for _, v := range podsecurity.Evaluate(pod, podsecurity.Restricted, podsecurity.Newest) {
			violated[v.Rule] = true
		}
		for _, s := range same {
			reported := false
			for _, c := range s.checks {
				reported = reported || fails(c, g)
			}
			if reported != violated[s.rule] {
				t.Errorf("%s: rule %s is violated: %v, reported: %v", f, s.rule, violated[s.rule], reported)
			}
		}
		if fails(runAsRoot, g) && !violated["runAsNonRoot"] && !violated["runAsUser"] {
			t.Errorf("%s: run-as-root reports a pod that the standard accepts", f)
		}
		if fails(podSecurity, g) != (len(violated) > 0) {
			t.Errorf("%s: pod-security disagrees with %v", f, violated)
		}
	}
}

func TestStandardOfANamespace(t *testing.T) {
	namespace := func(labels string) *graph.Graph {
		g, err := checktest.Graph([]check.SampleFile{{Name: "n.yaml", Text: []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {" + labels + "}}\n")}})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	const level, version = "pod-security.kubernetes.io/enforce: ", "pod-security.kubernetes.io/enforce-version: "
	for _, c := range []struct {
		labels, want string
		kube         int
		elsewhere    bool
	}{
		{"", "baseline v1.30", 37, false},
		{level + "baseline", "baseline v1.37", 37, false},
		{level + "baseline, " + version + "v1.25", "baseline v1.25", 37, true},
		{level + "baseline, " + version + "v1.99", "baseline v1.31", 31, false},
		{level + "baseline, " + version + "latest", "baseline v1.31", 31, true},
		{level + "baseline, " + version + "1.25", "baseline v1.37", 37, false},
		{level + "Baseline", "restricted v1.37", 37, false},
		{level + "privileged", "privileged v1.37", 37, false},
		{level + "\"${LEVEL}\"", "baseline v1.30", 37, false},
		{level + "restricted", "restricted latest", 0, false},
	} {
		s := &check.Settings{KubeMinor: c.kube, PodSecurity: "baseline", PodSecurityMinor: 30}
		p := check.NewPass(s, namespace(c.labels), nil)
		if c.elsewhere {
			p = check.NewPass(s, graph.New(), []*graph.Graph{namespace(c.labels)})
		}
		if got := standardOf(p, "shop").String(); got != c.want {
			t.Errorf("%q at 1.%d: %s, want %s", c.labels, c.kube, got, c.want)
		}
	}
}

func TestSensitivity(t *testing.T) {
	for path, want := range map[string][2]ops.Severity{
		"/":                          {ops.High, ops.Critical},
		"/var/run":                   {ops.High, ops.Critical},
		"/run/flannel":               {},
		"/etc/kubernetes/pki":        {ops.High, ops.Critical},
		"/etc/localtime":             {0, ops.Medium},
		"/var/log":                   {0, ops.High},
		"/var/log/shop":              {},
		"/var/lib/kubelet/plugins/x": {0, ops.Medium},
		"/var/lib/kubelet/pods":      {ops.High, ops.High},
		"/var/lib/kubelet":           {ops.High, ops.Critical},
		"/var/lib/shop":              {},
		"/dev":                       {ops.High, ops.Critical},
		"/dev/kvm":                   {},
		"//etc//shadow":              {ops.High, ops.Critical},
		"/lib/modules":               {0, ops.Critical},
		"/libexec":                   {},
		"/var/lib/etcd/member":       {ops.Critical, ops.Critical},
	} {
		var got [2]ops.Severity
		if s := sensitivity(clean(path)); s != nil {
			got = [2]ops.Severity{s.read, s.write}
		}
		if got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}
