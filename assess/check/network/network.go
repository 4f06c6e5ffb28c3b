// Package network holds the checks of who can talk to whom: network policies
// of every engine, and what is published beyond the cluster.
package network

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		podNotIsolated,
		defaultDenyIngress,
		defaultDenyEgress,
		networkPolicySelectsNothing,
		networkPolicyPeerSelectsNothing,
		networkPolicyOpen,
		networkPolicyDNS,
		networkPolicyCutsFlow,
		serviceExposure,
		externalIPs,
		ingressTLS,
		ingressWildcardHost,
		ingressDuplicate,
		ingressSnippet,
		ingressNginxRetired,
		internetPathToSecrets,
	}
}

// policyKinds are the kinds of network policies, of every engine.
var policyKinds = []string{
	"NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "GlobalNetworkPolicy",
	"AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy",
}
