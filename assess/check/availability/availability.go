// Package availability holds the checks of what keeps a service up through
// releases, drains and the failure of a node, and of Jobs that clean up after
// themselves.
package availability

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		replicas,
		rolloutStrategy,
		spread,
		jobTTL,
		cronJobDeadline,
		cronJobConcurrency,
		priorityClass,
		duplicateEnv,
		ownerLabels,
		telemetryIdentity,
		pdbMissing,
		pdbBlocksEviction,
		pdbUnhealthyPolicy,
		pdbSelectsNothing,
		pdbHPA,
		rwoVolumeShared,
	}
}
