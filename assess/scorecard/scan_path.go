package scorecard

import (
	"path"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// sourceExt are the extensions of code.
var sourceExt = map[string]bool{
	".go": true, ".py": true, ".js": true, ".mjs": true, ".ts": true, ".tsx": true, ".jsx": true, ".java": true, ".kt": true, ".scala": true,
	".rb": true, ".rs": true, ".c": true, ".cc": true, ".cpp": true, ".cs": true, ".php": true, ".swift": true, ".ex": true,
}

// path takes notice of what a file's path tells.
func (s *Scan) path(p string) {
	dir, base := path.Dir(p), path.Base(p)
	ext := path.Ext(base)
	lower := strings.ToLower(base)
	switch {
	case strings.HasPrefix(base, "Dockerfile") || strings.HasSuffix(base, ".Dockerfile") || base == "Containerfile":
		s.code.dockerfiles++
	case ext == ".tf":
		s.tf.files++
	case base == ".terraform.lock.hcl":
		s.tf.locks[dir] = true
		s.note("pinned-versions", ops.Pass, p, 0, "the lock file is committed")
	case ext == ".tfstate" || strings.HasSuffix(base, ".tfstate.backup"):
		s.tf.files++
		s.note("remote-state", ops.Fail, p, 0, "a state file is kept in the repository")
		s.note("no-secrets-in-code", ops.Fail, p, 0, "a state file holds its secrets readable")
	case base == ".tflint.hcl":
		s.note("pre-commit-and-linting", ops.Pass, p, 0, "TFLint is configured")
	case strings.HasSuffix(base, ".tftest.hcl"):
		s.note("tested", ops.Pass, p, 0, "a Terraform test")
	case base == "Chart.lock":
		s.locked[dir] = true
	case base == ".coderabbit.yaml" || base == ".deepsource.toml" || base == ".codeclimate.yml" || base == "qodana.yaml":
		s.note("automated-review", ops.Pass, p, 0, "a review service is configured")
	case base == "cypress.json" || strings.HasPrefix(base, "cypress.config.") || strings.HasPrefix(base, "playwright.config."):
		s.test("end-to-end", p)
	case sourceExt[ext] && !strings.Contains(lower, ".config."):
		s.source(p, dir, lower)
	case ext == ".jmx":
		s.test("performance", p)
	}
	if ext == ".yaml" || ext == ".yml" || base == "Kustomization" {
		s.environment(p)
	}
}

func (s *Scan) source(p, dir, base string) {
	s.code.files++
	if old, ok := s.code.dirs[dir]; !ok || p < old {
		s.code.dirs[dir] = p
	}
	inTests, kind := false, ""
	for part := range strings.SplitSeq(strings.ToLower(dir), "/") {
		switch part {
		case "e2e", "end-to-end", "cypress", "playwright", "acceptance":
			kind, inTests = "end-to-end", true
		case "integration", "integrationtest", "integration-tests", "integration_tests", "it":
			kind = "integration"
		case "k6", "gatling", "loadtest", "load-tests", "perf", "performance", "benchmarks":
			kind, inTests = "performance", true
		case "test", "tests", "__tests__", "spec":
			inTests = true
		}
	}
	stem := strings.TrimSuffix(base, path.Ext(base))
	isTest := strings.HasSuffix(stem, "_test") || strings.HasSuffix(stem, ".test") || strings.HasSuffix(stem, ".spec") ||
		strings.HasPrefix(stem, "test_") || strings.HasSuffix(stem, "_spec") || inTests && strings.HasSuffix(stem, "test")
	switch {
	case strings.HasPrefix(stem, "locustfile") || strings.HasPrefix(stem, "k6") || strings.HasSuffix(stem, "_bench_test"):
		s.test("performance", p)
	case strings.Contains(stem, "integration") && isTest:
		s.test("integration", p)
	case strings.Contains(stem, "e2e") && isTest:
		s.test("end-to-end", p)
	case kind != "" && (isTest || inTests):
		s.test(kind, p)
	case isTest:
		s.test("unit", p)
	}
}

func (s *Scan) test(kind, p string) {
	first(s.code.tests, kind, Evidence{File: p, Status: ops.Pass, Note: kind + " tests"})
}

// environmentNames are the words by which people call environments.
var environmentNames = map[string]string{
	"dev": "development", "develop": "development", "development": "development", "test": "test", "testing": "test", "qa": "qa", "uat": "uat", "int": "integration",
	"stage": "staging", "staging": "staging", "stg": "staging", "preprod": "pre-production", "pre-prod": "pre-production",
	"prod": "production", "prd": "production", "production": "production", "live": "production", "canary": "canary", "sandbox": "sandbox",
}

// environment takes notice of an overlay's folder or a values file that
// belongs to one environment.
func (s *Scan) environment(p string) {
	base := path.Base(p)
	stem := strings.TrimSuffix(strings.TrimSuffix(base, ".yaml"), ".yml")
	if strings.HasPrefix(stem, "values") || strings.HasSuffix(stem, "values") {
		rest := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(stem, "values"), "values"), "-._")
		if env := environmentNames[strings.ToLower(rest)]; env != "" {
			first(s.environments, env, Evidence{File: p, Status: ops.Pass, Note: "values of " + env})
			return
		}
	}
	parts := strings.Split(path.Dir(p), "/")
	for i, part := range parts {
		env := environmentNames[strings.ToLower(part)]
		if env == "" {
			continue
		}
		within := ""
		if i > 0 {
			within = parts[i-1]
		}
		switch {
		case base == "kustomization.yaml" || base == "kustomization.yml" || base == "Kustomization" || base == "values.yaml",
			within == "overlays" || within == "environments" || within == "envs" || within == "clusters" || within == "env":
			first(s.environments, env, Evidence{File: p, Status: ops.Pass, Note: "files of " + env})
			return
		}
	}
}
