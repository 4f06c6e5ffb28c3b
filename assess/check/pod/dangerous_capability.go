package pod

import (
	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/podsecurity"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// danger is what a capability lets a container do.
type danger struct {
	name     string
	severity ops.Severity
	// bounded means that the capability reaches only the pod's own network, so
	// it is as severe as that only with hostNetwork.
	bounded bool
	does    string
}

var dangers = []danger{
	{"ALL", ops.Critical, false, "every right that the kernel knows: as good as privileged"},
	{"SYS_ADMIN", ops.Critical, false, "mounting file systems and much else: a known way out of the container"},
	{"SYS_MODULE", ops.Critical, false, "loading code into the node's kernel"},
	{"SYS_RAWIO", ops.Critical, false, "reading and writing the node's memory and devices"},
	{"DAC_READ_SEARCH", ops.High, false, "opening any file of the node's file systems by its handle"},
	{"SYS_PTRACE", ops.High, false, "reading and changing the memory of other processes"},
	{"BPF", ops.High, false, "loading programs into the node's kernel"},
	{"PERFMON", ops.High, false, "observing the node's kernel and other workloads"},
	{"SYS_BOOT", ops.High, false, "restarting the node"},
	{"SYS_TIME", ops.High, false, "changing the node's clock, on which logs and certificates rest"},
	{"SYSLOG", ops.High, false, "reading the kernel's log and addresses"},
	{"MAC_ADMIN", ops.High, false, "changing the node's mandatory access policy"},
	{"MAC_OVERRIDE", ops.High, false, "getting around the node's mandatory access policy"},
	{"AUDIT_CONTROL", ops.High, false, "switching off the node's audit"},
	{"CHECKPOINT_RESTORE", ops.High, false, "taking over the state of processes"},
	{"NET_ADMIN", ops.High, true, "changing addresses, routes and packet filters"},
	{"NET_RAW", ops.Medium, false, "forging packets, and so answering for other pods in the same network"},
}

// dangerOf returns what a capability (without CAP_) lets a container do, nil
// if it is not one of those to be feared.
func dangerOf(name string) *danger {
	for i := range dangers {
		if dangers[i].name == name {
			return &dangers[i]
		}
	}
	return nil
}

var dangerousCapability = &check.Check{
	ID: "k8s-dangerous-capability", Name: "dangerous-capability", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K04"},
	Practices: restricted,
	Facts:     isolated,
	Container: func(p *check.Pass, c *graph.Container) {
		for _, n := range c.Security().At("capabilities", "add").Items() {
			d := dangerOf(capability(n))
			if d == nil {
				continue
			}
			severity, where := d.severity, ""
			if d.bounded && !c.Pod.Spec.Get("hostNetwork").True() {
				severity, where = ops.Medium, " of its pod's network"
			} else if d.bounded {
				where = " of its node"
			}
			if podsecurity.UserNamespace(c.Pod) && severity > ops.Medium {
				severity, where = ops.Medium, where+" (inside the pod's user namespace)"
			}
			p.Fail(n, "", "container %q adds %s: %s%s", c.Name, d.name, d.does, where).As(severity)
		}
	},
}
