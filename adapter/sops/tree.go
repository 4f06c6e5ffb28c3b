package sops

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxDepth bounds how deep values nest.
const maxDepth = 200

// walker decrypts a tree and adds its values up for the MAC.
type walker struct {
	*rules
	aead          cipher.AEAD
	mac           hash.Hash
	onlyEncrypted bool
}

func (w *walker) node(n *yaml.Node, path []string, depth int) error {
	if depth > maxDepth {
		return errors.New("its values nest too deep")
	}
	dropComments(n)
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			dropComments(n.Content[i])
			if err := w.node(n.Content[i+1], append(path[:len(path):len(path)], n.Content[i].Value), depth+1); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		// A comment in a list stands there as an item of its own. It doesn't
		// count for the MAC, so that no value can be passed off as one.
		n.Content = slices.DeleteFunc(n.Content, func(c *yaml.Node) bool {
			m := form().FindStringSubmatch(c.Value)
			return c.Kind == yaml.ScalarNode && m != nil && m[4] == "comment"
		})
		for _, c := range n.Content {
			if err := w.node(c, path, depth+1); err != nil {
				return err
			}
		}
	case yaml.ScalarNode:
		return w.scalar(n, path)
	case yaml.AliasNode:
		return errors.New("it has anchors, which SOPS does not write")
	}
	return nil
}

// dropComments drops encrypted comments rather than showing them.
func dropComments(n *yaml.Node) {
	for _, c := range []*string{&n.HeadComment, &n.LineComment, &n.FootComment} {
		if strings.Contains(*c, "ENC[AES256_GCM") {
			*c = ""
		}
	}
}

func (w *walker) scalar(n *yaml.Node, path []string) error {
	if n.Tag == "!!null" {
		return nil
	}
	if !w.secret(path) {
		if !w.onlyEncrypted {
			w.mac.Write([]byte(plainText(n)))
		}
		return nil
	}
	if n.Value == "" && n.Tag == "!!str" {
		return nil // an empty text stays as it is
	}
	value, kind, err := w.value(n.Value, strings.Join(path, ":")+":")
	if err != nil || kind == "comment" {
		return fmt.Errorf("the value at %s cannot be decrypted: it was changed, moved or never encrypted", strings.Join(path, "."))
	}
	w.mac.Write([]byte(value))
	n.Style = 0
	if n.Tag, n.Value = typed(kind, value); n.Tag == "!!str" {
		// Unquoted, some readers take yes, 1e3 or 012 for something else.
		n.Style = yaml.DoubleQuotedStyle
	}
	return nil
}

// typed is a decrypted value as YAML has it.
func typed(kind, value string) (tag, text string) {
	switch kind {
	case "int":
		return "!!int", value
	case "float":
		// SOPS writes infinities as Go does.
		switch strings.TrimPrefix(value, "+") {
		case "Inf":
			return "!!float", ".inf"
		case "-Inf":
			return "!!float", "-.inf"
		case "NaN":
			return "!!float", ".nan"
		}
		if _, err := strconv.ParseInt(value, 10, 64); err == nil {
			return "!!int", value // 1.0 was written as 1
		}
		return "!!float", value
	case "bool":
		return "!!bool", strings.ToLower(value)
	case "time":
		return "!!timestamp", value
	}
	return "!!str", value
}

// plainText is a value as it counts for the MAC.
func plainText(n *yaml.Node) string {
	switch n.Tag {
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			if b {
				return "True"
			}
			return "False"
		}
	case "!!int":
		var i int64
		if n.Decode(&i) == nil {
			return strconv.FormatInt(i, 10)
		}
		var f float64
		if n.Decode(&f) == nil { // larger ones become floats
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
	case "!!float":
		var f float64
		if n.Decode(&f) == nil {
			if math.IsInf(f, 1) {
				return "+Inf"
			}
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
	case "!!timestamp":
		var at time.Time
		if n.Decode(&at) == nil {
			return at.Format(time.RFC3339Nano)
		}
	}
	return n.Value
}
