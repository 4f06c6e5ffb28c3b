package cluster_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"github.com/autoecoops/autoecoops/test/cluster"
)

const probeImage = "localhost/probe:1"

// probeArchive builds the image of the probe.
func probeArchive(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program, archive := filepath.Join(dir, "probe"), filepath.Join(dir, "probe.tar")
	cmd := exec.Command("go", "build", "-o", program, "./internal/probe")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := cluster.StaticImage(archive, probeImage, program); err != nil {
		t.Fatal(err)
	}
	return archive
}

func probe(how string) corev1.PodSpec {
	return corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64),
		Containers: []corev1.Container{{
			Name: "probe", Image: probeImage, ImagePullPolicy: corev1.PullNever, Args: []string{how},
			Ports:     []corev1.ContainerPort{{ContainerPort: 8080}},
			Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("48Mi")}},
			ReadinessProbe: &corev1.Probe{
				PeriodSeconds: 1,
				ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(8080)}},
			},
		}},
	}
}

// eventually calls check until it is true; said is what the last call said.
func eventually(t *testing.T, what string, check func(context.Context) (ok bool, said any)) {
	t.Helper()
	ctx := within(t)
	for {
		ok, said := check(ctx)
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: never; at last: %+v", what, said)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// run makes a pod and waits until done says that it is as it should be.
func run(t *testing.T, client kubernetes.Interface, name, how string, done func(corev1.PodStatus) bool) corev1.PodStatus {
	t.Helper()
	pods := client.CoreV1().Pods("default")
	meta := metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}}
	if _, err := pods.Create(within(t), &corev1.Pod{ObjectMeta: meta, Spec: probe(how)}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var last corev1.PodStatus
	eventually(t, "pod "+name, func(ctx context.Context) (bool, any) {
		p, err := pods.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		last = p.Status
		return done(p.Status), p.Status
	})
	return last
}

func ready(s corev1.PodStatus) bool {
	return slices.ContainsFunc(s.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// get asks an address, without a proxy, and returns the answer's text.
func get(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}

func TestRealNode(t *testing.T) {
	c := cluster.Start(t, cluster.WithNode())
	if err := c.LoadImage(within(t), probeArchive(t)); err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, c)
	t.Run("a deployment serves", func(t *testing.T) { testServes(t, c, client) })
	t.Run("a pod that is not ready is seen", func(t *testing.T) {
		run(t, client, "unready", "unready", func(s corev1.PodStatus) bool {
			return s.Phase == corev1.PodRunning && len(s.ContainerStatuses) == 1 && *s.ContainerStatuses[0].Started && !ready(s)
		})
	})
	t.Run("a crash loop is seen", func(t *testing.T) {
		run(t, client, "crash", "crash", func(s corev1.PodStatus) bool {
			if len(s.ContainerStatuses) == 0 {
				return false
			}
			cs := s.ContainerStatuses[0]
			return cs.RestartCount > 0 && cs.State.Waiting != nil && cs.State.Waiting.Reason == "CrashLoopBackOff" &&
				cs.LastTerminationState.Terminated != nil && cs.LastTerminationState.Terminated.ExitCode == 7
		})
		logs, err := client.CoreV1().Pods("default").GetLogs("crash", &corev1.PodLogOptions{Previous: true}).DoRaw(within(t))
		if err != nil || string(logs) != "probe: crash\n" {
			t.Errorf("the previous container said %q, error %v", logs, err)
		}
	})
	t.Run("too much memory is seen", func(t *testing.T) {
		run(t, client, "eat", "eat", func(s corev1.PodStatus) bool {
			if len(s.ContainerStatuses) == 0 {
				return false
			}
			state, last := s.ContainerStatuses[0].State.Terminated, s.ContainerStatuses[0].LastTerminationState.Terminated
			return state != nil && state.Reason == "OOMKilled" || last != nil && last.Reason == "OOMKilled"
		})
	})
	t.Run("an image that nobody has is seen", func(t *testing.T) {
		pod := probe("serve")
		pod.Containers[0].Image = "localhost/missing:1"
		if _, err := client.CoreV1().Pods("default").Create(within(t), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "missing"}, Spec: pod}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the missing image", func(ctx context.Context) (bool, any) {
			p, err := client.CoreV1().Pods("default").Get(ctx, "missing", metav1.GetOptions{})
			return err == nil && len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].State.Waiting != nil &&
				p.Status.ContainerStatuses[0].State.Waiting.Reason == "ErrImageNeverPull", p
		})
	})
	t.Run("the kubelet is stopped and started", func(t *testing.T) {
		ctx := within(t)
		if err := c.Stop(ctx, "kubelet"); err != nil {
			t.Fatal(err)
		}
		if s := stateOf(t, c, "kubelet"); s != "stopped" {
			t.Errorf("the kubelet is %s", s)
		}
		if err := c.Restart(ctx, "kubelet"); err != nil {
			t.Fatal(err)
		}
		run(t, client, "after", "serve", ready)
	})
}

func stateOf(t *testing.T, c *cluster.Cluster, program string) string {
	t.Helper()
	s, err := c.Status(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Servers {
		if p.Name == program {
			return p.State
		}
	}
	return "unknown"
}

// testServes has a Deployment and a Service, and asks it from this machine,
// and from another pod by its name; and from the pod it asks this machine.
func testServes(t *testing.T, c *cluster.Cluster, client kubernetes.Interface) {
	ctx := within(t)
	labels := map[string]string{"app": "web"}
	replicas := int32(2)
	if _, err := client.AppsV1().Deployments("default").Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: probe("serve")},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	service, err := client.CoreV1().Services("default").Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deployment", func(ctx context.Context) (bool, any) {
		d, err := client.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
		return err == nil && d.Status.ReadyReplicas == replicas, d
	})
	eventually(t, "the service, from this machine", func(ctx context.Context) (bool, any) {
		text, err := get(ctx, "http://"+service.Spec.ClusterIP)
		return err == nil && strings.HasPrefix(text, "hello from web-"), fmt.Sprint(text, err)
	})
	asker := run(t, client, "asker", "serve", ready)
	ask := func(what, address, want string) {
		eventually(t, what, func(ctx context.Context) (bool, any) {
			text, err := get(ctx, "http://"+asker.PodIP+":8080/fetch?url="+url.QueryEscape(address))
			return err == nil && strings.HasPrefix(text, want), fmt.Sprint(text, err)
		})
	}
	ask("the service, by its name from a pod", "http://web.default.svc.cluster.local/", "hello from web-")
	ask("the service, by its short name from a pod", "http://web/", "hello from web-")

	host, err := c.Host(ctx)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello from outside") })}
	go func() { _ = server.Serve(listener) }() // ends with Close
	t.Cleanup(func() { server.Close() })
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ask("this machine, from a pod", "http://"+host+":"+port, "hello from outside")
	ask("this machine, by its name from a pod", "http://host.internal:"+port, "hello from outside")
}
