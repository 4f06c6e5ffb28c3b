package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// TestExplainMarksEvents has what the cluster tells on the axis of time: of the namespace
// and of the nodes that the workload runs on, the workload's own first where there is not
// room for all.
func TestExplainMarksEvents(t *testing.T) {
	b := telling{surveying: slowOrders()}
	b.cluster.releases = b.releases
	at := func(minutes int) time.Time { return traceTime.Add(-time.Duration(minutes) * time.Minute) }
	b.cluster.around = Around{
		Happenings: []Happening{
			{at(9), "Deployment", "shop", "orders", "ScalingReplicaSet", "Scaled down to 1", "deployment-controller"},
			{at(5), "Node", "", "n1", "NodeNotReady", "it is gone\x1b", "kubelet"},
			{at(6), "Node", "", "n2", "NodeNotReady", "of others", "kubelet"},
			{at(7), "Deployment", "bank", "orders", "ScalingReplicaSet", "of a namesake", "deployment-controller"},
		},
		Edits:      []Edit{{at(4), "ConfigMap", "shop", "settings", "kubectl-edit"}},
		Placements: []Placement{{Of: identity.Key{Namespace: "shop", Service: "orders"}, Node: "n1", ConfigMaps: []string{"settings"}}, {Of: identity.Key{Namespace: "shop", Service: "web"}, Node: "n2"}},
	}
	for i := range 20 {
		b.cluster.around.Happenings = append(b.cluster.around.Happenings, Happening{at(0).Add(-time.Duration(i) * time.Second), "Deployment", "shop", fmt.Sprintf("other-%d", i), "ScalingReplicaSet", "Scaled up", "deployment-controller"})
	}
	run := func(more ...string) (string, []PlotMark) {
		t.Helper()
		b.plotted = nil
		var out, errs bytes.Buffer
		args := append([]string{"observe", "explain", "shop/orders", "--prometheus", "http://p"}, more...)
		if code := Main(t.Context(), b, &Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, Build{}, args); code != 0 || len(b.plotted) != 1 {
			t.Fatalf("code %d\n%s%s", code, &out, &errs)
		}
		return errs.String(), b.plotted[0].Marks
	}
	_, marks := run("--events", "--releases")
	var words []string
	for i, m := range marks {
		words = append(words, m.Text)
		if i > 0 && m.At.Before(marks[i-1].At) {
			t.Errorf("they are not in the order of time: %+v", marks)
		}
	}
	text := strings.Join(words, "|")
	for _, want := range []string{"scaling: Scaled down to 1|", "config: ConfigMap settings by kubectl-edit|shop@01234567|"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
	if len(marks) != maxMarks || strings.Contains(text, "others") || strings.Contains(text, "namesake") {
		t.Errorf("%d marks: %s", len(marks), text)
	}

	b.cluster.around.Happenings = b.cluster.around.Happenings[:4]
	if _, marks := run("--events"); len(marks) != 3 || marks[1].Text != "node n1: NodeNotReady: it is gone?" {
		t.Errorf("%+v", marks)
	}
	if _, marks := run("--releases"); len(marks) != 1 {
		t.Errorf("nobody wants events: %+v", marks)
	}
	b.cluster.err = errors.New("it may not")
	if errs, marks := run("--events"); len(marks) != 3 || !strings.Contains(errs, "blind: what the cluster tells could not be read: it may not") {
		t.Errorf("%+v %s", marks, errs)
	}
}
