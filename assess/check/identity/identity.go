// Package identity holds the checks of who may do what: service accounts and
// their tokens, roles and bindings, and the ways from a small right to a great
// one.
package identity

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		tokenAutomount,
		defaultServiceAccount,
		serviceAccountMissing,
		rbacWildcard,
		clusterAdminBinding,
		rbacReadSecrets,
		rbacCreateWorkloads,
		rbacExec,
		rbacEscalate,
		rbacWebhooks,
		rbacCSRApproval,
		rbacNodesProxy,
		rbacTokenCreate,
		rbacPersistentVolumes,
		awsAuth,
		anonymousBinding,
		rbacUnused,
		privilegePath,
	}
}
