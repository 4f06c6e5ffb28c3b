// Package resources holds the checks of what workloads ask of their nodes:
// requests and limits, quality of service, quotas.
package resources

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		cpuRequest,
		memoryRequest,
		memoryLimit,
		cpuLimit,
		ephemeralStorage,
		qosCritical,
		requestLimitRatio,
		resourceQuota,
		limitRange,
	}
}

// practices and facts that the checks of this area share.
var (
	requestsAndLimits = []string{"requests-and-limits"}
	declared          = []check.Fact{{Number: 42, Strength: check.Direct}}
)
