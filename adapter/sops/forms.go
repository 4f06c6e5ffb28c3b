package sops

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/autoecoops/autoecoops/fault"
)

// File decrypts a file of any form that SOPS writes, which is told by its
// name as SOPS does: YAML, JSON, dotenv, and anything else as one value. Files
// that are not encrypted come back as they are.
func (k *Keys) File(name string, text []byte) ([]byte, error) {
	if !Encrypted(text) {
		return text, nil
	}
	if len(text) > maxFile {
		return nil, tooLarge(name)
	}
	base := strings.ToLower(path.Base(name))
	switch ext := path.Ext(base); {
	case ext == ".yaml" || ext == ".yml":
		return k.YAML(name, text)
	case ext == ".json":
		return k.json(name, text)
	case ext == ".env" || strings.HasPrefix(base, ".env"):
		return k.dotenv(name, text)
	case ext == ".ini":
		return nil, fault.New(fault.Invalid, op, name, "INI files are not supported", "encrypt it as a whole: sops encrypt --input-type binary")
	}
	return k.binary(name, text)
}

func tooLarge(name string) error {
	return fault.New(fault.Invalid, op, name, fmt.Sprintf("it is larger than %d MiB", maxFile>>20), "split it")
}

func malformed(name, why string) error {
	return fault.New(fault.Invalid, op, name, why, "encrypt it again with sops")
}

func denied(name string, err error) error {
	return fault.New(fault.Denied, op, name, err.Error(), "compare it with its history in Git; it was encrypted for other keys, or changed without sops")
}

// json decrypts JSON. It is YAML as well, but has to stay JSON.
func (k *Keys) json(name string, text []byte) ([]byte, error) {
	if !json.Valid(text) {
		return nil, malformed(name, "it is no JSON")
	}
	clear, err := k.YAML(name, text)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(clear, &doc); err != nil || len(doc.Content) != 1 {
		return nil, malformed(name, "the decrypted values make no JSON")
	}
	out, err := appendJSON(nil, doc.Content[0], 0)
	if err != nil {
		return nil, malformed(name, "the decrypted values make no JSON")
	}
	return append(out, '\n'), nil
}

// appendJSON writes a tree as JSON, with its keys in their order and its
// numbers as they are written.
func appendJSON(out []byte, n *yaml.Node, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errors.New("too deep")
	}
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		out = append(out, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out = append(out, ',')
			}
			key, keyErr := json.Marshal(n.Content[i].Value)
			if keyErr != nil {
				return nil, keyErr
			}
			if out, err = appendJSON(append(append(out, key...), ':'), n.Content[i+1], depth+1); err != nil {
				return nil, err
			}
		}
		return append(out, '}'), nil
	case yaml.SequenceNode:
		out = append(out, '[')
		for i, c := range n.Content {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = appendJSON(out, c, depth+1); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	}
	if n.Tag == "!!int" || n.Tag == "!!float" {
		if json.Valid([]byte(n.Value)) {
			return append(out, n.Value...), nil
		}
	}
	var v any
	if n.Tag == "!!str" || n.Tag == "!!timestamp" {
		v = n.Value
	} else if err := n.Decode(&v); err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	return append(out, text...), err
}

// binary decrypts a file that is one value in a JSON wrapper.
func (k *Keys) binary(name string, text []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || !json.Valid(text) {
		return nil, malformed(name, "it is no file that SOPS wrote")
	}
	meta, err := takeMetadata(&doc)
	if err != nil || meta == nil {
		return nil, malformed(name, "its metadata cannot be read")
	}
	top := doc.Content[0]
	if len(top.Content) != 2 || top.Content[0].Value != "data" || top.Content[1].Kind != yaml.ScalarNode {
		return nil, malformed(name, "it is not one value")
	}
	if err := k.decrypt([]*yaml.Node{&doc}, meta); err != nil {
		return nil, denied(name, err)
	}
	return []byte(top.Content[1].Value), nil
}

// envPrefix is what the metadata's names begin with in dotenv files.
const envPrefix = "sops_"

// dotenv decrypts lines of NAME=VALUE, in which \n stands for a new line.
func (k *Keys) dotenv(name string, text []byte) ([]byte, error) {
	values := &yaml.Node{Kind: yaml.MappingNode}
	plain := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue // comments are dropped, encrypted or not
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, malformed(name, "a line of it is not NAME=VALUE")
		}
		value = strings.ReplaceAll(value, `\n`, "\n")
		if meta, ok := strings.CutPrefix(key, envPrefix); ok {
			plain[meta] = value
			continue
		}
		values.Content = append(values.Content, scalar(key), scalar(value))
	}
	meta, err := flatMetadata(plain)
	if err != nil {
		return nil, malformed(name, err.Error())
	}
	if err := k.decrypt([]*yaml.Node{{Kind: yaml.DocumentNode, Content: []*yaml.Node{values}}}, meta); err != nil {
		return nil, denied(name, err)
	}
	var out strings.Builder
	for i := 0; i+1 < len(values.Content); i += 2 {
		out.WriteString(values.Content[i].Value + "=" + strings.ReplaceAll(values.Content[i+1].Value, "\n", `\n`) + "\n")
	}
	return []byte(out.String()), nil
}

func scalar(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// flatMetadata reads metadata whose structure is in its names.
func flatMetadata(plain map[string]string) (*metadata, error) {
	m := &metadata{
		LastModified: plain["lastmodified"], MAC: plain["mac"], MACOnlyEncrypted: plain["mac_only_encrypted"] == "true", Version: plain["version"],
		UnencryptedSuffix: plain["unencrypted_suffix"], EncryptedSuffix: plain["encrypted_suffix"], UnencryptedRegex: plain["unencrypted_regex"], EncryptedRegex: plain["encrypted_regex"],
		UnencryptedCommentRegex: plain["unencrypted_comment_regex"], EncryptedCommentRegex: plain["encrypted_comment_regex"],
	}
	if m.MAC == "" {
		return nil, errors.New("its metadata cannot be read")
	}
	if n, err := strconv.Atoi(plain["shamir_threshold"]); err == nil {
		m.ShamirThreshold = n
	}
	for key := range plain {
		if strings.HasPrefix(key, "key_groups") {
			m.KeyGroups = append(m.KeyGroups, key)
		}
	}
	for i := range maxRecipients {
		enc, ok := plain["age__list_"+strconv.Itoa(i)+"__map_enc"]
		if !ok {
			break
		}
		m.Age = append(m.Age, recipient{Recipient: plain["age__list_"+strconv.Itoa(i)+"__map_recipient"], Enc: enc})
	}
	return m, nil
}
