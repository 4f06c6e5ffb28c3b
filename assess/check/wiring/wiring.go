// Package wiring holds the checks that every reference between objects
// resolves: Services and ports, Ingresses and routes, autoscalers, selectors,
// monitors, ConfigMaps and Secrets.
package wiring

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		routeParent,
		routeBackend,
		routeReferenceGrant,
		gatewayTLSSecret,
		serviceSelectsNothing,
		serviceTargetPort,
		ingressBackend,
		hpaTarget,
		hpaReplicas,
		hpaMinReplicas,
		hpaRequest,
		hpaVPAConflict,
		selectorMismatch,
		statefulsetService,
		serviceMonitorSelectsNothing,
		configmapMissing,
		configmapKeyMissing,
		secretMissing,
		secretKeyMissing,
		imagePullSecretMissing,
		ingressTLSSecretMissing,
	}
}
