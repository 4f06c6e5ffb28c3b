package report

import (
	"net/url"
	"path"
	"strings"

	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/ops"
)

// The parts of SARIF 2.1.0 that we write, named and ordered as in the standard.
type (
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifRule struct {
		ID         string              `json:"id"`
		Name       string              `json:"name,omitempty"`
		Short      sarifText           `json:"shortDescription"`
		Full       sarifText           `json:"fullDescription"`
		Default    sarifLevel          `json:"defaultConfiguration"`
		HelpURI    string              `json:"helpUri,omitempty"`
		Help       sarifText           `json:"help"`
		Properties sarifRuleProperties `json:"properties"`
	}
	sarifRuleProperties struct {
		Tags      []string `json:"tags"`
		Precision string   `json:"precision,omitempty"`
		Security  string   `json:"security-severity,omitempty"`
		Problem   string   `json:"problem.severity,omitempty"`
	}
	sarifDescriptor struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
	}
	sarifReference struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID       string                `json:"ruleId"`
		RuleIndex    *int                  `json:"ruleIndex,omitempty"`
		Kind         string                `json:"kind"`
		Level        string                `json:"level"`
		Message      sarifText             `json:"message"`
		Locations    []sarifLocation       `json:"locations"`
		Fingerprints map[string]string     `json:"partialFingerprints,omitempty"`
		Suppressions []sarifSuppression    `json:"suppressions"`
		Fixes        []sarifFix            `json:"fixes,omitempty"`
		Properties   sarifResultProperties `json:"properties"`
	}
	sarifResultProperties struct {
		Status   ops.Status `json:"status"`
		Severity string     `json:"severity,omitempty"`
		Path     string     `json:"path,omitempty"`
		Via      []string   `json:"via,omitempty"`
		Controls []string   `json:"controls,omitempty"`
		Origin   string     `json:"origin,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion   `json:"deletedRegion"`
		Inserted *sarifContent `json:"insertedContent,omitempty"`
	}
	sarifContent struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Execution     []sarifNotification `json:"toolExecutionNotifications"`
		Configuration []sarifNotification `json:"toolConfigurationNotifications"`
	}
	sarifNotification struct {
		Descriptor sarifReference  `json:"descriptor"`
		Level      string          `json:"level"`
		Message    sarifText       `json:"message"`
		Locations  []sarifLocation `json:"locations,omitempty"`
	}
	sarifProperties struct {
		Target  string         `json:"target"`
		Commit  string         `json:"commit,omitempty"`
		Summary assess.Summary `json:"summary"`
		LeftOut int            `json:"resultsLeftOut"`
	}
)

var sarifNotices = []sarifDescriptor{
	{"exception", sarifText{Text: "A remark about an exception"}},
	{"input-unknown", sarifText{Text: "An input could not be evaluated"}},
	{"results-left-out", sarifText{Text: "Results were left out because of a limit"}},
}

// sarifPlain makes a text safe as a message: nothing in it is read as an
// embedded link, [text](target), or as a placeholder, {0}.
func sarifPlain(s string) string {
	s = strings.ReplaceAll(plain(s), "](", "] (")
	if !strings.Contains(s, "{") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		end := i + 1
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if s[i] == '{' && end > i+1 && end < len(s) && s[end] == '}' {
			b.WriteString("{" + s[i:end] + "}}")
			i = end
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// relativeURI percent-encodes a file's path as a relative reference.
func relativeURI(file string) string {
	if file == "" {
		return ""
	}
	u := (&url.URL{Path: strings.TrimPrefix(path.Clean("/"+strings.ToValidUTF8(file, "\ufffd")), "/")}).EscapedPath()
	// A first segment with a colon would be read as a scheme.
	if head, _, _ := strings.Cut(u, "/"); strings.Contains(head, ":") {
		u = strings.Replace(u, ":", "%3A", 1)
		for strings.Contains(strings.SplitN(u, "/", 2)[0], ":") {
			u = strings.Replace(u, ":", "%3A", 1)
		}
	}
	return u
}

// webAddress returns a reference if it is an address of the web.
func webAddress(ref string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(ref))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", false
	}
	return u.String(), true
}

// camel is the PascalCase name that the standard asks of rules.
func camel(id string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(inline(id), func(r rune) bool { return r == '-' || r == '/' || r == ' ' }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
