package scorecard

import (
	"fmt"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

// kubernetesRules judge security, resources and health checks.
var kubernetesRules = map[string]rule{
	"pod-security-restricted":    {subject: hasWorkloads, absent: noWorkloads, checks: true},
	"least-privilege-containers": {subject: hasWorkloads, absent: noWorkloads, checks: true},
	"rbac-least-privilege":       {subject: hasKubernetes, absent: noKubernetes, checks: true},
	"network-default-deny":       {subject: hasWorkloads, absent: noWorkloads, checks: true},
	"network-exposure-controlled": {subject: hasExposure, checks: true,
		absent: "there is no Service, Ingress or Gateway here"},
	"secrets-managed-outside-git": {subject: hasKubernetes, absent: noKubernetes, collect: secrets,
		missing: "no External Secret, Sealed Secret, SOPS file or secret store is declared"},
	"image-scanning": {subject: hasImages, absent: noImages, collect: imageScanning,
		missing: "images are built here and nothing scans them",
		beyond:  "whether findings are fixed in time is for the ledger to tell"},
	"image-signatures": {subject: hasImages, absent: noImages, collect: imageSignatures, marker: true,
		missing: "nothing here signs images or verifies them at admission"},
	"immutable-images": {subject: hasWorkloads, absent: noWorkloads, checks: true},
	"runtime-monitoring": {subject: hasWorkloads, absent: noWorkloads, collect: runtimeMonitoring,
		missing: "no Falco, Tetragon or other sensor is declared" + notHere},
	"cis-benchmark": {subject: hasKubernetes, absent: noKubernetes, collect: benchmark,
		missing: "no kube-bench job is declared" + notHere},
	"policy-at-admission": {subject: hasKubernetes, absent: noKubernetes, collect: admission, marker: true,
		missing: "no Gatekeeper, Kyverno or ValidatingAdmissionPolicy rule is declared" + notHere},

	"requests-and-limits":         {subject: hasWorkloads, absent: noWorkloads, checks: true},
	"guaranteed-qos-for-critical": {subject: hasWorkloads, absent: noWorkloads, checks: true},
	"autoscaling": {subject: hasRunning, absent: "nothing here runs continuously", collect: autoscaling, marker: true,
		missing: "no HorizontalPodAutoscaler, VerticalPodAutoscaler or ScaledObject is declared"},
	"availability": {subject: hasRunning, absent: "nothing here runs continuously", checks: true},
	"wiring":       {subject: hasKubernetes, absent: noKubernetes, checks: true},

	"liveness":    {subject: hasRunning, absent: "nothing here runs continuously", checks: true},
	"readiness":   {subject: hasRunning, absent: "nothing here runs continuously", checks: true},
	"startup":     {subject: hasRunning, absent: "nothing here runs continuously", checks: true},
	"named-ports": {subject: hasRunning, absent: "nothing here runs continuously", checks: true},
}

func hasExposure(j *judge) bool {
	return j.have("Service", "Ingress", "Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "Route", "IngressRoute", "VirtualService")
}

// secrets looks for where secret values come from.
func secrets(j *judge, t *tally) {
	for kind, note := range map[string]string{
		"ExternalSecret": "comes from a secret store", "ClusterExternalSecret": "comes from a secret store", "SealedSecret": "is sealed",
		"SecretStore": "a secret store is connected", "ClusterSecretStore": "a secret store is connected", "SecretProviderClass": "comes through the CSI driver",
		"VaultStaticSecret": "comes from Vault", "VaultDynamicSecret": "comes from Vault", "SopsSecret": "is encrypted by SOPS",
	} {
		j.each(kind, func(o *graph.Object) { j.good(t, o, o.Body, "%s", note) })
	}
	for _, w := range j.workloads {
		for _, o := range w.renderings {
			if o.Pod.Annotation("vault.hashicorp.com/agent-inject") == "true" {
				j.good(t, o, o.Body, "Vault injects secrets")
			}
		}
	}
	if t.good > 0 {
		return
	}
	reads := 0
	for _, g := range j.Graphs {
		reads += len(g.Kind("Secret"))
		for _, m := range g.Missing {
			if m.TargetKind == "Secret" && m.Holder == nil && !m.Optional {
				reads++
			}
		}
	}
	if reads > 0 {
		t.gap(false, "nothing here says where the values of "+count(reads, "Secret")+" come from")
	}
}

func imageScanning(j *judge, t *tally) {
	j.installs(t, "%s scans what runs in the cluster", "trivy-operator", "starboard-operator", "kubeclarity")
	if t.good+t.bad == 0 && !buildsImages(j) {
		unknownPart(t, "images are built elsewhere: look in the pipelines that build them and in the registry")
	}
	if j.scan.pipeline["image-scanning"] {
		return
	}
	if t.good > 0 && buildsImages(j) {
		t.gap(false, "no pipeline here scans images before they are pushed")
	}
}

// unknownPart makes a practice unknown rather than missing where nothing was
// seen and this is no wonder.
func unknownPart(t *tally, reason string) {
	t.elsewhere = reason
}

// imageSignatures looks for signatures made in the pipeline and verified at
// admission.
func imageSignatures(j *judge, t *tally) {
	signed := j.scan.pipeline["image-signatures"] || t.good > 0
	before := t.good
	for _, kind := range []string{"ClusterPolicy", "Policy"} {
		j.each(kind, func(o *graph.Object) {
			for _, r := range o.Spec().Get("rules").Items() {
				for _, v := range r.Get("verifyImages").Items() {
					action := firstText(v.Get("failureAction"), o.Spec().Get("validationFailureAction"))
					j.verdict(t, strings.EqualFold(action, "enforce"), o, v, "Kyverno verifies signatures", "signatures are only reported on, not enforced")
				}
			}
		}, "kyverno.io")
	}
	j.each("ImageValidatingPolicy", func(o *graph.Object) { j.good(t, o, o.Body, "Kyverno verifies images") })
	j.each("ClusterImagePolicy", func(o *graph.Object) {
		j.verdict(t, o.Spec().Get("mode").Text() != "warn", o, o.Body, "the policy controller verifies signatures", "signatures are only warned about")
	})
	j.installs(t, "%s verifies signatures", "connaisseur", "ratify")
	verified := t.good > before
	if !signed && !verified {
		return
	}
	t.gap(signed, "no pipeline here signs images")
	t.gap(verified, "nothing here verifies signatures at admission")
	if signed && verified && t.bad == 0 {
		t.lead = "the pipeline signs images and the cluster is told to verify them"
	}
}

func firstText(nodes ...tree.Node) string {
	for _, n := range nodes {
		if n.Text() != "" {
			return n.Text()
		}
	}
	return ""
}

// runtimeMonitoring looks for a sensor on every node whose alerts go somewhere.
func runtimeMonitoring(j *judge, t *tally) {
	names := []string{"falco", "tetragon", "tracee", "kubearmor", "sysdig", "neuvector"}
	routed := j.installs(&tally{}, "%s", "falcosidekick", "falco-exporter", "tetragon-exporter") || j.have("TracingPolicy") && j.have("AlertmanagerConfig")
	if !j.installs(t, "%s watches what runs", names...) && t.good == 0 {
		return
	}
	j.runs(func(o *graph.Object, image tree.Node, name string) {
		if o.Kind != "DaemonSet" {
			return
		}
		everywhere := o.Pod.Spec.Get("nodeSelector").Len() == 0
		all := false
		for _, tol := range o.Pod.Spec.Get("tolerations").Items() {
			all = all || tol.Get("operator").Text() == "Exists" && tol.Get("key").IsNull()
		}
		t.gap(everywhere && all, fmt.Sprintf("%s does not reach every node: it has a node selector or does not tolerate all taints", o.Name))
	}, names...)
	t.gap(routed, "nothing here shows who gets its alerts")
}

func benchmark(j *judge, t *tally) {
	j.runs(func(o *graph.Object, image tree.Node, name string) {
		j.verdict(t, o.Kind == "CronJob", o, image, name+" runs on a schedule", name+" runs once, not on a schedule")
	}, "kube-bench")
	j.installs(t, "%s compares the cluster with the benchmark", "kubescape-operator", "trivy-operator")
	if t.good+t.bad > 0 {
		t.gap(false, "its results are in the cluster")
	} else {
		unknownPart(t, "its results are in the cluster: connect one to see when kube-bench or equal checks ran last")
	}
}

// admission looks for rules that are bound and refuse.
func admission(j *judge, t *tally) {
	for _, kind := range []string{"ClusterPolicy", "Policy"} {
		j.each(kind, func(o *graph.Object) { kyvernoPolicy(j, t, o) }, "kyverno.io")
	}
	for _, kind := range []string{"ValidatingPolicy", "ImageValidatingPolicy"} {
		j.each(kind, func(o *graph.Object) { actions(j, t, o) }, "policies.kyverno.io")
	}
	j.each("ValidatingAdmissionPolicyBinding", func(o *graph.Object) { actions(j, t, o) }, "admissionregistration.k8s.io")
	j.eachInGroup("constraints.gatekeeper.sh", func(o *graph.Object) {
		n := o.Spec().Get("enforcementAction")
		j.verdict(t, n.Text() == "" || n.Text() == "deny" || n.Text() == "scoped", o, n, "Gatekeeper denies", "Gatekeeper only reports ("+n.Text()+")")
	})
	for _, kind := range []string{"ClusterAdmissionPolicy", "AdmissionPolicy"} {
		j.each(kind, func(o *graph.Object) {
			n := o.Spec().Get("mode")
			j.verdict(t, n.Text() != "monitor", o, n, "Kubewarden rejects", "Kubewarden only monitors")
		}, "policies.kubewarden.io")
	}
	if t.good > 0 && t.bad > 0 {
		t.lead = fmt.Sprintf("of %s, %d %s what breaks them and %d only %s", count(t.good+t.bad, "rule"), t.good, verb(t.good, "refuse"), t.bad, verb(t.bad, "report"))
	} else if t.good > 0 {
		t.lead = are(t.good, "rule") + " told to refuse what breaks them"
	} else if t.bad > 0 {
		t.lead = count(t.bad, "rule") + " declared, but only to report"
	}
}

func kyvernoPolicy(j *judge, t *tally, o *graph.Object) {
	whole := o.Spec().Get("validationFailureAction")
	for _, r := range o.Spec().Get("rules").Items() {
		v := r.Get("validate")
		if !v.Exists() {
			continue
		}
		at := v.Get("failureAction")
		if !at.Exists() {
			at = whole
		}
		j.verdict(t, strings.EqualFold(at.Text(), "enforce"), o, at, "Kyverno enforces", "Kyverno only audits")
	}
	for _, r := range o.Spec().Get("rules").Items() {
		for _, v := range r.Get("verifyImages").Items() {
			at := v.Get("failureAction")
			j.verdict(t, strings.EqualFold(firstText(at, whole), "enforce"), o, at, "Kyverno enforces", "Kyverno only audits")
		}
	}
}

// actions judges what a binding does with what its policy refuses.
func actions(j *judge, t *tally, o *graph.Object) {
	n := o.Spec().Get("validationActions")
	deny := !n.Exists() && o.Kind != "ValidatingAdmissionPolicyBinding"
	for _, a := range n.Strings() {
		deny = deny || a == "Deny"
	}
	j.verdict(t, deny, o, n, "denies", "warns or audits only")
}

// autoscaling looks for scalers of pods and of nodes.
func autoscaling(j *judge, t *tally) {
	scaled := map[string]bool{}
	for _, kind := range []string{"HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler"} {
		j.each(kind, func(o *graph.Object) {
			if mode := o.Spec().At("updatePolicy", "updateMode"); mode.Text() == "Off" {
				j.bad(t, o, mode, "only recommends, changes nothing")
				return
			}
			j.good(t, o, o.Body, "scales a workload")
			for e := range o.Out(graph.Scales) {
				if key := j.workloadOf[e.To.Ref]; key != "" {
					scaled[key] = true
				}
			}
		})
	}
	nodes := &tally{}
	for _, kind := range []string{"NodePool", "Provisioner"} {
		j.each(kind, func(o *graph.Object) { j.good(nodes, o, o.Body, "Karpenter adds nodes") }, "karpenter.sh")
	}
	j.installs(nodes, "%s adds nodes", "cluster-autoscaler", "karpenter")
	for _, e := range nodes.forIt.list {
		t.note(e)
	}
	if nodes.good == 0 {
		t.also = append(t.also, "whether nodes are scaled too can only be seen in the cluster or the cloud account")
	}
	if len(scaled) > 0 {
		n := 0
		j.running(func(*workload) { n++ })
		t.also = append([]string{fmt.Sprintf("autoscalers scale %d of %s that run continuously", len(scaled), count(n, "workload"))}, t.also...)
	}
}

// scanned adds the signals of a part of a practice, such as "logs/store", and
// reports whether there were any.
func (j *judge) scanned(t *tally, part string) bool {
	found := false
	for _, e := range j.scan.signals[part] {
		t.note(e)
		found = found || e.Status == ops.Pass
	}
	return found
}
