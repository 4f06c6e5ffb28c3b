package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// desk is a cluster with a few applications, which notes what is written.
type desk struct {
	Backend
	ClusterState
	Previews
	apps    []v1alpha1.Application
	err     error
	changes []map[string]any
	tried   []PreviewRequest
}

func (d *desk) Cluster(ClusterOptions) (Cluster, error) { return d, nil }
func (d *desk) Namespace() string                       { return "shop" }
func (d *desk) Person(context.Context) string           { return "ada" }

func (d *desk) Applications(context.Context, string) ([]v1alpha1.Application, string, error) {
	return d.apps, "1", d.err
}

func (d *desk) Releases(context.Context, string) ([]v1alpha1.Release, error) { return nil, d.err }

func (d *desk) Change(_ context.Context, k deliver.AppKey, change map[string]any) (*v1alpha1.Application, error) {
	d.changes = append(d.changes, change)
	return &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Name}}, nil
}

func (d *desk) Preview(_ context.Context, app *v1alpha1.Application, r PreviewRequest) (*Preview, error) {
	d.tried = append(d.tried, r)
	return &Preview{Application: app.Namespace + "/" + app.Name}, nil
}

// annotations are those of the last change.
func (d *desk) annotations(t *testing.T) map[string]any {
	t.Helper()
	if len(d.changes) == 0 {
		t.Fatal("nothing was written")
	}
	meta, _ := d.changes[len(d.changes)-1]["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	return annotations
}

// say runs aeo and returns its exit code and what it wrote.
func (d *desk) say(args ...string) (code int, out, complaint string) {
	var stdout, stderr bytes.Buffer
	s := &Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" }}
	code = Main(context.Background(), d, s, Build{}, args)
	return code, stdout.String(), stderr.String()
}

func heldShop(revisions ...string) v1alpha1.Application {
	app := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop"}}
	app.Status.Sync = &v1alpha1.Revision{Revision: strings.Repeat("0", 40)}
	for _, r := range revisions {
		app.Status.Conditions = append(app.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionSynced, Status: metav1.ConditionFalse, Reason: "DeletionHeld",
			Message: "5 of 6 objects left Git, more than 50 %: confirm with `aeo app sync shop -n shop --confirm-prune " + r + "`",
		})
	}
	return app
}

func TestConfirmPrune(t *testing.T) {
	sha := "3f2a91c07d" + strings.Repeat("a", 30)
	twin := "3f2a91c07d" + strings.Repeat("b", 30)
	digest := "sha256:" + strings.Repeat("9c", 32)
	marked := heldShop()
	now := metav1.Now()
	marked.Status.Inventory = []v1alpha1.InventoryEntry{{ID: "x"}, {ID: "y", Prune: &now}}
	marked.Status.Sync.Revision = sha
	for name, c := range map[string]struct {
		app   v1alpha1.Application
		asked string
		want  string // the revision that is written, or
		why   string // a word of the error, and
		fix   string // one of how to mend it
	}{
		"in full":              {heldShop(sha), sha, sha, "", ""},
		"its beginning":        {heldShop(sha), sha[:7], sha, "", ""},
		"one of two":           {heldShop(sha, twin), twin[:11], twin, "", ""},
		"a digest":             {heldShop(digest), digest[:19], digest, "", ""},
		"a digest's letters":   {heldShop(digest), digest[7:20], digest, "", ""},
		"marked, not held yet": {marked, sha[:8], sha, "", ""},
		"too short":            {heldShop(sha), sha[:6], "", "too short", "--confirm-prune " + sha},
		"no letter of it":      {heldShop(sha), "", "", "too short", "--confirm-prune " + sha},
		"a digest without any": {heldShop(digest), "sha256:", "", "too short", "--confirm-prune " + digest},
		"another":              {heldShop(sha), "1234567", "", "the revision that waits is " + sha, "aeo app sync shop -n shop --confirm-prune " + sha},
		"longer than it":       {heldShop(sha), sha + "a", "", "is not what waits", "--confirm-prune " + sha},
		"two of two":           {heldShop(sha, twin), sha[:8], "", "several", twin},
		"nothing waits":        {heldShop(), sha, "", "nothing waits", "aeo app get shop -n shop"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{apps: []v1alpha1.Application{c.app}}
			code, _, complaint := d.say("app", "sync", "shop", "--confirm-prune", c.asked)
			if c.want == "" {
				if code != fault.Invalid.ExitCode() || len(d.changes) != 0 || !strings.Contains(complaint, c.why) || !strings.Contains(complaint, c.fix) {
					t.Errorf("exit code %d, %d changes, %s", code, len(d.changes), complaint)
				}
				return
			}
			if got := d.annotations(t); code != 0 || got[v1alpha1.AnnotationConfirmPrune] != c.want || got[v1alpha1.AnnotationSync] == nil || got[v1alpha1.AnnotationRequestedBy] != "ada" {
				t.Errorf("exit code %d, %v, %s", code, got, complaint)
			}
		})
	}
	d := &desk{apps: []v1alpha1.Application{heldShop(sha)}}
	if code, _, _ := d.say("app", "sync", "shop"); code != 0 || d.annotations(t)[v1alpha1.AnnotationConfirmPrune] != nil {
		t.Errorf("unasked: %v", d.changes)
	}
}

// TestAskingSaysWhatFor has an error name the request in words, not the
// annotation that carries it, and nothing written.
func TestAskingSaysWhatFor(t *testing.T) {
	sha := strings.Repeat("3f", 20)
	suspended, observed := heldShop(sha), heldShop()
	suspended.Spec.Suspend = true
	observed.Spec.Observe = &v1alpha1.ObjectReference{Kind: "Application", Name: "shop"}
	for want, c := range map[string]struct {
		app  v1alpha1.Application
		args []string
	}{
		"cannot ask for a sync of application shop/shop\nwhy:   the application is suspended": {suspended, []string{"app", "sync", "shop", "--confirm-prune", sha}},
		"cannot ask for a sync of application shop/shop\nwhy:   the application is managed":   {observed, []string{"app", "sync", "shop"}},
	} {
		d := &desk{apps: []v1alpha1.Application{c.app}}
		if code, _, complaint := d.say(c.args...); code != fault.Blocked.ExitCode() || len(d.changes) != 0 || !strings.Contains(complaint, want) {
			t.Errorf("%d changes, %s", len(d.changes), complaint)
		}
	}
	app := heldShop()
	for annotation, want := range map[string]string{v1alpha1.AnnotationRollback: "a rollback of application shop/shop", v1alpha1.AnnotationRetry: "another try of application shop/shop"} {
		if got := (request{annotation: annotation}).subject(&app); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
