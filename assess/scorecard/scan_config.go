package scorecard

import (
	"bytes"
	"path"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// hooks reads the configuration of pre-commit or lefthook: what runs before a
// commit. Hooks are named by the ids of their repositories.
func (s *Scan) hooks(p string, text []byte) {
	pl := &pipe{file: p, hook: true}
	j := &job{}
	pl.jobs = append(pl.jobs, j)
	linesOf(text, "#", func(l line) {
		k, v := l.field()
		switch k {
		case "repo", "name", "description", "rev", "exclude", "files":
			return
		case "id":
			s.hookID(p, l, v)
			l.lower = strings.ToLower(v)
			l.text = "run: " + v
		}
		j.steps = append(j.steps, []line{l})
	})
	s.judgePipe(pl)
}

// hookID notes hooks whose ids differ from their commands.
func (s *Scan) hookID(p string, l line, id string) {
	switch id {
	case "terraform_fmt", "terraform_validate", "terraform_tflint", "terraform_docs", "terraform-fmt", "terraform-validate", "tofu_fmt", "tofu_validate", "check-yaml", "check-json", "helmlint", "kubeconform":
		s.hook["pre-commit-and-linting"] = true
		s.note("pre-commit-and-linting", ops.Pass, p, l.no, "a hook runs "+id)
	case "terraform_checkov", "terraform_tfsec", "terraform_trivy":
		for _, pr := range []string{"pre-commit-and-linting", "iac-scanning"} {
			s.hook[pr] = true
			s.note(pr, ops.Pass, p, l.no, "a hook runs "+id)
		}
	}
}

// project reads what lists a project's dependencies and test settings.
func (s *Scan) project(p string, text []byte) {
	base := path.Base(p)
	if base != "setup.cfg" && base != "tox.ini" {
		s.code.dependencies = append(s.code.dependencies, p)
	}
	mark := "#"
	if base == "go.mod" || strings.HasPrefix(base, "build.gradle") {
		mark = "//"
	}
	otel := false
	linesOf(text, mark, func(l line) {
		if !otel && strings.Contains(l.lower, "opentelemetry") && !strings.Contains(l.lower, "indirect") {
			otel = true
			s.note("traces/instrumented", ops.Pass, p, l.no, "depends on OpenTelemetry")
		}
	})
	s.coverage(p, text)
}

// thresholds are how tools are told the least coverage.
var thresholds = []string{"--cov-fail-under", "fail_under", "--fail-under", "--test-coverage-lines", "--test-coverage-branches", "--check-coverage", "minimum_coverage", "--fail-under-lines", "/p:threshold", "coveragethreshold", "coverage_threshold", "coverage-threshold"}

// measures are how tools are told to measure coverage.
var measures = []string{"-coverprofile", "-cover", "--cov", "--coverage", "nyc", "c8", "coverage run", "--experimental-test-coverage", "llvm-cov", "tarpaulin", "jacoco"}

// coverage looks for a least coverage in a configuration file.
func (s *Scan) coverage(p string, text []byte) {
	base := path.Base(p)
	codecov := strings.Contains(base, "codecov")
	inThreshold, informational := false, 0
	mark := "#"
	if strings.HasSuffix(base, "s") && strings.Contains(base, ".config.") || strings.HasPrefix(base, "build.gradle") {
		mark = "//"
	}
	linesOf(text, mark, func(l line) {
		k, v := l.field()
		key := strings.Trim(strings.ToLower(k), `"`)
		switch {
		case codecov && key == "informational" && v == "true":
			informational = l.no
		case codecov && key == "target" && (v == "auto" || number(v) > 0):
			s.note("coverage-threshold", ops.Pass, p, l.no, "Codecov asks for a target of "+v)
		case strings.HasPrefix(base, ".nycrc") && (key == "lines" || key == "branches" || key == "statements" || key == "functions") && number(v) > 0,
			strings.HasPrefix(base, ".testcoverage") && (key == "total" || key == "file" || key == "package") && number(v) > 0,
			strings.Contains(l.lower, "covered") && strings.Contains(l.lower, "minimum"):
			s.note("coverage-threshold", ops.Pass, p, l.no, "asks for a least coverage of "+v)
		case strings.Contains(l.lower, "coveragethreshold") || strings.HasPrefix(base, "vi") && strings.HasPrefix(l.lower, "thresholds"):
			inThreshold = true
		case inThreshold && number(v) > 0:
			s.note("coverage-threshold", ops.Pass, p, l.no, "asks for a least coverage of "+strings.Trim(v, "{}, "))
			inThreshold = false
		default:
			s.threshold(p, l)
		}
	})
	if informational > 0 {
		s.note("coverage-threshold", ops.Fail, p, informational, "Codecov only informs: it stops nothing")
	}
}

// threshold notes a least coverage in a command or setting; it reports whether
// the line does.
func (s *Scan) threshold(p string, l line) bool {
	for _, w := range thresholds {
		i := strings.Index(l.lower, w)
		if i < 0 {
			continue
		}
		rest := strings.TrimLeft(l.lower[i+len(w):], `-linesbrach"' :=`)
		if rest != "" && rest[0] >= '0' && rest[0] <= '9' && number(rest) > 0 {
			s.note("coverage-threshold", ops.Pass, p, l.no, "tests fail below a coverage of "+trimNumber(rest))
			return true
		}
	}
	return false
}

// trimNumber returns the digits of the first number in a text.
func trimNumber(t string) string {
	t = t[strings.IndexAny(t, "0123456789"):]
	if i := strings.IndexFunc(t, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }); i >= 0 {
		t = t[:i]
	}
	return t
}

func (f *finder) coverage() {
	for _, l := range f.step {
		before := len(f.s.signals["coverage-threshold"])
		if f.s.threshold(f.pl.file, l) {
			sigs := f.s.signals["coverage-threshold"]
			e := sigs[before]
			switch {
			case f.pl.manual:
				f.s.signals["coverage-threshold"] = sigs[:before]
				f.s.makes = append(f.s.makes, found{"coverage-threshold", e})
			default:
				f.s.pipeline["coverage-threshold"] = true
				if f.weak != nil {
					f.s.note("coverage-threshold", ops.Fail, f.pl.file, f.weak.no, "the result is ignored ("+f.weak.text+")")
				}
			}
			return
		}
	}
	if at := anyOf(f.step, measures...); at != nil && !f.pl.manual && !f.pl.hook && anyOf(f.step, testCommands...) != nil {
		f.s.note("coverage-threshold/measured", ops.Pass, f.pl.file, at.no, "coverage is measured")
	}
}

func (s *Scan) dependabot(p string, text []byte) {
	linesOf(text, "#", func(l line) {
		if k, v := l.field(); k == "package-ecosystem" {
			s.note("dependency-scanning", ops.Pass, p, l.no, "Dependabot updates "+v)
		}
	})
	s.pipeline["dependency-scanning"] = true
}

func (s *Scan) renovate(p string, text []byte) {
	if bytes.Contains(text, []byte(`"enabled": false`)) && !bytes.Contains(text, []byte("extends")) {
		s.note("dependency-scanning", ops.Fail, p, 1, "Renovate is switched off")
		return
	}
	s.note("dependency-scanning", ops.Pass, p, 1, "Renovate updates dependencies")
	s.pipeline["dependency-scanning"] = true
}

func (s *Scan) owners(p string, text []byte) {
	switch path.Dir(p) {
	case ".", ".github", ".gitlab", "docs":
	default:
		return
	}
	n, at := 0, 0
	linesOf(text, "#", func(l line) {
		if strings.Contains(l.text, "@") {
			if n++; at == 0 {
				at = l.no
			}
		}
	})
	if n > 0 {
		s.note("protected-repository", ops.Pass, p, at, "owners are named")
		s.note("human-review", ops.Pass, p, at, "owners are named")
	}
}

// chart reads the dependencies of a Chart.yaml.
func (s *Scan) chart(p string, text []byte) {
	section := ""
	var d *dependency
	flush := func() {
		if d != nil && d.name != "" {
			s.charts = append(s.charts, *d)
		}
		d = nil
	}
	linesOf(text, "#", func(l line) {
		k, v := l.field()
		if l.indent == 0 && !strings.HasPrefix(l.text, "-") {
			section = k
		}
		if section != "dependencies" {
			return
		}
		if strings.HasPrefix(l.text, "-") {
			flush()
			d = &dependency{file: p, line: l.no}
		}
		switch {
		case d == nil:
		case k == "name":
			d.name, d.line = v, l.no
		case k == "version":
			d.version, d.versionLine = v, l.no
		}
	})
	flush()
	s.code.kustomizations = append(s.code.kustomizations, p)
}

// kustomization looks for references to other repositories.
func (s *Scan) kustomization(p string, text []byte) {
	s.code.kustomizations = append(s.code.kustomizations, p)
	linesOf(text, "#", func(l line) {
		v, ok := strings.CutPrefix(l.text, "- ")
		v = strings.Trim(v, `"' `)
		remote := strings.Contains(v, "?ref=") || strings.HasPrefix(v, "github.com/") || strings.HasPrefix(v, "git@") || strings.HasPrefix(v, "https://") || strings.HasPrefix(v, "git::") || strings.HasPrefix(v, "ssh://")
		if !ok || !remote {
			return
		}
		ref := ""
		if i := strings.Index(v, "ref="); i >= 0 {
			ref, _, _ = strings.Cut(v[i+4:], "&")
		} else if strings.Contains(v, "/releases/download/") || strings.Contains(v, "/refs/tags/") {
			s.note("immutable-references", ops.Pass, p, l.no, "a released file is taken in")
			return
		} else if i := strings.Index(v, "raw.githubusercontent.com/"); i >= 0 {
			if parts := strings.Split(v[i:], "/"); len(parts) > 3 {
				ref = parts[3]
			}
		}
		switch kindOfRef(ref) {
		case fixedRef:
			s.note("immutable-references", ops.Pass, p, l.no, "a remote base is pinned to "+ref)
		case noRef:
			s.note("immutable-references", ops.Fail, p, l.no, "a remote base has no ref")
		default:
			s.note("immutable-references", ops.Fail, p, l.no, "a remote base follows "+ref)
		}
	})
}

func (s *Scan) sonar(p string, text []byte) {
	linesOf(text, "#", func(l line) {
		if strings.HasPrefix(l.lower, "sonar.qualitygate.wait=true") {
			s.note("coverage-threshold", ops.Pass, p, l.no, "the pipeline waits for Sonar's quality gate")
		}
	})
}

func (s *Scan) goreleaser(p string, text []byte) {
	linesOf(text, "#", func(l line) {
		switch l.lower {
		case "sboms:":
			s.note("sbom", ops.Pass, p, l.no, "GoReleaser makes bills of materials")
		case "signs:", "binary_signs:":
			s.note("signing-and-provenance", ops.Pass, p, l.no, "GoReleaser signs artefacts")
		case "docker_signs:":
			s.note("signing-and-provenance", ops.Pass, p, l.no, "GoReleaser signs images")
			s.note("image-signatures", ops.Pass, p, l.no, "GoReleaser signs images")
		}
	})
}

func (s *Scan) sops(p string, text []byte) {
	linesOf(text, "#", func(l line) {
		if strings.Contains(l.lower, "creation_rules") {
			s.note("secrets-managed-outside-git", ops.Pass, p, l.no, "SOPS encrypts secrets")
		}
	})
}
