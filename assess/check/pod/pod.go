// Package pod holds the checks of what a pod and its containers may do on
// their node: privileges, users, capabilities, host access, the Pod Security
// Standards.
package pod

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		privilegedContainer,
		privilegeEscalation,
		capabilitiesDropAll,
		capabilitiesAdded,
		dangerousCapability,
		runAsRoot,
		lowUserID,
		rootGroup,
		writableRootFilesystem,
		seccompProfile,
		appArmorProfile,
		selinuxOptions,
		hostPID,
		hostIPC,
		hostNetwork,
		hostPort,
		windowsHostProcess,
		hostPath,
		hostPathSensitive,
		containerRuntimeSocket,
		procMount,
		unsafeSysctl,
		volumeType,
		probeHost,
		podSecurity,
		namespacePodSecurityLabels,
		namespacePodSecurityVersion,
		userNamespace,
	}
}
