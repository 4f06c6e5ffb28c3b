package gitops

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/observe/cause"
	"github.com/autoecoops/autoecoops/observe/cause/casefile"
	"github.com/autoecoops/autoecoops/test/cluster"
	"github.com/autoecoops/autoecoops/test/cluster/keeper"
)

// nodesDieSoon has simulated nodes give a sign of life every four seconds, and the node
// controller miss them after eighteen: later than a change may be told that began it all.
func nodesDieSoon(s *keeper.Spec) {
	cluster.WithArguments("kwok", "--node-lease-duration-seconds=16")(s)
	cluster.WithArguments("kube-controller-manager", "--node-monitor-grace-period=18s", "--node-monitor-period=1s")(s)
}

// TestTold has a cluster of three nodes tell what happened to it, and be told what is
// abnormal.
func TestTold(t *testing.T) {
	t.Parallel()
	s := newSuite(t, cluster.WithSimulatedNodes(3), nodesDieSoon)
	t.Run("around", func(t *testing.T) { t.Parallel(); toldAround(t, s) })
	t.Run("monitors", func(t *testing.T) { t.Parallel(); toldMonitors(t, s) })
	t.Run("within", func(t *testing.T) { t.Parallel(); toldWithin(t, s) })
}

// buildAeo builds aeo once; AEO names one that is built already.
func buildAeo(t *testing.T, dir string) string {
	t.Helper()
	if exe := os.Getenv("AEO"); exe != "" {
		return exe
	}
	exe := filepath.Join(dir, "aeo")
	c := exec.Command("go", "build", "-trimpath", "-o", exe, "./cmd/aeo")
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build aeo: %v\n%s", err, out)
	}
	return exe
}

// observer is an aeod that keeps metrics, once a second.
func (s *suite) observer(t *testing.T, namespace string) *daemon {
	t.Helper()
	dir := t.TempDir()
	d, err := launch(s.exe, dir, s.config, "--watch-namespace", namespace, "--leader-elect=false",
		"--metrics-dir", filepath.Join(dir, "metrics"), "--metrics-listen", "127.0.0.1:0", "--metrics-interval", "1s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.end()
		if t.Failed() {
			t.Logf("the end of aeod's log:\n%s", d.tail())
		}
	})
	return d
}

// placedDeployment is a Deployment on one node.
func placedDeployment(name, node string, replicas int, more string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: %[3]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      nodeSelector: {kubernetes.io/hostname: %[2]s}
      containers: [{name: main, image: registry.example.com/%[1]s:1%[4]s}]
`, name, node, replicas, more)
}

// town is a namespace of which two workloads run on one node and three on another; beside
// it is one whose only workload is on the first.
const town, alone = "told-around", "told-alone"

// townsfolk makes who runs there.
func townsfolk(t *testing.T, s *suite) {
	t.Helper()
	first, second := "simulated-0000", "simulated-0001"
	for _, ns := range []string{town, alone} {
		s.create(t, resources["Namespace"], "", obj("v1", "Namespace", "", ns))
	}
	s.create(t, resources["ConfigMap"], town, parse(t, configMap("settings", "1")))
	s.create(t, resources["Secret"], town, parse(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {word: first}\n"))
	for _, text := range []string{
		placedDeployment("web", first, 2, ""), placedDeployment("cart", first, 2, ""),
		placedDeployment("mail", second, 2, ", envFrom: [{configMapRef: {name: settings}}]"), placedDeployment("search", second, 2, ", envFrom: [{secretRef: {name: keys}}]"),
	} {
		s.create(t, resources["Deployment"], town, parse(t, text))
	}
	db := parse(t, strings.Replace(placedDeployment("db", second, 2, ""), "kind: Deployment", "kind: StatefulSet", 1))
	s.create(t, resources["StatefulSet"], town, db)
	s.create(t, resources["Deployment"], alone, parse(t, placedDeployment("lonely", first, 1, "")))
	for ns, n := range map[string]int{town: 10, alone: 1} {
		await(t, time.Minute, "pods of "+ns+" run", func() string {
			pods, err := s.client.Resource(resources["Pod"]).Namespace(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "status.phase=Running"})
			if err == nil && len(pods.Items) != n {
				return fmt.Sprintf("%d of %d", len(pods.Items), n)
			}
			return said(err)
		})
	}
}

// asking is who asks aeo for causes, and where.
type asking struct{ aeo, prometheus, kubeconfig string }

// causes returns what aeo says of a namespace, what else it says, and what that is made of.
func (a asking) causes(t *testing.T, namespace string) (out, remarks string, c cause.Case) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.case")
	cmd := exec.Command(a.aeo, "observe", "causes", "--prometheus", a.prometheus, "--scrape", "1s", "--history", "15m", "--since", "5m", "-n", namespace, "--events", "--kubeconfig", a.kubeconfig, "--save-case", file)
	var text, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 && cmd.ProcessState.ExitCode() != 3 {
		t.Fatalf("%v: %s", err, &errs)
	}
	t.Logf("aeo observe causes -n %s --events:\n%s%s", namespace, &text, &errs)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c, err = casefile.Read(f); err != nil {
		t.Fatal(err)
	}
	return text.String(), errs.String(), c
}

// toldAround has a node fall silent, as one does that lost its power, another be removed, a
// third come, and configuration and replicas be changed by hand: each is a change of what
// it concerns, and the silent node is the probable cause of what runs on it.
func toldAround(t *testing.T, s *suite) {
	townsfolk(t, s)
	d := s.observer(t, town)
	var died atomic.Int64
	died.Store(math.MaxInt64)
	requests := map[string]float64{}
	sample(t, d, 15*time.Minute, func(at time.Time) map[string]float64 {
		for i, name := range []string{"web", "cart", "mail", "search", "lonely"} {
			n, bad, ns := 300+30*noise(at, i), 0.0, town
			if at.Unix() > died.Load() && (i < 2 || i == 4) {
				bad = n / 2
			}
			if i == 4 {
				ns = alone
			}
			l := "__name__=http_requests_total;namespace=" + ns + ";workload=" + name + ";job=" + name + ";code="
			requests[l+"200"] += n - bad
			requests[l+"503"] += bad
		}
		return requests
	})
	time.Sleep(2 * time.Second) // what is changed in the second in which it was made was made so
	s.silence(t, "simulated-0000")
	begin := time.Now()
	died.Store(begin.Unix())
	s.changeTown(t)
	who := asking{aeo: buildAeo(t, t.TempDir()), prometheus: d.answers(), kubeconfig: s.config}
	s.happened(t, "default", "NodeNotReady", "simulated-0000")
	s.happened(t, "default", "RemovingNode", "simulated-0002")
	s.happened(t, "default", "RegisteredNode", "simulated-added")
	s.happened(t, town, "SuccessfulDelete", "db")
	t.Logf("the node controller told after %s", time.Since(begin))

	out, remarks, c := who.causes(t, town)
	if strings.Contains(remarks, "blind") {
		t.Error("it is blind")
	}
	first, _, _ := strings.Cut(out, "\n2. ")
	if !strings.HasPrefix(first, "1. node:simulated-0000,") || !regexp.MustCompile(`\+ +change .*node last heard of \(NodeNotReady is told 50s later\) .*Node/simulated-0000`).MatchString(first) {
		t.Error("the silent node is not the first cause, or not by its change")
	}
	differ(t, "changes", changesSince(c, begin.Add(-time.Minute)), []string{
		"node:simulated-0000 node last heard of (NodeNotReady is told 50s later)", "node:simulated-0002 node RemovingNode: Node simulated-0002 event: Removing Node simulated-0002 from Controller",
		town + "/db scaling Delete Pod db-1 in StatefulSet db successful", town + "/mail config ConfigMap settings by kubectl-edit",
		town + "/search config Secret keys by kubectl-edit", town + "/search scaling Scaled down replica set search from 2 to 1",
	})
	differ(t, "places", placesOf(c), []string{
		town + "/cart on node:simulated-0000", town + "/db on node:simulated-0001", town + "/mail on node:simulated-0001",
		town + "/search on node:simulated-0001", town + "/web on node:simulated-0000",
	})

	// Where all is on one node, it is named once something happened to it.
	out, _, c = who.causes(t, alone)
	differ(t, "places", placesOf(c), []string{alone + "/lonely on node:simulated-0000"})
	if !strings.Contains(out, "node last heard of") {
		t.Error("the silent node is no cause")
	}

	// Who may see the namespace alone, and no Secrets there, is told the rest.
	who.kubeconfig = s.viewer(t, town)
	_, remarks, c = who.causes(t, town)
	for _, what := range []string{`events: .* in the namespace "default"`, `secrets: .* in the namespace "told-around"`} {
		if !regexp.MustCompile(`(?m)^blind: what the cluster tells could not be read: list ` + what + `$`).MatchString(remarks) {
			t.Errorf("it does not say that it may not read %s: %s", what, remarks)
		}
	}
	differ(t, "changes", changesSince(c, begin.Add(-time.Minute)), []string{
		town + "/db scaling Delete Pod db-1 in StatefulSet db successful", town + "/mail config ConfigMap settings by kubectl-edit", town + "/search scaling Scaled down replica set search from 2 to 1",
	})
	if len(placesOf(c)) != 5 {
		t.Errorf("%v", placesOf(c))
	}
}

// changeTown changes what is beside the silent node.
func (s *suite) changeTown(t *testing.T) {
	t.Helper()
	for _, x := range []struct{ kind, name, change string }{
		{"ConfigMap", "settings", `{"data":{"v":"2"}}`}, {"Secret", "keys", `{"stringData":{"word":"second"}}`},
		{"Deployment", "search", `{"spec":{"replicas":1}}`}, {"StatefulSet", "db", `{"spec":{"replicas":1}}`},
	} {
		if _, err := s.client.Resource(resources[x.kind]).Namespace(town).Patch(t.Context(), x.name, types.MergePatchType, []byte(x.change), metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.client.Resource(resources["Node"]).Delete(t.Context(), "simulated-0002", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	added := obj("v1", "Node", "", "simulated-added")
	added.SetAnnotations(map[string]string{"kwok.x-k8s.io/node": "fake"})
	s.create(t, resources["Node"], "", added)
}

// viewer makes a person who may see a namespace as far as Kubernetes' role view goes, and
// returns the person's kubeconfig.
func (s *suite) viewer(t *testing.T, namespace string) string {
	t.Helper()
	config, err := s.cluster.User("viewer")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := cluster.WriteKubeconfig(path, config); err != nil {
		t.Fatal(err)
	}
	b := obj("rbac.authorization.k8s.io/v1", "RoleBinding", "", "viewer")
	b.Object["roleRef"] = map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
	b.Object["subjects"] = []any{map[string]any{"kind": "User", "name": "viewer"}}
	s.create(t, resources["RoleBinding"], namespace, b)
	return path
}

// happened waits until an event says that something happened to an object.
func (s *suite) happened(t *testing.T, namespace, reason, name string) {
	t.Helper()
	await(t, 2*time.Minute, reason+" of "+name, func() string {
		list, err := s.client.Resource(resources["Event"]).Namespace(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=" + reason + ",involvedObject.name=" + name})
		if err == nil && len(list.Items) == 0 {
			return "not yet"
		}
		return said(err)
	})
}

// hashes are those in the names of ReplicaSets.
var hashes = regexp.MustCompile(`(replica set [a-z]+)-[0-9a-z]+`)

// changesSince writes what a case has as changes since a moment, sorted, but for what was
// scaled from nothing, and for other nodes than the silent one that are missed because the
// machine is busy.
func changesSince(c cause.Case, since time.Time) (out []string) {
	for _, x := range c.Changes {
		if strings.Contains(x.Text, "last heard of") && x.Reference != "Node/simulated-0000" {
			continue
		}
		if text := hashes.ReplaceAllString(x.Text, "$1"); !x.At.Before(since) && !strings.Contains(text, " from 0 ") {
			out = append(out, fmt.Sprintf("%s %s %s", x.Of, x.Kind, text))
		}
	}
	slices.Sort(out)
	return out
}

// placesOf writes who runs on which node, sorted.
func placesOf(c cause.Case) (out []string) {
	for _, x := range c.Dependencies {
		if x.Kind == cause.RunsOn {
			out = append(out, fmt.Sprintf("%s on %s", x.Who, x.On))
		}
	}
	slices.Sort(out)
	return out
}

// differ fails the test if two lists do.
func differ(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nnot:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// silence has nobody hear of a node any more: its lease is another's, who says nothing.
func (s *suite) silence(t *testing.T, node string) {
	t.Helper()
	await(t, 30*time.Second, "take the lease of "+node, func() string {
		now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
		text := fmt.Sprintf(`{"spec":{"holderIdentity":"nobody","leaseDurationSeconds":3600,"renewTime":%q}}`, now)
		_, err := s.client.Resource(resources["Lease"]).Namespace("kube-node-lease").Patch(t.Context(), node, types.MergePatchType, []byte(text), metav1.PatchOptions{})
		return said(err)
	})
}
