package cluster_test

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/test/cluster"
	"github.com/autoecoops/autoecoops/test/cluster/faultproxy"
	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

var configMaps = regexp.MustCompile(`/configmaps(/|$)`)

// writes are the changes of config maps.
func writes() faultproxy.Match {
	return faultproxy.Match{Verbs: faultproxy.Writes(), Path: configMaps}
}

// bench is one proxy of the cluster with a client through it.
type bench struct {
	proxy  *faultproxy.Proxy
	client kubernetes.Interface
	direct kubernetes.Interface
}

func newBench(t *testing.T, c *cluster.Cluster, contentType string) bench {
	t.Helper()
	p := c.Proxy(t)
	config := c.ProxyConfig(p)
	config.ContentType = contentType
	config.Timeout = 30 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return bench{p, client, clientOf(t, c)}
}

func create(ctx context.Context, client kubernetes.Interface, name string) error {
	_, err := client.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	return err
}

func (b bench) exists(t *testing.T, name string) bool {
	t.Helper()
	_, err := b.direct.CoreV1().ConfigMaps("default").Get(within(t), name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestFaults(t *testing.T) {
	c := cluster.Start(t)
	for name, test := range map[string]func(*testing.T, *cluster.Cluster){
		"the fifth write fails":          testNthWrite,
		"too many requests":              testTooMany,
		"an answer is late":              testDelay,
		"a request hangs until released": testHold,
		"an answer is lost":              testLoseAnswer,
		"an answer is cut short":         testTruncate,
		"a webhook refuses":              testRefuse,
		"connections are cut":            testCut,
		"what is asked is counted":       testCounts,
		"the client is who it was":       testIdentity,
		"a refusal does not wait":        testEarlyRefusal,
		"the API server is restarted":    testRestart,
		"the API server is frozen":       testFreeze,
	} {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
	for _, contentType := range []string{"application/json", "application/vnd.kubernetes.protobuf", "application/cbor"} {
		t.Run("watches in "+contentType, func(t *testing.T) { testWatches(t, c, contentType) })
	}
}

func testNthWrite(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	rule := b.proxy.Add(faultproxy.Rule{Match: writes(), Skip: 4, Times: 1, Fault: faultproxy.Answer(http.StatusInternalServerError, 0, "made to fail")})
	for i, name := range []string{"n1", "n2", "n3", "n4", "n5", "n6"} {
		if err := create(ctx, b.client, name); (i == 4) != apierrors.IsInternalError(err) || i != 4 && err != nil {
			t.Errorf("write %d: %v", i+1, err)
		}
	}
	if b.exists(t, "n5") || !b.exists(t, "n6") {
		t.Error("the API server saw the wrong writes")
	}
	if rule.Seen() != 6 || rule.Hits() != 1 {
		t.Errorf("the rule saw %d and hit %d", rule.Seen(), rule.Hits())
	}
}

func testTooMany(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	rule := b.proxy.Add(faultproxy.Rule{Match: writes(), Times: 1, Fault: faultproxy.Answer(http.StatusTooManyRequests, 1, "slow down")})
	if err := create(ctx, b.client, "many"); err != nil { // the client comes again by itself
		t.Error(err)
	}
	if rule.Hits() != 1 || rule.Seen() != 2 {
		t.Errorf("the rule saw %d and hit %d", rule.Seen(), rule.Hits())
	}
	rule.Remove()
	b.proxy.Add(faultproxy.Rule{Match: writes(), Fault: faultproxy.Answer(http.StatusTooManyRequests, 0, "slow down")})
	if err := create(ctx, b.client, "more"); !apierrors.IsTooManyRequests(err) {
		t.Error(err)
	}
}

func testDelay(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	const delay = 300 * time.Millisecond
	b.proxy.Add(faultproxy.Rule{Match: writes(), Times: 1, Fault: faultproxy.Delay(delay)})
	start := time.Now()
	if err := create(ctx, b.client, "late"); err != nil || time.Since(start) < delay {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
	b.proxy.Add(faultproxy.Rule{Match: writes(), Fault: faultproxy.Delay(time.Hour)})
	soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := create(soon, b.client, "never"); err == nil || b.exists(t, "never") {
		t.Errorf("a client that gave up: %v", err)
	}
}

func testHold(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	release := make(chan struct{})
	rule := b.proxy.Add(faultproxy.Rule{Match: writes(), Fault: faultproxy.Hold(release)})
	done := make(chan error, 1)
	go func() { done <- create(ctx, b.client, "held") }()
	<-rule.Fired()
	if b.exists(t, "held") {
		t.Error("the API server saw a write that hangs")
	}
	close(release)
	if err := <-done; err != nil || !b.exists(t, "held") {
		t.Errorf("after the release: %v", err)
	}
}

func testLoseAnswer(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	b.proxy.Add(faultproxy.Rule{Match: writes(), Times: 1, Fault: faultproxy.LoseAnswer()})
	if err := create(ctx, b.client, "lost"); err == nil {
		t.Error("the answer came")
	}
	if !b.exists(t, "lost") {
		t.Error("the API server did not do what was asked")
	}
	b.proxy.Add(faultproxy.Rule{Match: writes(), Times: 1, Fault: faultproxy.Reset()})
	if err := create(ctx, b.client, "broken"); err == nil || b.exists(t, "broken") {
		t.Errorf("a write that was broken off: %v", err)
	}
}

func testTruncate(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	b.proxy.Add(faultproxy.Rule{Match: writes(), Times: 1, Fault: faultproxy.Truncate(10)})
	if err := create(ctx, b.client, "short"); err == nil || !b.exists(t, "short") {
		t.Errorf("a truncated answer: %v", err)
	}
}

func testRefuse(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	message := `admission webhook "guard.example.com" denied the request: not on a Friday`
	b.proxy.Add(faultproxy.Rule{Match: writes(), Fault: faultproxy.Refuse(metav1.Status{Status: metav1.StatusFailure, Code: 403, Reason: metav1.StatusReasonForbidden, Message: message})})
	if err := create(ctx, b.client, "friday"); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "Friday") {
		t.Error(err)
	}
}

func testCut(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	if err := create(ctx, b.client, "before"); err != nil {
		t.Fatal(err)
	}
	w, err := b.client.CoreV1().ConfigMaps("default").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.proxy.Cut()
	for range w.ResultChan() { // it ends
	}
	if err := create(ctx, b.client, "while"); err == nil || b.exists(t, "while") {
		t.Errorf("while cut: %v", err)
	}
	b.proxy.Mend()
	if err := create(ctx, b.client, "after"); err != nil {
		t.Errorf("after it was mended: %v", err)
	}
}

func testCounts(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	for _, name := range []string{"c1", "c2"} {
		if err := create(ctx, b.client, name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.client.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := b.proxy.Counts()[faultproxy.Call{Verb: "create", Path: "/api/v1/namespaces/default/configmaps"}]; n != 2 {
		t.Errorf("%d creations were counted", n)
	}
	if b.proxy.Count("list") != 1 || b.proxy.Count(faultproxy.Writes()...) != 2 || b.proxy.Count() != 3 {
		t.Errorf("counted %v", b.proxy.Counts())
	}
	b.proxy.ResetCounts()
	if b.proxy.Count() != 0 {
		t.Error("counts are not reset")
	}
}

func testIdentity(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	user, err := c.User("jane", "team-a")
	if err != nil {
		t.Fatal(err)
	}
	jane, err := kubernetes.NewForConfig(cluster.Through(b.proxy, user))
	if err != nil {
		t.Fatal(err)
	}
	if err := create(ctx, jane, "jane"); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `"jane"`) {
		t.Fatalf("without a role: %v", err)
	}
	if _, err := b.client.RbacV1().RoleBindings("default").Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "team-a"},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{Kind: "Group", Name: "team-a"}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	log := c.AuditLog()
	for create(ctx, jane, "jane") != nil { // the role takes a moment
		if ctx.Err() != nil {
			t.Fatal("the role never came to effect")
		}
	}
	events, err := log.Await(ctx, 1, func(e cluster.AuditEvent) bool {
		return e.Changed() && e.Object != nil && e.Object.Resource == "configmaps" && e.Object.Name == "jane"
	})
	if err != nil || len(events) != 1 || events[0].User.Name != "jane" || events[0].Verb != "create" {
		t.Errorf("the audit log has %+v, error %v", events, err)
	}
	token, err := b.client.CoreV1().ServiceAccounts("default").CreateToken(ctx, "default", tokenRequest(), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(b.config(c))
	config.BearerToken = token.Status.Token
	robot, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := create(ctx, robot, "robot"); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "system:serviceaccount:default:default") {
		t.Errorf("with a token: %v", err)
	}
}

// testEarlyRefusal sends a body slowly to an API server that refuses without
// reading it.
func testEarlyRefusal(t *testing.T, c *cluster.Cluster) {
	b := newBench(t, c, "")
	ctx, cancel := context.WithTimeout(within(t), 20*time.Second)
	defer cancel()
	config := rest.AnonymousClientConfig(b.config(c))
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	body, slow := io.Pipe()
	go func() {
		time.Sleep(200 * time.Millisecond) // longer than a refusal takes
		_, err := io.WriteString(slow, `{"metadata": {"name": "early"}}`)
		slow.CloseWithError(err)
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, config.Host+"/api/v1/namespaces/default/configmaps", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode/100 != 4 {
		t.Errorf("the answer is %s %q, error %v", answer.Status, text, err)
	}
}

func (b bench) config(c *cluster.Cluster) *rest.Config { return c.ProxyConfig(b.proxy) }

func testRestart(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	if err := c.StopAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	if err := create(ctx, b.client, "dead"); err == nil {
		t.Error("a dead API server answers")
	}
	if s, err := c.Status(ctx); err != nil || s.Servers[1].Name != programs.APIServer || s.Servers[1].State != "stopped" {
		t.Errorf("status %+v, error %v", s, err)
	}
	if err := c.StartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	if err := create(ctx, b.client, "risen"); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if b.exists(t, "dead") || !b.exists(t, "risen") {
		t.Error("the restarted API server has lost or made up something")
	}
}

func testFreeze(t *testing.T, c *cluster.Cluster) {
	b, ctx := newBench(t, c, ""), within(t)
	if err := c.Freeze(ctx, programs.APIServer); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if err := create(soon, b.client, "frozen"); err == nil {
		t.Error("a frozen API server answers")
	}
	if err := c.Thaw(ctx, programs.APIServer); err != nil {
		t.Fatal(err)
	}
	if err := create(ctx, b.client, "thawed"); err != nil {
		t.Errorf("after the thaw: %v", err)
	}
}

func testWatches(t *testing.T, c *cluster.Cluster, contentType string) {
	b, ctx := newBench(t, c, contentType), within(t)
	maps := b.client.CoreV1().ConfigMaps("default")
	start := func() watch.Interface {
		t.Helper()
		list, err := b.direct.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w, err := maps.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Stop)
		return w
	}
	match := faultproxy.Match{Path: configMaps}
	prefix := "w" + strings.NewReplacer("/", "", ".", "", "application", "").Replace(contentType)

	w := start()
	if err := create(ctx, b.direct, prefix+"1"); err != nil {
		t.Fatal(err)
	}
	if e := <-w.ResultChan(); e.Type != watch.Added || e.Object.(*corev1.ConfigMap).Name != prefix+"1" {
		t.Errorf("got %+v", e)
	}
	if n := b.proxy.Watches(match); n != 1 {
		t.Errorf("%d watches run", n)
	}
	if n := b.proxy.ExpireWatches(match); n != 1 {
		t.Errorf("%d watches were expired", n)
	}
	if e := <-w.ResultChan(); e.Type != watch.Error || !apierrors.IsResourceExpired(apierrors.FromObject(e.Object)) {
		t.Errorf("an expired watch says %+v", e)
	}
	if e, more := <-w.ResultChan(); more {
		t.Errorf("then it says %+v", e)
	}

	w = start()
	stall := b.proxy.StallWatches(match)
	if err := create(ctx, b.direct, prefix+"2"); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-w.ResultChan():
		t.Errorf("a silent watch says %+v", e)
	case <-time.After(200 * time.Millisecond):
	}
	stall.Resume()
	if e := <-w.ResultChan(); e.Type != watch.Added || e.Object.(*corev1.ConfigMap).Name != prefix+"2" {
		t.Errorf("after the silence: %+v", e)
	}
	if n := b.proxy.FinishWatches(match); n != 1 {
		t.Errorf("%d watches were finished", n)
	}
	if e, more := <-w.ResultChan(); more {
		t.Errorf("a finished watch says %+v", e)
	}

	w = start()
	if n := b.proxy.DropWatches(match); n != 1 {
		t.Errorf("%d watches were dropped", n)
	}
	for e := range w.ResultChan() {
		if e.Type != watch.Error { // some clients report the break
			t.Errorf("a dropped watch says %+v", e)
		}
	}
}
