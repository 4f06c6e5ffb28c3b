package cluster_test

import (
	"context"
	"os"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/autoecoops/autoecoops/test/cluster"
)

// within returns a context that ends with the test or after a while that only
// a hang exceeds.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func clientOf(t *testing.T, c *cluster.Cluster) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestControlPlane(t *testing.T) {
	var dir string
	t.Run("lives", func(t *testing.T) {
		start := time.Now()
		c := cluster.Start(t)
		t.Logf("ready after %s", time.Since(start).Round(time.Millisecond))
		dir = c.RunDir()
		ctx, client := within(t), clientOf(t, c)
		version, err := client.Discovery().ServerVersion()
		if err != nil || version.Major != "1" || version.Minor == "" {
			t.Fatalf("version %v, error %v", version, err)
		}
		made, err := client.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
		if err != nil || made.UID == "" {
			t.Fatalf("made %v, error %v", made, err)
		}
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the run directory %s is left: %v", dir, err)
	}
}

func tokenRequest() *authenticationv1.TokenRequest { return &authenticationv1.TokenRequest{} }
