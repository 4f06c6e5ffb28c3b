package assess

import (
	"bytes"
	"path"
	"strings"
)

// Kinds of input, as the report names them.
const (
	kindManifest      = "kubernetes"
	kindKustomization = "kustomization"
	kindChart         = "helm-chart"
	kindValues        = "helm-values"
	kindYAML          = "yaml"
	kindJSON          = "json"
	kindTemplate      = "template"
	kindWorkflow      = "github-workflow"
	kindDockerfile    = "dockerfile"
	kindTerraform     = "terraform"
	kindBinary        = "binary"
	kindText          = "text"
	kindSource        = "source-code"
	kindDocument      = "document"
	kindException     = "exceptions"
)

// byExtension names files that need not be opened: nothing in them is judged.
var byExtension = map[string]string{
	".go": kindSource, ".py": kindSource, ".js": kindSource, ".ts": kindSource, ".tsx": kindSource, ".jsx": kindSource,
	".java": kindSource, ".rb": kindSource, ".rs": kindSource, ".c": kindSource, ".h": kindSource, ".cc": kindSource, ".cpp": kindSource,
	".cs": kindSource, ".php": kindSource, ".sh": kindSource, ".lua": kindSource, ".proto": kindSource, ".sum": kindSource, ".mod": kindSource,
	".css": kindSource, ".scss": kindSource, ".html": kindSource, ".sql": kindSource, ".jsonnet": kindSource, ".libsonnet": kindSource, ".rego": kindSource,
	".md": kindDocument, ".rst": kindDocument, ".adoc": kindDocument, ".txt": kindDocument, ".pdf": kindBinary,
	".png": kindBinary, ".jpg": kindBinary, ".jpeg": kindBinary, ".gif": kindBinary, ".svg": kindDocument, ".ico": kindBinary, ".webp": kindBinary,
	".tgz": kindBinary, ".gz": kindBinary, ".zip": kindBinary, ".tar": kindBinary, ".jar": kindBinary, ".woff": kindBinary, ".woff2": kindBinary, ".ttf": kindBinary,
	".tf": kindTerraform, ".tfvars": kindTerraform, ".hcl": kindTerraform,
}

// kindByName classifies what its name alone tells; "" means: look inside.
func kindByName(p string) string {
	base := path.Base(p)
	if isKustomization(base) {
		return kindKustomization
	}
	if strings.HasPrefix(base, "Dockerfile") || strings.HasSuffix(base, ".Dockerfile") || base == "Containerfile" {
		return kindDockerfile
	}
	dir := path.Dir(p)
	if (dir == ".github/workflows" || strings.HasSuffix(dir, "/.github/workflows")) && isYAML(base) {
		return kindWorkflow
	}
	return byExtension[strings.ToLower(path.Ext(base))]
}

func isKustomization(base string) bool {
	return base == "kustomization.yaml" || base == "kustomization.yml" || base == "Kustomization"
}

func isYAML(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".yaml" || ext == ".yml"
}

// content is what a look at a file's bytes tells.
type content uint8

const (
	contentOther    content = iota
	contentManifest         // names an apiVersion and a kind
	contentBinary
)

func sniff(text []byte) content {
	head := text[:min(len(text), 8000)]
	if bytes.IndexByte(head, 0) >= 0 {
		return contentBinary
	}
	if !bytes.Contains(text, []byte("apiVersion")) || !bytes.Contains(text, []byte("kind")) {
		return contentOther
	}
	return contentManifest
}

// hasTemplateActions reports whether a text that is no YAML may be a template
// of Helm, Jinja or the like.
func hasTemplateActions(text []byte) bool {
	return bytes.Contains(text, []byte("{{")) || bytes.Contains(text, []byte("{%"))
}
