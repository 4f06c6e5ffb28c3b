package scorecard

import (
	"fmt"
	"strings"

	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
)

// deliveryRules judge how new versions arrive.
var deliveryRules = map[string]rule{
	"canary":     {subject: canarySubject, absent: "nothing here runs continuously, or blue-green releases are used instead", collect: canary, missing: "no canary strategy is declared"},
	"blue-green": {subject: blueGreenSubject, absent: "nothing here runs continuously, or canary releases are used instead", collect: blueGreen, missing: "no blue-green strategy is declared"},
	"automated-rollback": {subject: hasRunning, absent: "nothing here runs continuously", collect: rollback,
		missing: "nothing here puts the last good version back",
		beyond:  "whether it ever did is for the ledger to tell"},
}

// complianceRules judge what can be proved.
var complianceRules = map[string]rule{
	"control-mapping":     {subject: hasOutcomes, absent: "nothing was checked that could be mapped", collect: mapping, missing: "nothing is mapped"},
	"continuous-evidence": {elsewhere: "the ledger shows it: evidence is collected by aeod, which keeps its age"},
	"audit-log":           {collect: auditLog},
	"data-residency": {subject: hasManifests, absent: "there is neither Kubernetes nor Terraform here", collect: residency,
		missing: "no region is declared here" + notHere},
	"encryption": {subject: hasManifests, absent: "there is neither Kubernetes nor Terraform here", collect: encryption,
		missing: "nothing here encrypts volumes, secrets or traffic" + notHere},
	"segmentation": {subject: hasSensitive, absent: "no workload here says, by a name or a label, that it handles payment or personal data", collect: segmentation,
		missing: "no network policy isolates a workload that handles payment or personal data"},
	"retention-and-erasure": {elsewhere: "the ledger shows it: retention classes, erasures and legal holds are recorded there"},
}

// strategies counts what rolls new versions out by each strategy.
func (j *judge) strategies() (canaries, blueGreens int) {
	j.each("Rollout", func(o *graph.Object) {
		switch s := o.Spec().Get("strategy"); {
		case s.Get("canary").Exists():
			canaries++
		case s.Get("blueGreen").Exists():
			blueGreens++
		}
	}, "argoproj.io")
	j.each("Canary", func(o *graph.Object) {
		if o.Spec().At("analysis", "iterations").Exists() {
			blueGreens++
		} else {
			canaries++
		}
	}, "flagger.app")
	return canaries, blueGreens
}

func canarySubject(j *judge) bool {
	c, b := j.strategies()
	return c > 0 || b == 0 && hasRunning(j)
}

func blueGreenSubject(j *judge) bool {
	c, b := j.strategies()
	return b > 0 || c == 0 && hasRunning(j)
}

func canary(j *judge, t *tally) {
	j.each("Rollout", func(o *graph.Object) {
		c := o.Spec().At("strategy", "canary")
		if !c.Exists() {
			return
		}
		analysed := c.Has("analysis")
		for _, s := range c.Get("steps").Items() {
			analysed = analysed || s.Has("analysis") || s.Has("experiment")
		}
		j.verdict(t, analysed, o, c, "an analysis decides whether the canary goes on", "the canary goes on without an analysis")
	}, "argoproj.io")
	j.each("Canary", func(o *graph.Object) {
		a := o.Spec().Get("analysis")
		if !a.Get("iterations").Exists() {
			j.verdict(t, a.Get("metrics").Len() > 0, o, a, "an analysis decides whether the canary goes on", "the canary goes on without a metric")
		}
	}, "flagger.app")
	covered(j, t)
}

func blueGreen(j *judge, t *tally) {
	j.each("Rollout", func(o *graph.Object) {
		b := o.Spec().At("strategy", "blueGreen")
		if b.Exists() {
			j.verdict(t, b.Has("prePromotionAnalysis") || b.Has("postPromotionAnalysis"), o, b, "an analysis decides whether traffic switches", "traffic switches without an analysis")
		}
	}, "argoproj.io")
	j.each("Canary", func(o *graph.Object) {
		a := o.Spec().Get("analysis")
		if a.Get("iterations").Exists() {
			j.verdict(t, a.Get("metrics").Len() > 0, o, a, "an analysis decides whether traffic switches", "traffic switches without a metric")
		}
	}, "flagger.app")
	covered(j, t)
}

// covered says how many workloads are rolled out by analysis.
func covered(j *judge, t *tally) {
	n := 0
	j.running(func(*workload) { n++ })
	if t.good+t.bad > 0 {
		t.lead = fmt.Sprintf("%s with an analysis and %d without, among %s that run continuously", count(t.good, "release"), t.bad, count(n, "workload"))
	}
}

func rollback(j *judge, t *tally) {
	strategies := &tally{}
	canary(j, strategies)
	blueGreen(j, strategies)
	for _, e := range append(strategies.forIt.list, strategies.against.list...) {
		if e.Note = "a failed analysis puts the last version back"; e.Status != "pass" {
			e.Note = "without an analysis nothing puts the last version back"
		}
		t.note(e)
	}
	j.each("HelmRelease", func(o *graph.Object) {
		r := o.Spec().At("upgrade", "remediation")
		if r.Get("retries").IntOr(0) != 0 || r.Get("strategy").Text() == "rollback" || r.Get("remediateLastFailure").True() {
			j.good(t, o, r, "a failed upgrade is rolled back")
		}
	}, "helm.toolkit.fluxcd.io")
}

func hasOutcomes(j *judge) bool {
	for _, o := range j.Outcomes {
		if o.Passed+len(o.Findings) > 0 {
			return true
		}
	}
	return false
}

// mapping counts the findings that carry control ids.
func mapping(j *judge, t *tally) {
	findings, mapped := 0, 0
	for _, o := range j.Outcomes {
		findings += len(o.Findings)
		for i := range o.Findings {
			if f := &o.Findings[i]; len(f.Controls) > 0 {
				mapped++
				t.count(Evidence{File: f.File, Line: f.Line, Object: f.Object.String(), Check: f.Check, Status: "pass", Note: "maps to " + strings.Join(f.Controls, ", ")})
			}
		}
	}
	if findings == 0 {
		unknownPart(t, "there is no finding to map; the reference of checks lists their controls")
		return
	}
	t.lead = fmt.Sprintf("this report maps %d of %s to controls", mapped, count(findings, "finding"))
	t.gap(false, "checks outside Kubernetes do not exist yet, so their controls are not covered")
}

func auditLog(j *judge, t *tally) {
	j.each("Policy", func(o *graph.Object) {
		logged := false
		for _, r := range o.Body.Get("rules").Items() {
			logged = logged || r.Get("level").Text() != "None"
		}
		j.verdict(t, logged, o, o.Body.Get("rules"), "the API server's audit policy", "the audit policy logs nothing")
	}, "audit.k8s.io")
	where := "the ledger and the API server's own settings show the rest: connect a cluster"
	if t.good+t.bad > 0 {
		t.lead = "an audit policy is kept here"
		t.gap(false, where)
	} else {
		unknownPart(t, "the ledger and the API server's settings show it: connect a cluster")
	}
}

func residency(j *judge, t *tally) {
	j.each("StorageClass", func(o *graph.Object) {
		if n := o.Body.Get("allowedTopologies"); n.Len() > 0 {
			j.good(t, o, n, "volumes are bound to a place")
		}
	})
	const region = "topology.kubernetes.io/region"
	for _, w := range j.workloads {
		for _, o := range w.renderings {
			if n := o.Pod.Spec.At("nodeSelector", region); n.Exists() {
				j.good(t, o, n, "nodes are bound to a region")
			}
			terms := o.Pod.Spec.At("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
			for _, term := range terms.Items() {
				for _, e := range term.Get("matchExpressions").Items() {
					if e.Get("key").Text() == region {
						j.good(t, o, e, "nodes are bound to a region")
					}
				}
			}
		}
	}
	if t.good > 0 {
		t.lead = "regions are declared in " + count(t.good, "place")
		t.gap(false, "where buckets, backups and outgoing traffic go is not evaluated")
	}
}

// encryption looks at volumes and secrets at rest, and at traffic.
func encryption(j *judge, t *tally) {
	j.each("StorageClass", func(o *graph.Object) {
		p := o.Body.Get("parameters")
		set := truthy(p.Get("encrypted")) || p.Has("kmsKeyId") || p.Has("disk-encryption-kms-key") || p.Has("diskEncryptionSetID") || p.Has("csi.storage.k8s.io/node-stage-secret-name")
		if set || strings.Contains(o.Body.Get("provisioner").Text(), "ebs") {
			j.verdict(t, set, o, p, "volumes are encrypted", "volumes are not told to be encrypted")
		}
	})
	j.each("EncryptionConfiguration", func(o *graph.Object) {
		for _, r := range o.Body.Get("resources").Items() {
			first := r.Get("providers").Index(0)
			j.verdict(t, !first.Get("identity").Exists(), o, first, "secrets are encrypted in etcd", "secrets lie readable in etcd")
		}
	})
	rest := t.good > 0
	before := t.good
	j.each("PeerAuthentication", func(o *graph.Object) {
		m := o.Spec().At("mtls", "mode")
		j.verdict(t, m.Text() == "STRICT", o, m, "traffic between pods is encrypted", "traffic between pods may be readable")
	})
	j.each("Ingress", func(o *graph.Object) {
		n := o.Spec().Get("tls")
		j.verdict(t, n.Len() > 0, o, n, "uses TLS at the edge", "has no TLS")
	})
	j.each("Gateway", func(o *graph.Object) {
		for _, l := range o.Spec().Get("listeners").Items() {
			if p := l.Get("protocol"); p.Text() == "HTTPS" || p.Text() == "TLS" {
				j.good(t, o, l, "uses TLS at the edge")
			}
		}
	}, "gateway.networking.k8s.io")
	for _, w := range j.workloads {
		for _, o := range w.renderings {
			if o.Pod.Annotation("linkerd.io/inject") == "enabled" {
				j.good(t, o, o.Body, "Linkerd encrypts its traffic")
			}
		}
	}
	transit := t.good > before
	if t.good > 0 {
		t.gap(rest, "nothing here shows that volumes and secrets are encrypted at rest")
		t.gap(transit, "nothing here shows that traffic is encrypted")
	}
}

// sensitive finds what says that a workload handles payment or personal data.
func sensitive(o *graph.Object) (tree.Node, bool) {
	for _, l := range []graph.Labels{o.Pod.Labels(), o.Labels()} {
		for k, v := range l.Node.Fields() {
			key := strings.ToLower(k.Text())
			if strings.Contains(key, "data-classification") || strings.Contains(key, "pci") || strings.Contains(key, "gdpr") || strings.HasSuffix(key, "/pii") {
				if v.Text() != "false" && v.Text() != "public" {
					return v, true
				}
			}
		}
	}
	for _, w := range []string{"payment", "payments", "billing", "checkout", "card", "cards", "cardholder", "pci", "pii", "patient", "patients"} {
		if hasWord([]byte(strings.ToLower(o.Name)), w) {
			return o.Body, true
		}
	}
	return tree.Node{}, false
}

func hasSensitive(j *judge) bool {
	for _, w := range j.workloads {
		if _, ok := sensitive(w.renderings[0]); ok {
			return true
		}
	}
	return false
}

func segmentation(j *judge, t *tally) {
	for _, w := range j.workloads {
		for _, o := range w.renderings {
			at, ok := sensitive(o)
			if !ok {
				continue
			}
			isolated := false
			for range o.In(graph.Isolates) {
				isolated = true
				break
			}
			j.verdict(t, isolated, o, at, "a network policy isolates it", "no network policy isolates it")
		}
	}
	t.lead = fmt.Sprintf("network policies isolate %d of %s whose name or label speaks of payment or personal data", t.good, count(t.good+t.bad, "workload"))
}
