package commands

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/test/cluster"
)

// world is a cluster with an operator beside it, and a repository that the one
// Application follows.
type world struct {
	*testing.T
	dir, aeo, aeod, config string
	rest                   *rest.Config
	client                 dynamic.Interface
	daemon                 *exec.Cmd
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir()}
	w.aeo, w.aeod = filepath.Join(w.dir, "aeo"), filepath.Join(w.dir, "aeod")
	build := exec.Command("go", "build", "-trimpath", "-o", w.dir+"/", "./cmd/aeo", "./cmd/aeod")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	c := cluster.Start(t, cluster.WithSimulatedNodes(1))
	w.rest = c.Config()
	w.config = filepath.Join(w.dir, "kubeconfig")
	if err := cluster.WriteKubeconfig(w.config, w.rest); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.client, err = dynamic.NewForConfig(w.rest); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"applications", "releases"} {
		text, err := os.ReadFile("../../../deploy/crds/autoecoops.io_" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		w.apply(string(text))
		w.await(name+" are served", func() string {
			_, err := w.client.Resource(schema.GroupVersionResource{Group: "autoecoops.io", Version: "v1alpha1", Resource: name}).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				return err.Error()
			}
			return ""
		})
	}
	return w
}

// plurals are the resources of the kinds that the tests use.
var plurals = map[string]string{"NetworkPolicy": "networkpolicies"}

// apply makes each document's object by server-side apply.
func (w *world) apply(text string) {
	w.Helper()
	for _, doc := range strings.Split(text, "\n---\n") {
		asJSON, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			w.Fatal(err)
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(asJSON); err != nil {
			w.Fatalf("%v in\n%s", err, doc)
		}
		gv := o.GroupVersionKind()
		plural := plurals[gv.Kind]
		if plural == "" {
			plural = strings.ToLower(gv.Kind) + "s"
		}
		r := w.client.Resource(schema.GroupVersionResource{Group: gv.Group, Version: gv.Version, Resource: plural})
		w.await("apply "+gv.Kind+" "+o.GetName(), func() string {
			if _, err := r.Namespace(o.GetNamespace()).Patch(w.Context(), o.GetName(), types.ApplyPatchType, asJSON, metav1.PatchOptions{FieldManager: "test"}); err != nil {
				return err.Error()
			}
			return ""
		})
	}
}

// operate starts the operator.
func (w *world) operate() {
	w.Helper()
	log, err := os.Create(filepath.Join(w.dir, "aeod.log"))
	if err != nil {
		w.Fatal(err)
	}
	defer log.Close()
	w.daemon = exec.Command(w.aeod, "--kubeconfig", w.config, "--ledger", filepath.Join(w.dir, "ledger.db"), "--cache-dir", filepath.Join(w.dir, "cache"),
		"--listen", "", "--allow-file", "--namespace", "autoecoops", "--leader-elect=false")
	w.daemon.Stdout, w.daemon.Stderr = log, log
	w.daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := w.daemon.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(w.stop)
}

// stop ends the operator.
func (w *world) stop() {
	late := time.AfterFunc(15*time.Second, func() { _ = w.daemon.Process.Kill() })
	defer late.Stop()
	if err := w.daemon.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		w.Error(err)
	}
	_ = w.daemon.Wait() // however it ended, it has
}

// commit writes files on a branch of the repository, made from what is there.
func (w *world) commit(branch string, files map[string]string) {
	w.Helper()
	dir := w.repo()
	if _, err := os.Stat(dir); err != nil {
		w.git("", "init", "-q", "-b", "main", dir)
	}
	if branch != "main" {
		w.git(dir, "checkout", "-q", "-B", branch, "main")
	}
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
			w.Fatal(err)
		}
	}
	w.git(dir, "add", "-A")
	w.git(dir, "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "-q", "-m", "change on "+branch)
	if branch != "main" {
		w.git(dir, "checkout", "-q", "main")
	}
}

func (w *world) repo() string { return filepath.Join(w.dir, "repo") }

func (w *world) git(dir string, args ...string) {
	w.Helper()
	c := exec.Command("git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	if out, err := c.CombinedOutput(); err != nil {
		w.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// run runs aeo against the cluster and returns its exit code and output.
func (w *world) run(line string) (code int, out, errs string) {
	w.Helper()
	return w.as(w.config, nil, line)
}

func (w *world) as(config string, env []string, line string) (code int, out, errs string) {
	w.Helper()
	var o, e bytes.Buffer
	c := exec.Command(w.aeo, append(strings.Fields(line), "--kubeconfig", config)...)
	c.Stdout, c.Stderr = &o, &e
	c.Env = append(append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(w.dir, "user")), env...)
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}
	return c.ProcessState.ExitCode(), o.String(), e.String()
}

// wants checks one command's code and what its output holds; "lacks:" before a text
// says that it must not.
func (w *world) wants(line string, code int, has ...string) string {
	w.Helper()
	got, out, errs := w.run(line)
	w.judge(line, got, code, out, errs, has...)
	return out
}

func (w *world) judge(line string, got, code int, out, errs string, has ...string) {
	w.Helper()
	if got != code {
		w.Errorf("aeo %s: exit code %d, want %d\n%s%s", line, got, code, out, errs)
	}
	for _, text := range has {
		plain, lacks := strings.CutPrefix(text, "lacks:")
		if strings.Contains(out+errs, plain) == lacks {
			w.Errorf("aeo %s: want %q in\n%s%s", line, text, out, errs)
		}
	}
}

// await calls f until it returns "", and fails the test if it takes too long.
func (w *world) await(what string, f func() string) {
	w.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		why := f()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("%s: not in time: %s", what, why)
		}
		<-tick.C
	}
}
