package report

import (
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/ops"
)

// hostile is text that tries to break out of every format.
const hostile = "\x1b[31mred\x1b[0m \u009b2J </script><script>alert(1)</script> <img src=x onerror=alert(1)> " +
	"`code` | [link](http://evil.example) @team #1 \u202egnp.exe\u202c ]]> &amp; \"quoted\" 'single' ::error::x %0A {0} \xff\r\nnext line"

const hostileFile = "a b/<script>alert(1)</script>\n::error file=x,line=1::%0A|`\"'\x1b]0;title\x07\u202e#1:2.yaml"

func pages() fstest.MapFS {
	return fstest.MapFS{
		"privileged-container.md": {Data: []byte("# Privileged container\n\n## Why\nA privileged container gets nearly every right that root has on the node. `privileged: true` is rarely needed.\n\n## Fix\nRemove `privileged: true` and grant only what is used.\n\n```yaml\nsecurityContext:\n  privileged: false\n```\n\n## References\n- https://kubernetes.io/docs/concepts/security/pod-security-standards/\n- javascript:alert(1)\n")},
		"default-deny.md":         {Data: []byte("# No default-deny network policy\n\n## Why\nWithout one, each pod may talk to every other.\n\n## Fix\nAdd a NetworkPolicy that selects all pods and allows nothing.\n\n## References\n- https://kubernetes.io/docs/concepts/services-networking/network-policies/\n")},
		"image-tag.md":            {Data: []byte("# Moving image tag\n\n## Why\nA tag that moves is another program tomorrow.\n\n## Fix\nName the image by digest.\n")},
		"secret-in-git.md":        {Data: []byte("# Secret in Git\n\n## Why\nWhoever reads the repository knows the value.\n\n## Fix\nKeep the value in a secret store.\n")},
	}
}

func catalogue() []*check.Check {
	fs := pages()
	return []*check.Check{
		{ID: "k8s-privileged-container", Severity: ops.Critical, Practices: []string{"least-privilege-containers"}, Pages: fs, Name: "privileged-container"},
		{ID: "k8s-default-deny", Severity: ops.High, Practices: []string{"network-default-deny"}, Pages: fs, Name: "default-deny"},
		{ID: "k8s-image-tag", Severity: ops.Medium, Practices: []string{"immutable-images"}, Pages: fs, Name: "image-tag"},
		{ID: "k8s-secret-in-git", Severity: ops.High, Practices: []string{"secrets-managed-outside-git"}, Pages: fs, Name: "secret-in-git"},
	}
}

func deployment(ns, name string) ops.Ref {
	return ops.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: ns, Name: name}
}

// sample is a report that has one of everything, hostile text among it.
func sample() *assess.Report {
	at := func(file string, line, column, end int) ops.Position {
		return ops.Position{File: file, Line: line, Column: column, EndLine: end}
	}
	rep := &assess.Report{
		APIVersion: assess.APIVersion,
		Target:     assess.Target{Path: "examples/shop", Commit: "5dfb5a0c3b1e4f6a8d9c0b1a2f3e4d5c6b7a8f90"},
		Summary:    assess.Summary{Coverage: assess.Coverage{Evaluated: 41, Skipped: 12, Unknown: 2, Percent: 95}, Objects: 63, Checks: 58, Passed: 1412, Baseline: 7},
		Findings: []ops.Finding{
			{Check: "k8s-privileged-container", Severity: ops.Critical, Status: ops.Fail, Message: `Container "agent" is privileged.`, Fix: "Remove `privileged: true` and grant only what is used.",
				Position: at("base/agent.yaml", 21, 13, 21), Object: ops.Ref{APIVersion: "apps/v1", Kind: "DaemonSet", Namespace: "shop", Name: "agent"}, Path: "spec.template.spec.containers[0].securityContext.privileged",
				Via: []string{"overlays/production", "overlays/staging"}, Controls: []string{"soc2:CC6.1", "iso27001:A.8.2", "pci:2.2.4", "nist:AC-6"}, Fingerprint: "0a1b2c3d4e5f60718293a4b5c6d7e8f9", Origin: "base",
				Edits: []ops.Edit{{File: "base/agent.yaml", Line: 21, EndLine: 21, Text: "            privileged: false\n"}, {File: "base/agent.yaml", Line: 24, EndLine: 23, Text: "          # inserted"}, {File: "base/other file.yaml", Line: 3, EndLine: 4}}},
			{Check: "k8s-default-deny", Severity: ops.High, Status: ops.Fail, Message: `Namespace "shop" has workloads and no policy that denies by default.`, Fix: "Add a NetworkPolicy that selects all pods and allows nothing.",
				Position: at("base/namespace.yaml", 1, 1, 6), Object: ops.Ref{APIVersion: "v1", Kind: "Namespace", Name: "shop"}, Controls: []string{"soc2:CC6.6", "gdpr:32(1)(b)"}, Fingerprint: "11"},
			{Check: "k8s-image-tag", Severity: ops.Medium, Status: ops.Fail, Message: `Image "nginx:latest" has a tag that moves.`, Fix: "Name the image by digest.",
				Position: at("charts/web/values.yaml", 4, 8, 4), Object: deployment("shop", "web"), Path: "spec.template.spec.containers[0].image", Via: []string{"charts/web/values.yaml"}, Controls: []string{"unheard:of"}, Fingerprint: "12", Origin: "values"},
			{Check: "k8s-image-tag", Severity: ops.Medium, Status: ops.Fail, Message: `Image "busybox" has no tag, so it is "latest".`, Fix: "Name the image by digest.",
				Position: at("charts/web/values.yaml", 9, 8, 9), Object: deployment("shop", "web"), Path: "spec.template.spec.initContainers[0].image", Fingerprint: "13", Origin: "values"},
			{Check: "k8s-image-tag", Severity: ops.Low, Status: ops.Fail, Message: "A low one.", Fix: "Name the image by digest.",
				Position: at("charts/web/values.yaml", 30, 0, 0), Object: deployment("shop", "job"), Path: "spec.image", Fingerprint: "14"},
			{Check: "k8s-secret-in-git", Severity: ops.High, Status: ops.Fail, Message: "The Secret holds its value in the clear.", Fix: "Keep the value in a secret store.",
				Position: at("base/secret.yaml", 6, 3, 6), Object: ops.Ref{APIVersion: "v1", Kind: "Secret", Namespace: "shop", Name: "db"}, Path: "stringData.password", Fingerprint: "15"},
			{Check: "org-hostile", Severity: ops.High, Status: ops.Fail, Message: hostile, Fix: hostile, Position: at(hostileFile, 3, 2, 3),
				Object: ops.Ref{APIVersion: "v1", Kind: "Config<Map>", Namespace: "n|s", Name: "</script>\x1b[0m"}, Path: "data[\"</script>\"]", Via: []string{hostileFile}, Controls: []string{"soc2:<b>"}, Fingerprint: "16"},
			{Check: "k8s-default-deny", Severity: ops.High, Status: ops.Unknown, Message: "The namespace is a value that only the cluster knows.", Position: at("charts/web/templates/ns.yaml", 2, 9, 2), Object: deployment("", "web"), Fingerprint: "17"},
			{Check: "k8s-image-tag", Severity: ops.Medium, Status: ops.Excepted, Message: `Image "tool:dev" has a tag that moves.`, Fix: "Name the image by digest.", Position: at("base/tool.yaml", 12, 16, 12), Object: deployment("shop", "tool"), Path: "spec.template.spec.containers[0].image", Fingerprint: "18",
				Exception: &ops.Exception{Reason: "Built at night; moves on purpose.", Owner: "platform@example.com", Expires: "2027-01-31", Source: ".aeo/exceptions.yaml"}},
			{Check: "k8s-image-tag", Severity: ops.Medium, Status: ops.Pass, Message: "", Position: at("base/good.yaml", 12, 16, 12), Object: deployment("shop", "good"), Fingerprint: "19"},
		},
		Inputs: []assess.Input{
			{File: "base/agent.yaml", Kind: "kubernetes", Status: assess.Evaluated, Reason: "rendered by kustomize from overlays/production"},
			{File: "base/logo.png", Kind: "binary", Status: assess.Skipped, Reason: "a binary file"},
			{File: "charts/broken/Chart.yaml", Kind: "helm-chart", Status: assess.Unevaluated, Reason: "the dependency redis is not in charts/ (missing: charts/redis-19.0.1.tgz)", Line: 7},
			{File: hostileFile, Kind: "yaml", Status: assess.Unevaluated, Reason: "tab in indentation: " + hostile, Line: 3},
		},
		Notices: []assess.Notice{
			{Position: at(".aeo/exceptions.yaml", 9, 3, 9), Code: "exception-unused", Message: "the exception of k8s-host-path matches no finding; remove it"},
			{Code: "hostile", Message: hostile},
		},
	}
	rep.Practices = samplePractices()
	rep.Count()
	return rep
}

// samplePractices gives every practice of the scorecard a status.
func samplePractices() []scorecard.Judged {
	var all []scorecard.Judged
	for i, p := range scorecard.Practices() {
		j := scorecard.Judged{ID: p.ID, Area: p.Area, Title: p.Title, Status: statuses[[]int{0, 1, 0, 2, 5, 1, 3, 0, 4, 2, 5}[i%11]], Reason: "What was seen for " + strings.ToLower(p.Title) + "."}
		switch j.Status {
		case scorecard.Implemented:
			j.Good, j.Evidence = 4, []scorecard.Evidence{{File: "base/good.yaml", Line: 12, Object: "Deployment shop/good", Check: "k8s-image-tag", Status: ops.Pass}}
		case scorecard.Partly:
			j.Good, j.Bad = 1, 31
			j.Evidence = []scorecard.Evidence{
				{File: "base/agent.yaml", Line: 21, Object: "DaemonSet shop/agent", Check: "k8s-privileged-container", Status: ops.Fail},
				{File: ".github/workflows/ci.yaml", Line: 30, Status: ops.Pass, Note: "runs Trivy"},
			}
		}
		all = append(all, j)
	}
	all[0].Title, all[0].Reason, all[0].Evidence = hostile, hostile, []scorecard.Evidence{{File: hostileFile, Line: 1, Object: hostile, Check: "<x>", Status: ops.Unknown, Note: hostile}}
	return all
}

// sources are the files that excerpts come from.
var sources = map[string]string{
	"base/agent.yaml":        strings.Repeat("# a line\n", 17) + "      - name: agent\n        image: agent@sha256:0123\n        securityContext:\n            privileged: true\n        resources: {}\n      - name: second\n",
	"base/secret.yaml":       "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter2-must-not-show\n  other: |\n    aHVudGVyMg==\n",
	"charts/web/values.yaml": "replicas: 2\nimage:\n  # moves\n  tag: latest\n  password: hunter3-must-not-show\n  secretName: shown\nb: 1\ninit:\n  image: busybox\n",
	hostileFile:              "a: 1\nb: </script><script>alert(1)</script>\nc: \"\x1b[31m\u202e\"\n",
	"base/namespace.yaml":    "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    team: shop\n",
}

func excerpt(file string, from, to int) []string {
	lines := strings.Split(strings.TrimSuffix(sources[file], "\n"), "\n")
	from, to = max(from, 1), min(to, len(lines))
	if sources[file] == "" || from > to {
		return nil
	}
	return lines[from-1 : to]
}

// many is a report with n findings.
func many(n int) *assess.Report {
	rep := sample()
	rep.Findings = nil
	ids := []ops.CheckID{"k8s-privileged-container", "k8s-default-deny", "k8s-image-tag", "k8s-secret-in-git", "k8s-host-path", "k8s-resources"}
	for i := range n {
		f := ops.Finding{
			Check: ids[i*7%len(ids)], Severity: ops.Severity(i%4 + 1), Status: ops.Fail,
			Message: fmt.Sprintf("Container %q of the workload does what it should not do.", fmt.Sprint("c", i%5)), Fix: "Do the right thing, by the book.",
			Position: ops.Position{File: fmt.Sprintf("apps/team-%d/service-%d/deployment.yaml", i%7, i%23), Line: 10 + i%90, Column: 9, EndLine: 10 + i%90},
			Object:   deployment(fmt.Sprint("team-", i%7), fmt.Sprint("service-", i%23)), Path: "spec.template.spec.containers[0].securityContext",
			Controls: []string{"soc2:CC6.1"}, Fingerprint: fmt.Sprintf("%032x", i),
		}
		if i%4 == 0 && i%3 == 0 {
			f.Status = ops.Unknown
		}
		rep.Findings = append(rep.Findings, f)
	}
	rep.Count()
	return rep
}
