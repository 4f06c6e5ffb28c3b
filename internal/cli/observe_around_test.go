package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/cause/casefile"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// TestHappened has what was scaled and what happened to nodes be changes, and nothing
// else.
func TestHappened(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	got := happened([]Happening{
		{at, "Deployment", "shop", "orders", "ScalingReplicaSet", "Scaled down replica set orders-1 from 3 to 1", "deployment-controller"},
		{at, "Node", "", "n1", "NodeNotReady", "Node n1 status is now: \x1b[31mNodeNotReady", "kubelet"},
		{at, "Node", "", "n1", "NodeHasSufficientMemory", "fine", "kubelet"},
		{at, "Pod", "shop", "orders-1", "BackOff", "restarting", "kubelet"},
		{at, "Deployment", "shop", "orders", "Other", "", ""},
		{at, "Node", "", "n2", "NodeNotReady", "Node n2 status is now: NodeNotReady", "node-controller"},
		{at, "StatefulSet", "shop", "db", "SuccessfulDelete", "delete Pod db-1 in StatefulSet db successful", "statefulset-controller"},
		{at, "StatefulSet", "shop", "db", "SuccessfulCreate", "create Pod db-0 in StatefulSet db successful", "statefulset-controller"},
	})
	if len(got) != 4 {
		t.Fatalf("%+v", got)
	}
	if x := got[0]; x.Kind != cause.Scaling || x.Of.Key.Namespace != "shop" || x.Of.Key.Service != "orders" || !strings.HasPrefix(x.Text, "Scaled down") || x.Reference != "Deployment/orders" || !x.At.Equal(at) {
		t.Errorf("%+v", x)
	}
	if x := got[1]; x.Kind != cause.NodeChange || x.Of != nodeOf("n1") || !strings.HasPrefix(x.Text, "NodeNotReady: ") || strings.Contains(x.Text, "\x1b") || !x.At.Equal(at) {
		t.Errorf("%+v", x)
	}
	// What only the node controller tells began when the node was last heard of.
	if x := got[2]; x.Of != nodeOf("n2") || !x.At.Equal(at.Add(-50*time.Second)) || x.Text != "last heard of (NodeNotReady is told 50s later)" {
		t.Errorf("%+v", x)
	}
	if x := got[3]; x.Kind != cause.Scaling || x.Of.Key.Service != "db" || !strings.HasPrefix(x.Text, "delete Pod db-1") {
		t.Errorf("%+v", x)
	}
}

// TestPlaces tells who runs where, once, and only where there is more than one node or
// something grave happened to the one.
func TestPlaces(t *testing.T) {
	web, db := identity.Key{Namespace: "shop", Service: "web"}, identity.Key{Namespace: "shop", Service: "db"}
	one := []Placement{{Of: web, Node: "n1"}, {Of: web, Node: "n1"}, {Of: db}}
	if got := places(one, nil, nil); got != nil {
		t.Errorf("%+v", got)
	}
	got := places(append(one, Placement{Of: db, Node: "n2"}), nil, nil)
	if len(got) != 2 || got[0].Who.Key != web || got[0].On != nodeOf("n1") || got[0].Kind != cause.RunsOn || got[1].Who.Key != db {
		t.Errorf("%+v", got)
	}
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for reason, n := range map[string]int{"NodeHasDiskPressure": 1, "Starting": 0} {
		if got := places(one, nil, []Happening{{at, "Node", "", "n1", reason, "", "kubelet"}, {at, "Pod", "shop", "n1", reason, "", ""}}); len(got) != n {
			t.Errorf("%s: %+v", reason, got)
		}
	}
	elsewhere := []Happening{{at, "Node", "", "n2", "NodeHasDiskPressure", "", "kubelet"}}
	if got := places(one, nil, elsewhere); got != nil {
		t.Errorf("something happened elsewhere: %+v", got)
	}
	// Who had to leave a node ran there, if something happened to it.
	left := []Departure{{at, db, "n2"}, {at, web, "n3"}}
	got = places(one, left, []Happening{{at, "Node", "", "n2", "NodeNotSchedulable", "", "kubelet"}, {at, "Node", "", "n3", "NodeReady", "", "kubelet"}})
	if len(got) != 2 || got[1].Who.Key != db || got[1].On != nodeOf("n2") || got[1].Kind != cause.RunsOn {
		t.Errorf("%+v", got)
	}
}

// TestEdited has what people changed by hand be changes of whom it configures, and what a
// release changed be told by it, if it is read.
func TestEdited(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	web, db := identity.Key{Namespace: "shop", Service: "web"}, identity.Key{Namespace: "shop", Service: "db"}
	placed := []Placement{{Of: web, ConfigMaps: []string{"settings"}}, {Of: web, ConfigMaps: []string{"settings"}}, {Of: db, Secrets: []string{"settings", "keys"}}, {Of: identity.Key{Namespace: "bank", Service: "web"}, ConfigMaps: []string{"settings"}}}
	edits := []Edit{{at, "ConfigMap", "shop", "settings", "kubectl\x1b-edit"}, {at, "Secret", "shop", "keys", v1alpha1.FieldManager}, {at, "Secret", "shop", "nobody's", "kubectl"}}
	got := edited(edits, placed, false)
	if len(got) != 2 || got[0].Of != workloadOf(web) || got[0].Kind != cause.Config || !strings.HasPrefix(got[0].Text, "ConfigMap settings by kubectl") || strings.Contains(got[0].Text, "\x1b") || !got[0].At.Equal(at) || got[0].Reference != "ConfigMap/settings" || got[1].Of != workloadOf(db) {
		t.Errorf("%+v", got)
	}
	if got := edited(edits, placed, true); len(got) != 1 || got[0].Of != workloadOf(web) {
		t.Errorf("%+v", got)
	}
}

// TestConfigured has a release that changed a ConfigMap be a change of whom it configures.
func TestConfigured(t *testing.T) {
	since := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	release := func(phase string, at time.Time, changed ...string) v1alpha1.Release {
		started := metav1.NewMicroTime(at)
		r := v1alpha1.Release{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-1"}, Spec: v1alpha1.ReleaseSpec{Application: "shop", Revision: "0123456789abcdef", Changed: changed}}
		r.Status.Phase, r.Status.Timings.Started = phase, &started
		r.Spec.Commit = &v1alpha1.CommitInfo{Subject: "settings: ask the archive"}
		return r
	}
	web, db := identity.Key{Namespace: "shop", Service: "web"}, identity.Key{Namespace: "shop", Service: "db"}
	placed := []Placement{{Of: web, ConfigMaps: []string{"settings"}}, {Of: web, ConfigMaps: []string{"settings"}}, {Of: db, Secrets: []string{"settings"}}, {Of: identity.Key{Namespace: "bank", Service: "web"}, ConfigMaps: []string{"settings"}}}
	const configMap, secret = "/v1/ConfigMap/shop/settings", "/v1/Secret/shop/settings"
	got := configured([]v1alpha1.Release{
		release("Good", since.Add(time.Minute), configMap, "apps/v1/Deployment/shop/db", "nonsense"), release("Good", since.Add(time.Minute), configMap, "apps/v1/Deployment/shop/web"), release("Good", since.Add(2*time.Minute), secret),
		release("Refused", since.Add(time.Minute), configMap), release("Good", since.Add(-time.Minute), configMap), {},
	}, placed, since)
	if len(got) != 2 || got[0].Of.Key != web || got[0].Kind != cause.Config || got[0].Text != "ConfigMap settings by shop@01234567 (settings: ask the archive)" || got[1].Of.Key != db || got[1].Reference != "shop/shop-1" {
		t.Errorf("%+v", got)
	}
}

// tellingCluster tells what is around.
type tellingCluster struct {
	releasesOnly
	around Around
	err    error
}

func (c tellingCluster) Around(_ context.Context, _ string, _ time.Time, progress func(done, total int)) (Around, error) {
	if progress != nil {
		progress(1, 5)
	}
	return c.around, c.err
}

// telling is a backend with such a cluster.
type telling struct {
	*surveying
	cluster tellingCluster
}

func (b telling) Cluster(ClusterOptions) (Cluster, error) { return b.cluster, nil }

// TestCausesAskTheCluster has what the cluster tells be part of the case, and told as
// blindness where it cannot be read.
func TestCausesAskTheCluster(t *testing.T) {
	b := telling{surveying: slowOrders()}
	at := b.told.Report.At.Add(-5 * time.Minute)
	started := metav1.NewMicroTime(at)
	r := v1alpha1.Release{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop-1"}, Spec: v1alpha1.ReleaseSpec{Application: "shop", Revision: "0123456789abcdef", Changed: []string{"/v1/ConfigMap/shop/settings"}}}
	r.Status.Phase, r.Status.Timings.Started = "Good", &started
	b.cluster.releases = []v1alpha1.Release{r}
	b.cluster.around = Around{
		Happenings: []Happening{{at, "Node", "", "n1", "NodeNotReady", "it is gone", "kubelet"}},
		Edits:      []Edit{{at, "ConfigMap", "shop", "settings", "kubectl-edit"}, {at, "ConfigMap", "shop", "settings", v1alpha1.FieldManager}},
		Placements: []Placement{{Of: identity.Key{Namespace: "shop", Service: "orders"}, Node: "n1", ConfigMaps: []string{"settings"}}, {Of: identity.Key{Namespace: "shop", Service: "web"}, Node: "n2"}},
	}
	file := filepath.Join(t.TempDir(), "x.case")
	looking := false
	run := func(b Backend, more ...string) (string, string) {
		var out, errs bytes.Buffer
		args := append([]string{"observe", "causes", "--prometheus", "http://prometheus:9090", "-n", "shop"}, more...)
		if code := Main(t.Context(), b, &Streams{Out: &out, Err: &errs, ErrTerminal: looking, Getenv: func(string) string { return "" }}, Build{}, args); code > 3 || code == 2 {
			t.Errorf("code %d: %s", code, &errs)
		}
		return out.String(), errs.String()
	}
	const progress = "asking the cluster what happened: 1 of 5"
	for _, looking = range []bool{true, false} {
		if _, errs := run(b, "--events", "--releases", "--save-case", file); strings.Contains(errs, progress) != looking {
			t.Errorf("somebody looks: %v, said %q", looking, errs)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := casefile.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[cause.ChangeKind]int{}
	for _, x := range c.Changes {
		kinds[x.Kind]++
	}
	if kinds[cause.NodeChange] != 1 || kinds[cause.Config] != 2 || len(c.Dependencies) != 2 {
		t.Errorf("%v, %+v", kinds, c.Dependencies)
	}
	b.cluster.denied = fault.New(fault.Denied, "list", "releases", "it may not", "ask for the right")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if out, errs := run(b, "--events", "--releases", "--save-case", file); out == "" || strings.Count(errs, "blind: the Releases could not be read") != 1 {
		t.Errorf("without the right to read Releases:\n%s%s", out, errs)
	}
	if f, err := os.Open(file); err != nil {
		t.Error(err)
	} else if c, err := casefile.Read(f); err != nil || len(c.Changes) != 3 {
		// Both edits are told: nothing else tells of that of a release.
		t.Errorf("%+v %v", c.Changes, err)
	}
	b.cluster.denied = nil
	denied := fault.Wrap(fault.Denied, "list", "events", errors.New("it may not"), "ask")
	denied.Public = "it may not"
	b.cluster.err = errors.Join(denied, errors.New("and more"))
	if _, errs := run(b, "--events"); !strings.Contains(errs, "blind: what the cluster tells could not be read: list events: it may not\nblind: what the cluster tells could not be read: and more\n") {
		t.Error(errs)
	}
	b.cluster.err = denied
	if _, errs := run(b, "--events"); strings.Count(errs, "blind: what the cluster") != 1 {
		t.Error(errs)
	}
	b.cluster.around = Around{}
	if _, errs := run(b); strings.Contains(errs, "blind: what the cluster") {
		t.Error(errs)
	}
}

// TestOfNode believes of nodes what is told where events of nodes are, and of what has a
// name; no event makes a change of any length.
func TestOfNode(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", 1_000_000)
	all := []Happening{
		{at, "Node", "shop", "n1", "NodeNotReady", "forged", ""}, {at, "Node", "", "", "NodeNotReady", "", ""}, {at, "Deployment", "shop", "", "ScalingReplicaSet", "", ""},
		{at, "Node", "default", long, "Rebooted" + long, long, long},
	}
	// What a kubelet and kube-proxy say when they start, and of a node that is cordoned.
	real := []Happening{
		{at, "Node", "", "n1", "CgroupV1", "cgroup v1 detected", "kubelet"}, {at, "Node", "", "n1", "Starting", "", ""},
		{at, "Node", "", "n1", "NodeNotSchedulable", "Node n1 status is now: NodeNotSchedulable", "kubelet"}, {at, "Node", "", "n1", "NodeSchedulable", "Node n1 status is now: NodeSchedulable", "kubelet"},
	}
	if got := happened(real); len(got) != 2 || got[0].Text != "Starting" || !strings.HasPrefix(got[1].Text, "NodeNotSchedulable: Node n1") || len(struck(real)) != 0 {
		t.Errorf("%+v", got)
	}
	got := happened(all)
	if len(got) != 1 || len(got[0].Text)+len(got[0].Reference)+len(got[0].Of.Key.Service) > 1000 || !strings.HasPrefix(got[0].Text, "Rebootedxx") {
		t.Errorf("%d: %.2000v", len(got), got)
	}
	if s := struck(all); len(s) != 0 {
		t.Errorf("%v", len(s))
	}
}

// TestInTurn has many changes of one kind not displace the few of another.
func TestInTurn(t *testing.T) {
	until := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var all []cause.Change
	for i := range 2000 {
		all = append(all, cause.Change{At: until.Add(time.Duration(i-1999) * time.Second), Kind: cause.Scaling})
	}
	all = append(all, cause.Change{At: until.Add(-time.Hour), Kind: cause.Config}, cause.Change{At: until.Add(time.Second), Kind: cause.Config})
	got := inTurn(all, until)
	if len(got) != 2001 || got[0].Kind != cause.Scaling || !got[0].At.Equal(until) || got[1].Kind != cause.Config || !got[2].At.Equal(until.Add(-time.Second)) {
		t.Errorf("%d %+v", len(got), got[:3])
	}
}

// TestCausesOfMuch tells that there is more than is judged, and judges some of each kind.
func TestCausesOfMuch(t *testing.T) {
	b := telling{surveying: slowOrders()}
	at := b.told.Report.At.Add(-5 * time.Minute)
	for i := range 2 * cause.MaxChanges {
		b.cluster.around.Happenings = append(b.cluster.around.Happenings, Happening{at.Add(time.Duration(i) * time.Millisecond), "Deployment", "shop", "other", "ScalingReplicaSet", "", ""})
	}
	b.cluster.around.Edits = []Edit{{at, "ConfigMap", "shop", "settings", "kubectl-edit"}}
	b.cluster.around.Placements = []Placement{{Of: identity.Key{Namespace: "shop", Service: "orders"}, Node: "n1", ConfigMaps: []string{"settings"}}}
	denied := errors.New("no rights")
	b.cluster.err = errors.Join(errors.Join(denied, denied), errors.New("and more"))
	var out, errs bytes.Buffer
	file := filepath.Join(t.TempDir(), "x.case")
	Main(t.Context(), b, &Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, Build{}, []string{"observe", "causes", "--prometheus", "http://prometheus:9090", "-n", "shop", "--events", "--save-case", file})
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := casefile.Read(f)
	if err != nil || len(c.Changes) != cause.MaxChanges || !slices.ContainsFunc(c.Changes, func(x cause.Change) bool { return x.Kind == cause.Config }) {
		t.Errorf("%d changes, %v", len(c.Changes), err)
	}
	if !strings.Contains(errs.String(), "tells of 1001 more changes than are judged") {
		t.Error(errs.String())
	}
	if strings.Count(errs.String(), "no rights") != 1 || strings.Count(errs.String(), "and more") != 1 {
		t.Error(errs.String())
	}
}
