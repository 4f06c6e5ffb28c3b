package scorecard

import (
	"fmt"
	"path"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// job is a job of a pipeline: its own settings and its steps.
type job struct {
	own   []line
	steps [][]line
}

// pipe is a pipeline file, cut into jobs.
type pipe struct {
	file string
	// on holds the lines that say when it runs; none means: on every push.
	on   []line
	jobs []*job
	// hook: the commands run on a developer's machine.
	hook bool
	// manual: the commands run only if a pipeline calls them.
	manual bool
}

// workflow reads a workflow of GitHub Actions.
func (s *Scan) workflow(p string, text []byte) {
	pl := &pipe{file: p}
	section := ""
	var cur *job
	jobIndent, keyIndent, stepIndent := -1, -1, -1
	inSteps := false
	linesOf(text, "#", func(l line) {
		if l.indent == 0 && !strings.HasPrefix(l.text, "- ") {
			section, _ = l.field()
			jobIndent = -1
		}
		switch {
		case section == "on" || section == "true":
			pl.on = append(pl.on, l)
		case section != "jobs" || l.indent == 0:
		case jobIndent < 0 || l.indent <= jobIndent:
			jobIndent, keyIndent, stepIndent, inSteps = l.indent, -1, -1, false
			cur = &job{}
			pl.jobs = append(pl.jobs, cur)
		case keyIndent < 0 || l.indent <= keyIndent && !strings.HasPrefix(l.text, "-"):
			keyIndent = l.indent
			k, _ := l.field()
			inSteps = k == "steps"
			cur.own = append(cur.own, l)
		case !inSteps:
			cur.own = append(cur.own, l)
		case strings.HasPrefix(l.text, "-") && (stepIndent < 0 || l.indent == stepIndent):
			stepIndent = l.indent
			cur.steps = append(cur.steps, []line{l})
		case len(cur.steps) > 0:
			n := len(cur.steps) - 1
			cur.steps[n] = append(cur.steps[n], l)
		}
	})
	s.pipelines = append(s.pipelines, p)
	s.judgePipe(pl)
}

// pipelineFile reads a pipeline of another system: every top-level entry is a
// job; its list items are steps, except with GitLab, whose jobs are whole.
func (s *Scan) pipelineFile(p string, text []byte) {
	whole := strings.Contains(path.Base(p), "gitlab-ci") || strings.HasPrefix(p, ".gitlab/")
	pl := &pipe{file: p}
	var cur *job
	linesOf(text, "#", func(l line) {
		if cur == nil || l.indent == 0 && !strings.HasPrefix(l.text, "-") {
			cur = &job{steps: [][]line{nil}}
			pl.jobs = append(pl.jobs, cur)
		}
		if !whole && strings.HasPrefix(l.text, "-") {
			cur.steps = append(cur.steps, nil)
		}
		n := len(cur.steps) - 1
		cur.steps[n] = append(cur.steps[n], l)
	})
	s.pipelines = append(s.pipelines, p)
	s.judgePipe(pl)
}

// jenkinsfile reads a pipeline of Jenkins, line by line.
func (s *Scan) jenkinsfile(p string, text []byte) {
	s.pipelines = append(s.pipelines, p)
	s.judgePipe(byLine(p, text, "//"))
}

// makefile reads a Makefile: it counts where a pipeline calls make.
func (s *Scan) makefile(p string, text []byte) {
	pl := byLine(p, text, "#")
	pl.manual = true
	s.judgePipe(pl)
}

func byLine(p string, text []byte, mark string) *pipe {
	j := &job{}
	linesOf(text, mark, func(l line) { j.steps = append(j.steps, []line{l}) })
	return &pipe{file: p, jobs: []*job{j}}
}

// tool is a program that a pipeline runs for the sake of practices.
type tool struct {
	// word is what its command or action is called.
	word string
	// shows are the practices that it speaks for.
	shows []string
	// fails is what it must be told so that findings stop the pipeline; where
	// it is empty they do.
	fails string
}

var (
	sastTool   = []string{"sast"}
	sonarTool  = []string{"sast", "automated-review", "feedback-in-the-pull-request"}
	depTool    = []string{"dependency-scanning"}
	secretTool = []string{"secret-detection"}
	imageTool  = []string{"container-scanning", "image-scanning"}
	iacTool    = []string{"iac-scanning"}
	lintTool   = []string{"pre-commit-and-linting"}
	dastTool   = []string{"dast"}
	sbomTool   = []string{"sbom"}
	signTool   = []string{"signing-and-provenance"}
	signImage  = []string{"signing-and-provenance", "image-signatures"}
	feedback   = []string{"feedback-in-the-pull-request"}
	reviewTool = []string{"automated-review", "feedback-in-the-pull-request"}
)

// tools are looked for in every step of a pipeline.
var tools = []tool{
	{word: "semgrep ci", shows: sastTool}, {word: "semgrep scan", shows: sastTool, fails: "--error"}, {word: "semgrep --config", shows: sastTool, fails: "--error"},
	{word: "returntocorp/semgrep-action", shows: sastTool}, {word: "semgrep/semgrep-action", shows: sastTool},
	{word: "codeql-action/analyze", shows: []string{"sast", "automated-review", "feedback-in-the-pull-request"}}, {word: "codeql database analyze", shows: sastTool},
	{word: "bandit", shows: sastTool}, {word: "gosec", shows: sastTool}, {word: "brakeman", shows: sastTool}, {word: "njsscan", shows: sastTool}, {word: "spotbugs", shows: sastTool},
	{word: "sonar-scanner", shows: sonarTool}, {word: "sonarqube-scan-action", shows: sonarTool}, {word: "sonarcloud-github-action", shows: sonarTool}, {word: "sonar:sonar", shows: sonarTool},
	{word: "snyk code", shows: sastTool}, {word: "sast.gitlab-ci.yml", shows: sastTool}, {word: "checkmarx", shows: sastTool},

	{word: "osv-scanner", shows: depTool}, {word: "govulncheck", shows: depTool}, {word: "npm audit", shows: depTool}, {word: "yarn audit", shows: depTool}, {word: "yarn npm audit", shows: depTool},
	{word: "pnpm audit", shows: depTool}, {word: "pip-audit", shows: depTool}, {word: "safety check", shows: depTool}, {word: "cargo audit", shows: depTool}, {word: "cargo deny", shows: depTool},
	{word: "dependency-review-action", shows: []string{"dependency-scanning", "feedback-in-the-pull-request"}}, {word: "snyk test", shows: depTool}, {word: "dependency-check", shows: depTool},
	{word: "bundler-audit", shows: depTool}, {word: "bundle audit", shows: depTool}, {word: "dependency-scanning.gitlab-ci.yml", shows: depTool},

	{word: "gitleaks", shows: secretTool}, {word: "trufflehog", shows: secretTool}, {word: "ggshield", shows: secretTool}, {word: "detect-secrets", shows: secretTool},
	{word: "git-secrets", shows: secretTool}, {word: "talisman", shows: secretTool}, {word: "secretlint", shows: secretTool}, {word: "secret-detection.gitlab-ci.yml", shows: secretTool},
	{word: "detect-private-key", shows: secretTool},

	{word: "grype", shows: imageTool, fails: "fail-on"}, {word: "anchore/scan-action", shows: imageTool}, {word: "snyk container", shows: imageTool}, {word: "docker scout cves", shows: imageTool, fails: "exit-code"},
	{word: "docker/scout-action", shows: imageTool, fails: "exit-code"}, {word: "sysdig-cli-scanner", shows: imageTool}, {word: "twistcli images scan", shows: imageTool}, {word: "container-scanning.gitlab-ci.yml", shows: imageTool},

	{word: "checkov", shows: []string{"iac-scanning", "pre-commit-and-linting"}}, {word: "kics", shows: iacTool}, {word: "tfsec", shows: []string{"iac-scanning", "pre-commit-and-linting"}}, {word: "terrascan", shows: iacTool},
	{word: "kube-linter", shows: iacTool}, {word: "kube-score", shows: iacTool}, {word: "kubescape", shows: iacTool}, {word: "polaris audit", shows: iacTool}, {word: "conftest", shows: iacTool},
	{word: "aeo assess", shows: iacTool}, {word: "snyk iac", shows: iacTool}, {word: "kubesec", shows: iacTool}, {word: "kyverno apply", shows: iacTool},

	{word: "terraform fmt", shows: lintTool}, {word: "tofu fmt", shows: lintTool}, {word: "terraform validate", shows: []string{"pre-commit-and-linting", "tested"}}, {word: "tofu validate", shows: []string{"pre-commit-and-linting", "tested"}},
	{word: "tflint", shows: lintTool}, {word: "yamllint", shows: lintTool}, {word: "helm lint", shows: lintTool}, {word: "ct lint", shows: lintTool}, {word: "kubeconform", shows: lintTool}, {word: "kubeval", shows: lintTool},
	{word: "kustomize build", shows: lintTool}, {word: "helm template", shows: lintTool}, {word: "pre-commit run", shows: lintTool}, {word: "pre-commit/action", shows: lintTool},
	{word: "terraform plan", shows: []string{"tested"}}, {word: "tofu plan", shows: []string{"tested"}}, {word: "terragrunt plan", shows: []string{"tested"}}, {word: "terraform test", shows: []string{"tested"}},
	{word: "terratest", shows: []string{"tested"}}, {word: "atlantis", shows: []string{"tested"}},

	{word: "zap-baseline", shows: dastTool}, {word: "zap-full-scan", shows: dastTool}, {word: "zap-api-scan", shows: dastTool}, {word: "zaproxy", shows: dastTool}, {word: "stackhawk", shows: dastTool},
	{word: "hawkscan", shows: dastTool}, {word: "hawk scan", shows: dastTool}, {word: "nuclei", shows: dastTool}, {word: "dastardly", shows: dastTool}, {word: "nikto", shows: dastTool}, {word: "dast.gitlab-ci.yml", shows: dastTool},

	{word: "syft", shows: sbomTool}, {word: "anchore/sbom-action", shows: sbomTool}, {word: "cyclonedx-gomod", shows: sbomTool}, {word: "cyclonedx-npm", shows: sbomTool}, {word: "cyclonedx-py", shows: sbomTool},
	{word: "cyclonedx:makeaggregatebom", shows: sbomTool}, {word: "cdxgen", shows: sbomTool}, {word: "docker sbom", shows: sbomTool}, {word: "sbom: true", shows: sbomTool}, {word: "--sbom=true", shows: sbomTool},
	{word: "--format cyclonedx", shows: sbomTool}, {word: "--format spdx-json", shows: sbomTool}, {word: "--format spdx", shows: sbomTool}, {word: "bom generate", shows: sbomTool},

	{word: "cosign sign", shows: signImage}, {word: "cosign attest", shows: signTool}, {word: "cosign sign-blob", shows: signTool}, {word: "notation sign", shows: signImage},
	{word: "slsa-framework/slsa-github-generator", shows: signTool}, {word: "attest-build-provenance", shows: signTool}, {word: "provenance: true", shows: signTool}, {word: "provenance: mode=max", shows: signTool},
	{word: "--provenance=true", shows: signTool}, {word: "--provenance=mode=max", shows: signTool},

	{word: "upload-sarif", shows: reviewTool}, {word: "reviewdog", shows: reviewTool}, {word: "danger ci", shows: reviewTool}, {word: "danger-js", shows: reviewTool}, {word: "super-linter", shows: reviewTool},
	{word: "golangci-lint-action", shows: reviewTool}, {word: "codacy-analysis-cli", shows: reviewTool}, {word: "megalinter", shows: reviewTool},
	{word: "sticky-pull-request-comment", shows: feedback}, {word: "create-or-update-comment", shows: feedback}, {word: "codecov-action", shows: feedback}, {word: "gh pr comment", shows: feedback},
	{word: "codequality:", shows: feedback}, {word: "junit:", shows: feedback}, {word: "action-junit-report", shows: feedback}, {word: "test-reporter", shows: feedback},
}

// gating are the practices that a result which is thrown away does not serve.
var gating = map[string]bool{
	"sast": true, "dependency-scanning": true, "secret-detection": true, "container-scanning": true, "image-scanning": true,
	"iac-scanning": true, "dast": true, "coverage-threshold": true, "tested": true,
}

// judgePipe looks for tools in every step.
func (s *Scan) judgePipe(pl *pipe) {
	trigger, triggerLine := pl.trigger()
	for _, j := range pl.jobs {
		ignored := weakness(j.own)
		local := mentions(j, "kind create", "kind-action", "minikube", "k3d", "k3s-action", "setup-kind")
		var pushed *line
		for _, st := range j.steps {
			st = commands(st)
			weak := weakness(st)
			if weak == nil {
				weak = ignored
			}
			f := finder{s: s, pl: pl, step: st, weak: weak, trigger: trigger, triggerLine: triggerLine, pushed: pushed}
			f.tools()
			f.trivy()
			f.coverage()
			f.tests(j)
			if !local {
				f.deploys()
			}
			if l := anyOf(st, "push: true", "docker push", "--push", "podman push"); l != nil && pushed == nil {
				pushed = l
			}
		}
		for _, l := range j.own {
			if k, _ := l.field(); k == "uses" {
				(&finder{s: s, pl: pl, step: []line{l}, weak: ignored, trigger: trigger, triggerLine: triggerLine}).tools()
			}
		}
	}
}

// trigger says what keeps a workflow from running on changes, if anything.
func (pl *pipe) trigger() (why string, at int) {
	if len(pl.on) == 0 {
		return "", 0
	}
	for _, l := range pl.on {
		for _, w := range []string{"push", "pull_request", "pull_request_target", "merge_group", "workflow_call", "workflow_run", "release"} {
			if wordAt(l.lower, w) >= 0 {
				return "", 0
			}
		}
	}
	return "it runs on a schedule or by hand, not on changes", pl.on[0].no
}

// commands leaves out what only names or says something.
func commands(step []line) []line {
	var out []line
	for _, l := range step {
		switch k, _ := l.field(); k {
		case "name", "description", "title", "if", "id", "stage", "displayname", "label":
			continue
		}
		t := strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(l.lower, "- "), "@"), " ")
		if strings.HasPrefix(t, "echo ") || strings.HasPrefix(t, "printf ") || strings.HasPrefix(t, "stage(") || strings.HasPrefix(t, "run: echo ") {
			continue
		}
		out = append(out, l)
	}
	return out
}

// weakness returns the line by which a result is thrown away.
func weakness(step []line) *line {
	for i := range step {
		l := step[i].lower
		for _, w := range [...]string{"continue-on-error: true", "continueonerror: true", "allow_failure: true", "|| true", "|| :", "soft_fail: true", "--soft-fail", "fail-build: false", "exit-code: \"0\"", "exit-code: '0'", "exit-code: 0", "--exit-code 0", "--exit-code=0", "exit_code: 0", "--no-fail"} {
			if strings.Contains(l, w) {
				return &step[i]
			}
		}
	}
	return nil
}

func anyOf(step []line, words ...string) *line {
	for i := range step {
		for _, w := range words {
			if wordAt(step[i].lower, w) >= 0 {
				return &step[i]
			}
		}
	}
	return nil
}

func mentions(j *job, words ...string) bool {
	for _, st := range j.steps {
		if anyOf(st, words...) != nil {
			return true
		}
	}
	return false
}

// finder looks at one step.
type finder struct {
	s           *Scan
	pl          *pipe
	step        []line
	weak        *line
	trigger     string
	triggerLine int
	pushed      *line
}

// show notes what a tool at a line speaks for; never is set if its findings
// stop nothing.
func (f *finder) show(practice, name string, at line, never string) {
	note := "runs " + name
	if f.pl.hook {
		note = "a hook runs " + name
	}
	e := Evidence{File: f.pl.file, Line: at.no, Status: ops.Pass, Note: note}
	if f.pl.manual {
		f.s.makes = append(f.s.makes, found{practice, e})
		return
	}
	f.s.signals[practice] = append(f.s.signals[practice], e)
	if f.pl.hook {
		f.s.hook[practice] = true
		return
	}
	f.s.pipeline[practice] = true
	if !gating[practice] {
		return
	}
	switch {
	case f.weak != nil:
		f.s.note(practice, ops.Fail, f.pl.file, f.weak.no, fmt.Sprintf("the result of %s is ignored (%s)", name, f.weak.text))
	case never != "":
		f.s.note(practice, ops.Fail, f.pl.file, at.no, name+" reports but stops nothing: "+never)
	case f.trigger != "" && practice != "dast":
		f.s.note(practice, ops.Fail, f.pl.file, f.triggerLine, f.trigger)
	}
	if (practice == "container-scanning" || practice == "image-scanning") && f.pushed != nil {
		f.s.note(practice, ops.Fail, f.pl.file, f.pushed.no, "the image is pushed before it is scanned")
	}
}

func (f *finder) tools() {
	for i := range tools {
		t := &tools[i]
		at := anyOf(f.step, t.word)
		if at == nil || installs(at.lower, t.word) {
			continue
		}
		never := ""
		if t.fails != "" && !f.has(t.fails) {
			never = "it is not told " + t.fails
		}
		for _, p := range t.shows {
			f.show(p, strings.TrimSuffix(t.word, ":"), *at, never)
		}
	}
	for _, l := range f.step {
		if !f.pl.manual && !f.pl.hook && callsMake(l.lower) {
			f.s.usesMake = true
		}
	}
}

// callsMake reports that a command line runs make or one of its like.
func callsMake(l string) bool {
	for _, before := range [...]string{"run: ", "&& ", "; ", "sh '", "sh \"", "script: ", "- "} {
		if i := strings.LastIndex(l, before); i >= 0 {
			l = l[i+len(before):]
		}
	}
	return strings.HasPrefix(l, "make ") || l == "make" || strings.HasPrefix(l, "task ") || strings.HasPrefix(l, "just ")
}

// installs reports that a line brings a tool in rather than runs it.
func installs(l, word string) bool {
	i := wordAt(l, word)
	before := l[:i]
	for _, w := range [...]string{"pip install", "pip3 install", "npm install", "npm i ", "go install", "brew install", "apt-get install", "apt install", "apk add", "curl ", "wget ", "cargo install", "setup-"} {
		if strings.Contains(before, w) && !strings.Contains(before, "&&") && !strings.Contains(before, "|") {
			return true
		}
	}
	return strings.HasPrefix(l[i+len(word):], "-installer")
}

func (f *finder) has(word string) bool {
	for _, l := range f.step {
		if strings.Contains(l.lower, word) {
			return true
		}
	}
	return false
}

// trivy scans many things; what it scans decides what it speaks for.
func (f *finder) trivy() {
	at := anyOf(f.step, "trivy-action", "trivy")
	if at == nil || installs(at.lower, "trivy") || strings.Contains(at.lower, "setup-trivy") {
		return
	}
	never := ""
	if !f.has("exit-code") && !f.has("exit_code") && !f.has("sarif") {
		never = "it is not told an exit-code"
	}
	var shows []string
	switch {
	case f.has("trivy config") || f.has("scan-type: config") || f.has("scan-type: 'config'") || f.has(`scan-type: "config"`):
		shows = []string{"iac-scanning"}
	case f.has("trivy fs") || f.has("trivy repo") || f.has("scan-type: fs") || f.has("scan-type: 'fs'") || f.has(`scan-type: "fs"`) || f.has("scan-type: repo"):
		shows = []string{"dependency-scanning"}
		if f.has("secret") {
			shows = append(shows, "secret-detection")
		}
		if f.has("misconfig") {
			shows = append(shows, "iac-scanning")
		}
	case f.has("trivy image") || f.has("image-ref") || f.has("image_name") || f.has("input:"):
		shows = imageTool
	}
	if f.has("cyclonedx") || f.has("spdx") {
		shows, never = []string{"sbom"}, ""
	}
	for _, p := range shows {
		f.show(p, "Trivy", *at, never)
	}
}

// testCommands run tests.
var testCommands = []string{"go test", "npm test", "npm run test", "npm t", "yarn test", "pnpm test", "node --test", "pytest", "tox", "mvn test", "mvn verify", "gradlew test", "gradle test", "gradlew check", "cargo test", "jest", "vitest", "dotnet test", "rspec", "phpunit", "make test", "make check", "bazel test"}

func (f *finder) tests(j *job) {
	at := anyOf(f.step, testCommands...)
	if at == nil || f.pl.hook {
		return
	}
	f.show("tests-gate-merges", "tests", *at, "")
	if l := anyOf(f.step, "--shard", "-n auto", "--parallel", "parallel:", "-parallel", "--maxworkers", "t.parallel"); l != nil {
		f.show("parallel-tests", "tests in parallel", *l, "")
		return
	}
	for _, l := range j.own {
		if k, _ := l.field(); k == "matrix" {
			f.show("parallel-tests", "tests over a matrix", l, "")
			return
		}
	}
	if !f.pl.manual {
		f.s.note("parallel-tests", ops.Fail, f.pl.file, at.no, "tests run in one job, without a matrix or shards")
	}
}

// deploys notes pipelines that write to a cluster by themselves.
func (f *finder) deploys() {
	if f.pl.hook || f.pl.manual {
		return
	}
	for _, w := range [...]string{"kubectl apply", "kubectl create", "kubectl replace", "kubectl set image", "kubectl patch", "helm upgrade", "helm install", "kubectl rollout restart"} {
		at := anyOf(f.step, w)
		if at == nil || strings.Contains(at.lower, "dry-run") {
			continue
		}
		f.s.note("pull-based-operator", ops.Fail, f.pl.file, at.no, "the pipeline writes to a cluster: "+w)
		if w == "kubectl set image" || w == "kubectl patch" || w == "kubectl rollout restart" {
			f.s.note("declarative-everything", ops.Fail, f.pl.file, at.no, "the pipeline changes live objects by command: "+w)
		}
	}
	if at := anyOf(f.step, "helm upgrade"); at != nil && (f.has("--atomic") || f.has("--rollback-on-failure")) {
		f.s.note("automated-rollback", ops.Pass, f.pl.file, at.no, "helm puts the last release back where an upgrade fails")
	}
}
