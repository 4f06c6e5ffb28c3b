package delivery_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apitypes "k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
	"github.com/autoecoops/autoecoops/adapter/oci"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/controller"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
)

// hub is a registry that asks for a password if it has one, and counts the
// manifests that it is asked for.
type hub struct {
	*httptest.Server
	mu       sync.Mutex
	down     bool
	password string
	asked    int
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{}
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		down, password := h.down, h.password
		if strings.Contains(r.URL.Path, "/manifests/") && r.Method != http.MethodPut {
			h.asked++
		}
		h.mu.Unlock()
		_, given, _ := r.BasicAuth()
		switch {
		case down:
			panic(http.ErrAbortHandler)
		case password != "" && given != password:
			w.Header().Set("WWW-Authenticate", `Basic realm="hub"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			real.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hub) set(change func(*hub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.asked
	h.asked = 0
	return n
}

func (h *hub) repository() string { return strings.TrimPrefix(h.URL, "http://") + "/team/shop" }

// push pushes files under a tag, as `oras push` does with a tar archive, and
// returns the digest. A text that begins with → is a link.
func (h *hub) push(t *testing.T, tag string, files ...string) string {
	t.Helper()
	return h.pushLayers(t, tag, static.NewLayer(archive(t, files...), "application/vnd.oci.image.layer.v1.tar"))
}

func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for i := 0; i < len(files); i += 2 {
		header := &tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}
		body := files[i+1]
		if target, ok := strings.CutPrefix(body, "→"); ok {
			header.Typeflag, header.Linkname, header.Size, body = tar.TypeSymlink, target, 0, ""
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// pushLayers pushes an artifact of some layers.
func (h *hub) pushLayers(t *testing.T, tag string, layers ...v1.Layer) string {
	t.Helper()
	var all []mutate.Addendum
	for _, l := range layers {
		media, err := l.MediaType()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mutate.Addendum{Layer: l, MediaType: media})
	}
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), all...)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(h.repository()+":"+tag, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	auth := authn.FromConfig(authn.AuthConfig{Username: "push", Password: h.password})
	h.mu.Unlock()
	if err := remote.Write(ref, img, remote.WithAuth(auth)); err != nil {
		t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// remove removes a tag.
func (h *hub) remove(t *testing.T, tag string) {
	t.Helper()
	ref, err := name.NewTag(h.repository()+":"+tag, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Delete(ref); err != nil {
		t.Fatal(err)
	}
}

// desk is what follows a hub: a Remote with its cache, and a Renderer.
type desk struct {
	*delivery.Remote
	renderer *delivery.Renderer
	hub      *hub
	secrets  map[string]map[string][]byte
}

func newDesk(t *testing.T, h *hub, dir string, o oci.Options) *desk {
	t.Helper()
	store, err := oci.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{hub: h, secrets: map[string]map[string][]byte{}}
	d.Remote = &delivery.Remote{Artifacts: store, Secret: func(_ context.Context, namespace, name string) (map[string][]byte, error) {
		if data, ok := d.secrets[namespace+"/"+name]; ok {
			return data, nil
		}
		return nil, fault.New(fault.NotFound, "read secret", name, "there is none", "")
	}}
	d.renderer = delivery.NewRenderer(helm.New(helm.Options{}), kustomize.New(kustomize.Options{}), &delivery.Inputs{})
	return d
}

func (d *desk) app(tune func(*v1alpha1.OCISource)) *v1alpha1.Application {
	src := &v1alpha1.OCISource{URL: "oci://" + d.hub.repository()}
	if tune != nil {
		tune(src)
	}
	return &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "shop", UID: apitypes.UID("uid-shop")},
		Spec:       v1alpha1.ApplicationSpec{Source: &v1alpha1.Source{OCI: src, Path: "app"}},
	}
}

// values renders what an application is at, and returns the value of each
// ConfigMap.
func (d *desk) values(t *testing.T, app *v1alpha1.Application, revision string) (map[string]string, deliver.Tree, error) {
	t.Helper()
	tree, err := d.Fetch(t.Context(), app, revision)
	if err != nil {
		return nil, nil, err
	}
	rendered, err := d.renderer.Render(t.Context(), app, tree)
	if err != nil {
		return nil, tree, err
	}
	out := map[string]string{}
	for _, b := range rendered.Bodies {
		meta, _ := b["metadata"].(map[string]any)
		data, _ := b["data"].(map[string]any)
		out[fmt.Sprint(meta["name"])] = fmt.Sprint(data["v"])
	}
	return out, tree, nil
}

func configMap(name, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {v: \"" + value + "\"}\n"
}

func wants(t *testing.T, what string, err error, kind fault.Kind, text string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, not %v with %q", what, err, kind, text)
	}
}

func TestArtifactToObjects(t *testing.T) {
	h := newHub(t)
	d := newDesk(t, h, t.TempDir(), oci.Options{AllowHTTP: true})
	first := h.push(t, "stable", "app/a.yaml", configMap("a", "1"), "readme.md", "one")
	app := d.app(func(o *v1alpha1.OCISource) { o.Tag = "stable" })

	revision, ref, err := d.Resolve(t.Context(), app, 0)
	if err != nil || revision != first || ref != "stable" {
		t.Fatalf("%s %s %v, not %s", revision, ref, err, first)
	}
	got, tree, err := d.values(t, app, revision)
	if err != nil || got["a"] != "1" || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	if tree.Commit() != nil {
		t.Error("an artifact has no commit that anybody vouches for")
	}
	// What nobody read may change; what was read may not.
	key := deliver.AppKey{Namespace: "shop", Name: "shop"}
	second := h.push(t, "stable", "app/a.yaml", configMap("a", "1"), "readme.md", "two")
	if revision, _, err = d.Resolve(t.Context(), app, 0); err != nil || revision != second || second == first {
		t.Fatalf("the tag moved: %s %v", revision, err)
	}
	for i, x := range []struct {
		files []string
		same  bool
	}{
		{[]string{"app/a.yaml", configMap("a", "1"), "readme.md", "three"}, true},
		{[]string{"app/a.yaml", configMap("a", "2")}, false},
		{[]string{"app/a.yaml", configMap("a", "1"), "app/b.yaml", configMap("b", "1")}, false},
	} {
		other, err := d.Fetch(t.Context(), app, h.push(t, fmt.Sprint("x", i), x.files...))
		if err != nil {
			t.Fatal(err)
		}
		if d.renderer.Same(key, other) != x.same {
			t.Errorf("%d: same is %v", i, !x.same)
		}
	}
	missing := d.app(nil)
	missing.Spec.Source.Path = "elsewhere"
	_, _, err = d.values(t, missing, first)
	wants(t, "a folder that is not there", err, fault.Invalid, "no such folder")
}

// TestArtifactLinks changes what a link leads to: the link itself is the same.
func TestArtifactLinks(t *testing.T) {
	h := newHub(t)
	d := newDesk(t, h, t.TempDir(), oci.Options{AllowHTTP: true})
	app := d.app(nil)
	key := deliver.AppKey{Namespace: "shop", Name: "shop"}
	first := h.push(t, "latest", "app/a.yaml", "→../parts/a.txt", "parts/a.txt", configMap("a", "1"))
	got, _, err := d.values(t, app, first)
	if err != nil || got["a"] != "1" {
		t.Fatalf("%v, %v", got, err)
	}
	other, err := d.Fetch(t.Context(), app, h.push(t, "next", "app/a.yaml", "→../parts/a.txt", "parts/a.txt", configMap("a", "2")))
	if err != nil {
		t.Fatal(err)
	}
	if d.renderer.Same(key, other) {
		t.Error("what the link leads to has changed")
	}
	_, _, err = d.values(t, app, h.push(t, "out", "app/a.yaml", "→../../etc/passwd"))
	if err == nil || !strings.Contains(err.Error(), "leads out") {
		t.Errorf("a link out of the artifact: %v", err)
	}
}

// TestHelmArtifact renders a chart as helm push leaves it, with its provenance
// beside it.
func TestHelmArtifact(t *testing.T) {
	h := newHub(t)
	d := newDesk(t, h, t.TempDir(), oci.Options{AllowHTTP: true})
	chart := archive(t, "shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n", "shop/values.yaml", "v: \"1\"\n",
		"shop/templates/a.yaml", strings.Replace(configMap("a", "1"), `"1"`, "{{ .Values.v | quote }}", 1))
	digest := h.pushLayers(t, "1.2.3", static.NewLayer(chart, "application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
		static.NewLayer([]byte("signed"), "application/vnd.cncf.helm.chart.provenance.v1.prov"))
	app := d.app(func(o *v1alpha1.OCISource) { o.Semver = "1.x" })
	app.Spec.Source.Path = "shop"
	revision, _, err := d.Resolve(t.Context(), app, 0)
	if err != nil || revision != digest {
		t.Fatal(revision, err)
	}
	if got, _, err := d.values(t, app, revision); err != nil || got["a"] != "1" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestArtifactRefs(t *testing.T) {
	h := newHub(t)
	d := newDesk(t, h, t.TempDir(), oci.Options{AllowHTTP: true})
	old := h.push(t, "v1.0.0", "app/a.yaml", configMap("a", "1"))
	best := h.push(t, "v1.4.2", "app/a.yaml", configMap("a", "2"))
	h.push(t, "v2.0.0", "app/a.yaml", configMap("a", "3"))
	revision, ref, err := d.Resolve(t.Context(), d.app(func(o *v1alpha1.OCISource) { o.Semver = "^1" }), 0)
	if err != nil || revision != best || ref != "v1.4.2" {
		t.Errorf("a range: %s %s %v", revision, ref, err)
	}
	revision, ref, err = d.Resolve(t.Context(), d.app(func(o *v1alpha1.OCISource) { o.Digest = old }), 0)
	if err != nil || revision != old || ref != "" {
		t.Errorf("a digest: %s %s %v", revision, ref, err)
	}
	_, _, err = d.Resolve(t.Context(), d.app(func(o *v1alpha1.OCISource) { o.Semver = "^9" }), 0)
	wants(t, "a range with nothing in it", err, fault.NotFound, "range")
	_, _, err = d.Resolve(t.Context(), d.app(nil), 0)
	wants(t, "no tag called latest", err, fault.NotFound, "no such artifact")
	none := d.app(nil)
	none.Spec.Source.OCI = nil
	_, _, err = d.Resolve(t.Context(), none, 0)
	wants(t, "no source", err, fault.Invalid, "neither")
	_, err = d.Fetch(t.Context(), none, old)
	wants(t, "no source", err, fault.Invalid, "neither")
	_, _, err = (&delivery.Remote{}).Resolve(t.Context(), d.app(nil), 0)
	wants(t, "no cache", err, fault.Blocked, "no cache")
}

func TestArtifactCredentials(t *testing.T) {
	h := newHub(t)
	h.password = "s3cret-word"
	d := newDesk(t, h, t.TempDir(), oci.Options{AllowHTTP: true})
	digest := h.push(t, "latest", "app/a.yaml", configMap("a", "1"))
	host, _, _ := strings.Cut(h.repository(), "/")
	docker := func(password string) map[string][]byte {
		return map[string][]byte{".dockerconfigjson": fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte("robot:"+password)))}
	}
	for _, x := range []struct {
		name   string
		secret map[string][]byte
		kind   fault.Kind
		text   string
	}{
		{"docker", docker(h.password), 0, ""},
		{"plain", map[string][]byte{"username": []byte("robot"), "password": []byte(h.password)}, 0, ""},
		{"wrong", docker("guess-word"), fault.Denied, "refuses the credentials"},
		{"empty", map[string][]byte{"other": []byte("x")}, fault.Invalid, "no credentials"},
		{"broken", map[string][]byte{".dockerconfigjson": []byte("guess-word")}, fault.Invalid, "cannot be read"},
		{"absent", nil, fault.NotFound, "absent"},
	} {
		if x.secret != nil {
			d.secrets["shop/"+x.name] = x.secret
		}
		app := d.app(func(o *v1alpha1.OCISource) { o.Secret = &v1alpha1.LocalReference{Name: x.name} })
		revision, _, err := d.Resolve(t.Context(), app, 0)
		if x.text == "" {
			if err != nil || revision != digest {
				t.Errorf("%s: %s %v", x.name, revision, err)
			} else if _, _, err := d.values(t, app, revision); err != nil {
				t.Errorf("%s: %v", x.name, err)
			}
			continue
		}
		wants(t, x.name, err, x.kind, x.text)
		// What is in the cache is for those who may have it.
		_, err = d.Fetch(t.Context(), app, digest)
		wants(t, x.name, err, x.kind, x.text)
		if _, passes := errors.AsType[deliver.Unreached](err); !passes {
			t.Errorf("%s: the artifact is blamed for the credentials: %v", x.name, err)
		}
		if strings.Contains(fmt.Sprintf("%+v", err), "word") {
			t.Errorf("%s: the error shows a password: %+v", x.name, err)
		}
	}
	_, _, err := d.Resolve(t.Context(), d.app(nil), 0)
	wants(t, "no credentials", err, fault.Denied, "asks for some")
}

// TestArtifactPlainHTTP holds that a registry without TLS needs a word of the
// operator.
func TestArtifactPlainHTTP(t *testing.T) {
	h := newHub(t)
	d := newDesk(t, h, t.TempDir(), oci.Options{})
	digest := h.push(t, "latest", "app/a.yaml", configMap("a", "1"))
	h.count()
	_, _, err := d.Resolve(t.Context(), d.app(nil), 0)
	wants(t, "resolve", err, fault.Denied, "without TLS")
	_, err = d.Fetch(t.Context(), d.app(nil), digest)
	wants(t, "fetch", err, fault.Denied, "without TLS")
	if n := h.count(); n != 0 {
		t.Errorf("it was asked %d times all the same", n)
	}
}

func TestArtifactHostile(t *testing.T) {
	h := newHub(t)
	d := newDesk(t, h, t.TempDir(), oci.Options{AllowHTTP: true, MaxUnpacked: 1 << 20, MaxFiles: 10})
	many := []string{}
	for i := range 20 {
		many = append(many, fmt.Sprintf("app/%d.yaml", i), configMap("a", "1"))
	}
	for name, files := range map[string][]string{
		"outside":  {"../app/a.yaml", configMap("a", "1")},
		"absolute": {"/etc/a.yaml", configMap("a", "1")},
		"large":    {"app/a.yaml", strings.Repeat("x", 2<<20)},
		"many":     many,
	} {
		_, err := d.Fetch(t.Context(), d.app(nil), h.push(t, name, files...))
		wants(t, name, err, fault.Invalid, "it")
		if _, passes := errors.AsType[deliver.Unreached](err); passes {
			t.Errorf("%s: it would be tried again: %v", name, err)
		}
	}
}

// TestArtifactOutage has the registry go away: what was kept is there, also for
// a daemon that has just started; what was not is an error that says why.
func TestArtifactOutage(t *testing.T) {
	h, dir := newHub(t), t.TempDir()
	d := newDesk(t, h, dir, oci.Options{AllowHTTP: true})
	app := d.app(nil)
	good := h.push(t, "latest", "app/a.yaml", configMap("a", "1"))
	next := h.push(t, "next", "app/a.yaml", configMap("a", "2"))
	if _, _, err := d.values(t, app, good); err != nil {
		t.Fatal(err)
	}
	if err := d.Keep(t.Context(), app, good, ""); err != nil {
		t.Fatal(err)
	}
	h.set(func(h *hub) { h.down = true })
	again := newDesk(t, h, dir, oci.Options{AllowHTTP: true, Timeout: 10 * time.Second})
	_, _, err := again.Resolve(t.Context(), app, 0)
	wants(t, "the registry is down", err, fault.Unavailable, "cannot be reached")
	if got, _, err := again.values(t, app, good); err != nil || got["a"] != "1" {
		t.Errorf("what was kept: %v, %v", got, err)
	}
	if err := again.Keep(t.Context(), app, good, ""); err != nil {
		t.Errorf("keep it again: %v", err)
	}
	_, err = again.Fetch(t.Context(), app, next)
	wants(t, "what was not kept", err, fault.Unavailable, "cannot be reached")
	h.set(func(h *hub) { h.down = false })
	h.remove(t, "latest")
	_, _, err = again.Resolve(t.Context(), app, 0)
	wants(t, "the tag vanished", err, fault.NotFound, "no such artifact")
	// One that changes nothing takes the place of the one before.
	h.push(t, "latest", "app/a.yaml", configMap("a", "1"))
	if _, err := again.Fetch(t.Context(), app, next); err != nil {
		t.Fatal(err)
	}
	if err := again.Keep(t.Context(), app, next, good); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Artifacts.Kept(string(app.UID), good); fault.KindOf(err) != fault.NotFound {
		t.Errorf("replaced: %v", err)
	}
	if _, err := again.Artifacts.Kept(string(app.UID), next); err != nil {
		t.Errorf("kept instead: %v", err)
	}
	good = next
	// Of an application that has gone nothing is kept.
	again.Forget(deliver.AppKey{Namespace: "shop", Name: "shop"})
	if _, err := again.Artifacts.Kept(string(app.UID), good); fault.KindOf(err) != fault.NotFound {
		t.Errorf("forgotten: %v", err)
	}
}

// TestArtifactsAreCollected has unused artifacts go, and the newest stay.
func TestArtifactsAreCollected(t *testing.T) {
	h := newHub(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	d := newDesk(t, h, t.TempDir(), oci.Options{AllowHTTP: true, Now: now})
	d.Now = now
	app := d.app(nil)
	var all []string
	for i := range 14 {
		digest := h.push(t, "latest", "app/a.yaml", configMap("a", fmt.Sprint(i)))
		all = append(all, digest)
		if _, err := d.Fetch(t.Context(), app, digest); err != nil {
			t.Fatal(err)
		}
		if err := d.Keep(t.Context(), app, digest, ""); err != nil {
			t.Fatal(err)
		}
		at = at.Add(24 * time.Hour)
	}
	h.set(func(h *hub) { h.down = true })
	for i, digest := range all[4:] {
		if _, err := d.Fetch(t.Context(), app, digest); err != nil {
			t.Errorf("%d: %v", i+4, err)
		}
	}
	if _, err := d.Artifacts.Kept("uid-shop", all[0]); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the oldest is still kept: %v", err)
	}
	if n, _, err := d.Artifacts.Collect(t.Context(), 7*24*time.Hour, 1<<30); err != nil || n != 0 {
		t.Errorf("%d artifacts were left to collect, %v", n, err)
	}
}

// TestArtifactsShareInquiries has many applications follow one tag: the
// registry is asked once for all.
func TestArtifactsShareInquiries(t *testing.T) {
	h := newHub(t)
	d := newDesk(t, h, t.TempDir(), oci.Options{AllowHTTP: true})
	digest := h.push(t, "latest", "app/a.yaml", configMap("a", "1"))
	h.count()
	woken := make(chan deliver.AppKey, 100)
	s := &controller.Sources{Remote: d.Remote, Wake: func(k deliver.AppKey) { woken <- k }, Workers: 4, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	var apps []*v1alpha1.Application
	for i := range 20 {
		app := d.app(func(o *v1alpha1.OCISource) { o.Interval = &metav1.Duration{Duration: time.Hour} })
		app.Name, app.UID = fmt.Sprint("shop", i), apitypes.UID(fmt.Sprint("uid", i))
		app.Spec.Source.Path = fmt.Sprint("folder", i)
		apps = append(apps, app)
		if _, ok, err := s.Head(app); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	for range apps {
		select {
		case <-woken:
		case <-time.After(time.Minute):
			t.Fatal("an application was not woken")
		}
	}
	for _, app := range apps {
		if head, ok, err := s.Head(app); !ok || err != nil || head.Revision != digest || head.Ref != "latest" {
			t.Errorf("%s: %+v %v %v", app.Name, head, ok, err)
		}
	}
	if n := h.count(); n != 1 {
		t.Errorf("the registry was asked %d times", n)
	}
	cancel()
	<-done
}
