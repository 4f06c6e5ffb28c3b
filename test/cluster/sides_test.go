package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/test/cluster"
)

func TestSideBySide(t *testing.T) {
	image := probeArchive(t)
	a := cluster.Start(t, cluster.WithNode(), cluster.WithImages(image))
	b := cluster.Start(t, cluster.WithNode(), cluster.WithImages(image))
	if a.RunDir() == b.RunDir() || a.Config().Host == b.Config().Host || number(t, a) == number(t, b) {
		t.Fatal("two clusters share something")
	}
	addresses := map[string]bool{}
	for _, c := range []*cluster.Cluster{a, b} {
		s := run(t, clientOf(t, c), "probe", "serve", ready)
		eventually(t, "the pod", func(ctx context.Context) (bool, any) {
			text, err := get(ctx, "http://"+s.PodIP+":8080/")
			return err == nil && strings.HasPrefix(text, "hello from probe"), fmt.Sprint(text, err)
		})
		addresses[s.PodIP] = true
	}
	if len(addresses) != 2 {
		t.Errorf("the pods' addresses are %v", addresses)
	}
	if err := a.Down(); err != nil {
		t.Fatal(err)
	}
	if _, err := clientOf(t, b).CoreV1().Pods("default").Get(within(t), "probe", metav1.GetOptions{}); err != nil {
		t.Errorf("the end of one cluster has hurt the other: %v", err)
	}
	run(t, clientOf(t, b), "later", "serve", ready)
}

func TestSimulatedNodes(t *testing.T) {
	c := cluster.Start(t, cluster.WithSimulatedNodes(5))
	client, ctx := clientOf(t, c), within(t)
	replicas, labels := int32(50), map[string]string{"app": "web"}
	if _, err := client.AppsV1().Deployments("default").Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: probe("serve")},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "50 pods", func(ctx context.Context) (bool, any) {
		d, err := client.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
		return err == nil && d.Status.ReadyReplicas == replicas && d.Status.UpdatedReplicas == replicas, d
	})
	job := probe("serve")
	job.RestartPolicy = corev1.RestartPolicyNever
	if _, err := client.BatchV1().Jobs("default").Create(ctx, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "once"}, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: job}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job", func(ctx context.Context) (bool, any) {
		j, err := client.BatchV1().Jobs("default").Get(ctx, "once", metav1.GetOptions{})
		return err == nil && j.Status.Succeeded == 1, j
	})
	for fate, want := range map[string]func(corev1.ContainerStatus) bool{
		"unready":     func(s corev1.ContainerStatus) bool { return s.State.Running != nil && !s.Ready },
		"crash-loop":  func(s corev1.ContainerStatus) bool { return waits(s, "CrashLoopBackOff") && s.RestartCount > 0 },
		"image-error": func(s corev1.ContainerStatus) bool { return waits(s, "ImagePullBackOff") },
		"oom": func(s corev1.ContainerStatus) bool {
			return s.LastTerminationState.Terminated != nil && s.LastTerminationState.Terminated.Reason == "OOMKilled"
		},
	} {
		t.Run(fate, func(t *testing.T) {
			pods, ctx := client.CoreV1().Pods("default"), within(t)
			meta := metav1.ObjectMeta{Name: fate, Annotations: map[string]string{cluster.Simulate: fate}}
			if _, err := pods.Create(ctx, &corev1.Pod{ObjectMeta: meta, Spec: probe("serve")}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			eventually(t, fate, func(ctx context.Context) (bool, any) {
				p, err := pods.Get(ctx, fate, metav1.GetOptions{})
				return err == nil && len(p.Status.ContainerStatuses) == 1 && want(p.Status.ContainerStatuses[0]) && !ready(p.Status), p
			})
			if err := pods.Delete(ctx, fate, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the end of the pod", func(ctx context.Context) (bool, any) {
				p, err := pods.Get(ctx, fate, metav1.GetOptions{})
				return err != nil, p
			})
		})
	}
}

func waits(s corev1.ContainerStatus, reason string) bool {
	return s.State.Waiting != nil && s.State.Waiting.Reason == reason
}

func TestBadArchive(t *testing.T) {
	c := cluster.Start(t)
	if err := c.LoadImage(within(t), "/nowhere.tar"); err == nil || !strings.Contains(err.Error(), "no real node") {
		t.Errorf("an image for a cluster without a node: %v", err)
	}
	if err := c.Stop(within(t), "toaster"); err == nil || !strings.Contains(err.Error(), "no such program") {
		t.Errorf("a program that does not exist: %v", err)
	}
	if _, err := c.Host(within(t)); err == nil {
		t.Error("a cluster without a node has an address for pods")
	}
}
