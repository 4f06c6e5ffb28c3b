package substitute

import (
	"bytes"
	"encoding/json"
	"strings"
)

// disabled tells whether a document's own annotations keep it as it is. The
// text may be no YAML before it is filled in, so it is not parsed, but its
// lines are followed by their indentation: an annotation that stands in a text
// inside of the document, such as a manifest in a ConfigMap, is not meant.
func disabled(doc []byte) bool {
	if !bytes.Contains(doc, []byte(Annotation)) {
		return false
	}
	if trimmed := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(doc), []byte("---"))); bytes.HasPrefix(trimmed, []byte("{")) {
		return disabledJSON(trimmed)
	}
	type step struct {
		indent int
		key    string
	}
	var path []step
	block := -1 // the indentation of a key whose value is a block of text
	for line := range strings.Lines(string(doc)) {
		line = strings.TrimRight(line, "\r\n")
		content := strings.TrimLeft(line, " ")
		indent := len(line) - len(content)
		if content == "" || content[0] == '#' || block >= 0 && indent > block {
			continue
		}
		block = -1
		for len(path) > 0 && path[len(path)-1].indent >= indent {
			path = path[:len(path)-1]
		}
		key, value, ok := strings.Cut(content, ":")
		if !ok {
			continue
		}
		path = append(path, step{indent, unquote(key)})
		value = strings.TrimSpace(value)
		if value != "" && (value[0] == '|' || value[0] == '>') {
			block = indent
		}
		if len(path) == 3 && path[0].key == "metadata" && path[1].key == "annotations" && path[2].key == Annotation && unquote(uncomment(value)) == "disabled" {
			return true
		}
	}
	return false
}

func disabledJSON(doc []byte) bool {
	var o struct {
		Metadata struct {
			Annotations map[string]any `json:"annotations"`
		} `json:"metadata"`
	}
	return json.NewDecoder(bytes.NewReader(doc)).Decode(&o) == nil && o.Metadata.Annotations[Annotation] == "disabled"
}

func uncomment(value string) string {
	value, _, _ = strings.Cut(value, " #")
	return strings.TrimSpace(value)
}

func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }
