package scorecard

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/autoecoops/autoecoops/ops"
)

// maxLook is the size in bytes beyond which a file is known by its path only:
// what the scorecard reads is written by people.
const maxLook = 4 << 20

// Scan looks at files as they are read and keeps what speaks for or against a
// practice. It is used by one goroutine.
type Scan struct {
	signals map[string][]Evidence
	// pipeline and hook are the practices that something in a pipeline or in
	// a pre-commit hook speaks for.
	pipeline, hook map[string]bool
	pipelines      []string
	// usesMake: a pipeline calls make, so that what a Makefile does counts.
	usesMake bool
	makes    []found
	charts   []dependency
	locked   map[string]bool // folders with a Chart.lock
	code     codebase
	tf       terraform
	// environments are the places of what is kept per environment.
	environments map[string]Evidence
	settled      bool
}

// codebase is what the paths tell of the code beside the manifests.
type codebase struct {
	files, dockerfiles           int
	dirs                         map[string]string // folder to its first source file
	tests                        map[string]Evidence
	dependencies, kustomizations []string
}

// found is a signal that counts only under a condition.
type found struct {
	practice string
	Evidence
}

// dependency is a chart that a Chart.yaml asks for.
type dependency struct {
	name, version, file string
	line, versionLine   int
}

// NewScan returns an empty Scan.
func NewScan() *Scan {
	return &Scan{
		signals: map[string][]Evidence{}, pipeline: map[string]bool{}, hook: map[string]bool{}, locked: map[string]bool{},
		environments: map[string]Evidence{}, code: codebase{dirs: map[string]string{}, tests: map[string]Evidence{}},
		tf: terraform{roots: map[string]Evidence{}, locks: map[string]bool{}},
	}
}

// Wants reports whether a file whose kind would not be opened otherwise is to
// be read for the scorecard's sake. It is safe for concurrent use.
func (s *Scan) Wants(p string) bool {
	if foreign(p) {
		return false
	}
	return lookFor(p) != nil
}

// Look takes notice of a file; text is nil where the file was not opened, so
// that only its path is known.
func (s *Scan) Look(p string, text []byte) {
	if foreign(p) {
		return
	}
	s.path(p)
	if len(text) == 0 || len(text) > maxLook || bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
		return
	}
	if f := lookFor(p); f != nil {
		f(s, p, text)
	}
	switch path.Ext(p) {
	case ".yaml", ".yml":
		s.anyYAML(p, text)
	case ".json":
		s.anyJSON(p, text)
	}
}

// lookFor returns what reads a file of this path, nil for most files.
func lookFor(p string) func(*Scan, string, []byte) {
	dir, base := path.Split(p)
	yaml := strings.HasSuffix(base, ".yaml") || strings.HasSuffix(base, ".yml")
	switch base {
	case ".gitlab-ci.yml", "bitbucket-pipelines.yml", ".travis.yml", ".drone.yml", ".woodpecker.yml", "cloudbuild.yaml", "cloudbuild.yml":
		return (*Scan).pipelineFile
	case "Makefile", "GNUmakefile", "Taskfile.yml", "Taskfile.yaml", "justfile":
		return (*Scan).makefile
	case ".pre-commit-config.yaml", ".pre-commit-config.yml", "lefthook.yml", ".lefthook.yml":
		return (*Scan).hooks
	case "package.json", "go.mod", "pyproject.toml", "pom.xml", "build.gradle", "build.gradle.kts", "Cargo.toml", "Gemfile", "composer.json", "setup.cfg", "tox.ini":
		return (*Scan).project
	case "codecov.yml", ".codecov.yml", "codecov.yaml", ".codecov.yaml", ".coveragerc", ".nycrc", ".nycrc.json", ".testcoverage.yml":
		return (*Scan).coverage
	case "dependabot.yml", "dependabot.yaml":
		return (*Scan).dependabot
	case "renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json":
		return (*Scan).renovate
	case "CODEOWNERS":
		return (*Scan).owners
	case "Chart.yaml":
		return (*Scan).chart
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return (*Scan).kustomization
	case "sonar-project.properties":
		return (*Scan).sonar
	case ".goreleaser.yml", ".goreleaser.yaml":
		return (*Scan).goreleaser
	case ".sops.yaml", ".sops.yml":
		return (*Scan).sops
	}
	switch {
	case yaml && dir == ".github/workflows/":
		return (*Scan).workflow
	case yaml && (dir == ".circleci/" || strings.HasPrefix(dir, ".gitlab/") || strings.HasPrefix(base, "azure-pipelines") || strings.HasPrefix(dir, ".buildkite/") || strings.HasPrefix(dir, ".woodpecker/")):
		return (*Scan).pipelineFile
	case strings.HasPrefix(base, "Jenkinsfile"):
		return (*Scan).jenkinsfile
	case strings.HasPrefix(base, "jest.config.") || strings.HasPrefix(base, "vitest.config.") || strings.HasPrefix(base, "vite.config."):
		return (*Scan).coverage
	case strings.HasPrefix(base, "requirements") && strings.HasSuffix(base, ".txt"):
		return (*Scan).project
	case strings.HasSuffix(base, ".tf"):
		return (*Scan).terraform
	case strings.HasSuffix(base, ".hcl"):
		return (*Scan).hcl
	}
	return nil
}

// foreign paths hold what others wrote, or what only tests read.
func foreign(p string) bool {
	for part := range strings.SplitSeq(path.Dir(p), "/") {
		switch part {
		case "vendor", "node_modules", "third_party", "testdata", ".terraform":
			return true
		}
	}
	return false
}

// note keeps a signal.
func (s *Scan) note(practice string, status ops.Status, file string, line int, text string) {
	s.signals[practice] = append(s.signals[practice], Evidence{File: file, Line: line, Status: status, Note: text})
}

// settle works out what depends on all files.
func (s *Scan) settle() {
	if s.settled {
		return
	}
	s.settled = true
	if s.usesMake {
		for _, m := range s.makes {
			s.pipeline[m.practice] = true
			s.signals[m.practice] = append(s.signals[m.practice], m.Evidence)
		}
	}
	slices.Sort(s.pipelines)
	slices.Sort(s.code.dependencies)
	slices.Sort(s.code.kustomizations)
	slices.SortFunc(s.charts, func(a, b dependency) int {
		return compareEvidence(Evidence{File: a.file, Line: a.line}, Evidence{File: b.file, Line: b.line})
	})
}

// first keeps the first of the files, in order, that show the same.
func first(m map[string]Evidence, key string, e Evidence) {
	if old, ok := m[key]; !ok || compareEvidence(e, old) < 0 {
		m[key] = e
	}
}

// line is one line of a text without its comment.
type line struct {
	no, indent int
	// text is trimmed; lower is the same in lower case.
	text, lower string
}

// linesOf iterates over the lines that hold more than a comment, which begins
// with mark ("#" or "//").
func linesOf(text []byte, mark string, yield func(line)) {
	no := 0
	for raw := range bytes.Lines(text) {
		no++
		l := string(bytes.TrimRight(uncomment(raw, mark), " \t\r\n"))
		t := strings.TrimLeft(l, " \t")
		if t != "" {
			yield(line{no: no, indent: len(l) - len(t), text: t, lower: strings.ToLower(t)})
		}
	}
}

// uncomment cuts a comment off: one that begins the line or follows a blank,
// outside of quotes.
func uncomment(l []byte, mark string) []byte {
	if !bytes.Contains(l, []byte(mark)) {
		return l
	}
	unquoted := -1
	var quote byte
	for i := 0; i < len(l); i++ {
		switch c := l[i]; {
		case bytes.HasPrefix(l[i:], []byte(mark)) && (i == 0 || l[i-1] == ' ' || l[i-1] == '\t'):
			if quote == 0 {
				return l[:i]
			}
			if unquoted < 0 {
				unquoted = i
			}
		case quote == 0 && (c == '"' || c == '\'') && (i == 0 || !alnum(l[i-1])):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	if quote != 0 && unquoted >= 0 { // a stray quote: rather a comment too many
		return l[:unquoted]
	}
	return l
}

func alnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// hasWord reports whether text has word with no letter or digit beside it.
func hasWord(text []byte, word string) bool { return wordAt(string(text), word) >= 0 }

func wordAt(text, word string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		end := i + len(word)
		if (i == 0 || !alnum(text[i-1])) && (end == len(text) || !alnum(text[end]) || !alnum(word[len(word)-1])) {
			return i
		}
		from = i + 1
	}
}

// field splits "- key: value" and "key: value"; the key is in lower case.
func (l line) field() (key, value string) {
	t := strings.TrimLeft(strings.TrimPrefix(l.text, "- "), " ")
	k, v, ok := strings.Cut(t, ":")
	if !ok || v != "" && v[0] != ' ' {
		return "", t
	}
	return strings.ToLower(strings.Trim(k, `"' `)), strings.Trim(strings.TrimSpace(v), `"',`)
}

// number returns the first number of a text, 0 if there is none.
func number(text string) float64 {
	n, frac, any := 0.0, 0.0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9' && frac == 0:
			n, any = n*10+float64(c-'0'), true
		case c >= '0' && c <= '9':
			n, frac = n+float64(c-'0')*frac, frac/10
		case c == '.' && any && frac == 0:
			frac = 0.1
		case any:
			return n
		}
	}
	return n
}
