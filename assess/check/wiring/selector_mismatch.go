package wiring

import (
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/wire"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/ops"
)

var selectorMismatch = &check.Check{
	ID: "k8s-selector-mismatch", Name: "selector-mismatch", Pages: pages,
	Severity:  ops.High,
	Ideas:     []string{"K43"},
	Practices: []string{"wiring"},
	Facts:     []check.Fact{{Number: 26, Strength: check.Supporting}},
	Kinds:     []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Rollout", "Job"},
	Object: func(p *check.Pass, o *graph.Object) {
		sel := o.Spec().Get("selector")
		if o.Pod == nil || (o.Kind == "Job" && !o.Spec().Get("manualSelector").True()) {
			p.Skip()
			return
		}
		labels := o.Pod.Labels()
		if o.Kind == "ReplicationController" {
			if s, ok := wire.SetSelector(sel); ok && !s.Matches(labels) {
				mismatch(p, o, sel)
			}
			return
		}
		if sel.Len() == 0 {
			if o.Group() == "apps" {
				p.Fail(o.Spec(), "selector", "has no selector: the API server refuses the object")
			}
			return
		}
		s, err := wire.LabelSelector(sel)
		if err != nil {
			p.Fail(sel, "", "the selector is not valid: %v", err)
			return
		}
		if s.Empty() {
			p.Fail(sel, "", "the selector is empty: the API server refuses the object")
			return
		}
		if !s.Matches(labels) {
			mismatch(p, o, sel)
		}
	},
}

// mismatch names the first label that keeps the selector from matching.
func mismatch(p *check.Pass, o *graph.Object, sel tree.Node) {
	want := sel.Get("matchLabels")
	if o.Kind == "ReplicationController" {
		want = sel
	}
	labels := lacking(o, want)
	for k, v := range want.Fields() {
		value, ok := o.Pod.Labels().Lookup(k.Text())
		switch {
		case graph.Placeholder(v.Text()) || graph.Placeholder(value):
			p.Unknown(v, "", "label %s is filled in elsewhere", k.Text())
			return
		case !ok:
			p.Fail(v, "", "selects %s=%s, but the pod template has no label %s: the API server refuses the object", k.Text(), v.Text(), k.Text()).
				SetIn(o.Spec(), "template.metadata.labels", labels)
			return
		case value != v.Text():
			p.Fail(v, "", "selects %s=%s, but the pod template has %s=%s: the API server refuses the object", k.Text(), v.Text(), k.Text(), value).
				SetIn(o.Spec(), "template.metadata.labels", labels)
			return
		}
	}
	p.Fail(sel, "", "the pod template's labels do not meet the selector's expressions: the API server refuses the object")
}

// lacking writes the labels that the selector asks for and the pod template
// does not have. A selector cannot be changed later, labels of pods can.
func lacking(o *graph.Object, want tree.Node) string {
	var all []string
	for k, v := range want.Fields() {
		if value, ok := o.Pod.Labels().Lookup(k.Text()); !ok || value != v.Text() {
			all = append(all, k.Text()+": "+strconv.Quote(v.Text()))
		}
	}
	return "{" + strings.Join(all, ", ") + "}"
}
