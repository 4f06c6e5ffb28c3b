// Package api holds the checks of manifests against the API they are sent to:
// versions that are no longer served, custom resources that their definition
// refuses, keys that stand twice, and admission that blocks or does nothing.
package api

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		removedAPI,
		deprecatedAPI,
		schemaFit,
		duplicateKey,
		webhookFailurePolicy,
		admissionPolicyBinding,
	}
}
