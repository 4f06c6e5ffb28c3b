package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/autoecoops/autoecoops/adapter/oci"
	"github.com/autoecoops/autoecoops/fault"
)

// server is a registry that counts what is asked.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	before func(http.ResponseWriter, *http.Request) bool
}

func serve(t testing.TB, start func(http.Handler) *httptest.Server) *server {
	t.Helper()
	s := &server{}
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		before := s.before
		s.mu.Unlock()
		if before == nil || !before(w, r) {
			real.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) intercept(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// count returns how many manifests and blobs were asked for since the last call.
func (s *server) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asked {
		if strings.Contains(a, "/manifests/") || strings.Contains(a, "/blobs/") || strings.Contains(a, "/tags/") {
			n++
		}
	}
	s.asked = nil
	return n
}

func (s *server) host() string {
	return s.URL[strings.Index(s.URL, "://")+3:]
}

func (s *server) url() string { return "oci://" + s.host() + "/team/app" }

// entry is one entry of an archive; text "→x" is a symbolic link.
type entry struct {
	name, text string
	header     func(*tar.Header)
}

func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.text)), Typeflag: tar.TypeReg}
		if target, ok := strings.CutPrefix(e.text, "→"); ok {
			h.Typeflag, h.Linkname, h.Size, e.text = tar.TypeSymlink, target, 0, ""
		}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if e.header != nil {
			e.header(h)
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const flux = types.MediaType("application/vnd.cncf.flux.content.v1.tar+gzip")

type layer struct {
	content []byte
	media   types.MediaType
	notes   map[string]string
}

// push pushes an artifact under tags and returns its digest.
func push(t testing.TB, s *server, layers []layer, tags ...string) string {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.flux.config.v1+json")
	var adds []mutate.Addendum
	for _, l := range layers {
		adds = append(adds, mutate.Addendum{Layer: static.NewLayer(l.content, l.media), Annotations: l.notes, MediaType: l.media})
	}
	img, err := mutate.Append(img, adds...)
	if err != nil {
		t.Fatal(err)
	}
	img = mutate.Annotations(img, map[string]string{"org.opencontainers.image.revision": "main@sha1:abc", "org.opencontainers.image.source": "https://git.example/x"}).(v1.Image)
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	options := []remote.Option{remote.WithTransport(s.Client().Transport)}
	for _, tag := range append(tags, "by-digest") {
		ref, err := name.NewTag(s.host() + "/team/app:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img, options...); err != nil {
			t.Fatal(err)
		}
	}
	return d.String()
}

func open(t testing.TB, o oci.Options) *oci.Store {
	t.Helper()
	o.AllowHTTP = true
	s, err := oci.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func kind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: %v is %s, want %s", what, err, fault.KindOf(err), want)
	}
}

func holds(t *testing.T, files fs.FS, name, want string) {
	t.Helper()
	if got, err := fs.ReadFile(files, name); err != nil || string(got) != want {
		t.Errorf("%s: %q, %v, want %q", name, got, err, want)
	}
}

func TestFetch(t *testing.T) {
	s := serve(t, httptest.NewServer)
	one := push(t, s, []layer{{pack(t, entry{name: "./"}, entry{name: "./a.yaml", text: "one"}, entry{name: "sub/b.yaml", text: "b"}, entry{name: "sub/run.sh", text: "x", header: func(h *tar.Header) { h.Mode = 0o755 }}, entry{name: "link", text: "→sub/b.yaml"}), flux, nil}}, "latest", "v1.0.0", "1.0.1-rc.1")
	two := push(t, s, []layer{{pack(t, entry{name: "a.yaml", text: "two"}, entry{name: "sub/b.yaml", text: "b"}), flux, nil}}, "v1.1.0", "main")
	st, repo := open(t, oci.Options{}), oci.Repo{URL: s.url()}
	for ref, want := range map[oci.Ref][2]string{
		{}: {one, "one"}, {Tag: "v1.0.0"}: {one, "one"}, {Tag: "main"}: {two, "two"}, {Semver: ">=1"}: {two, "two"}, {Semver: "~1.0.0"}: {one, "one"}, {Semver: ">=1.0.1-0 <1.1"}: {one, "one"}, {Digest: one}: {one, "one"},
	} {
		a, err := st.Resolve(t.Context(), repo, ref, 0)
		if err != nil || a.Digest != want[0] {
			t.Errorf("%+v: %+v, %v", ref, a, err)
			continue
		}
		tree, err := st.Fetch(t.Context(), repo, a)
		if err != nil {
			t.Errorf("%+v: %v", ref, err)
			continue
		}
		holds(t, tree, "a.yaml", want[1])
		holds(t, tree, "sub/b.yaml", "b")
		if i := tree.Info(); i.Digest != want[0] || i.Revision != "main@sha1:abc" || i.Source != "https://git.example/x" {
			t.Errorf("%+v", i)
		}
	}
	first, err := st.Fetch(t.Context(), repo, oci.Artifact{Digest: one})
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(first, "a.yaml", "sub/b.yaml", "sub/run.sh", "link"); err != nil {
		t.Error(err)
	}
	holds(t, first, "link", "b")
	second, err := st.Fetch(t.Context(), repo, oci.Artifact{Digest: two})
	if err != nil {
		t.Fatal(err)
	}
	same := func(p string) bool {
		a, errA := first.ID(p)
		b, errB := second.ID(p)
		return errA == nil && errB == nil && a == b && a != ""
	}
	if !same("sub/b.yaml") || same("a.yaml") || same(".") || same("sub") {
		t.Error("ids don't tell what is the same")
	}
}

func TestSharing(t *testing.T) {
	s := serve(t, httptest.NewServer)
	digest := push(t, s, []layer{{pack(t, entry{name: "a", text: "a"}), flux, nil}}, "latest")
	st, repo := open(t, oci.Options{}), oci.Repo{URL: s.url()}
	s.count()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a, err := st.Resolve(t.Context(), repo, oci.Ref{}, time.Minute)
			if err != nil {
				t.Error(err)
			}
			if _, err := st.Fetch(t.Context(), repo, a); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.count(); n > 4 { // the tag, the manifest, its layer and perhaps the configuration
		t.Errorf("%d questions for one artifact", n)
	}
	if _, err := st.Fetch(t.Context(), repo, oci.Artifact{Digest: digest}); err != nil || s.count() != 0 {
		t.Errorf("%v, or a question for what is here", err)
	}
	// But others must show that they may have it.
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, _ := r.BasicAuth(); user == "u" && password == "p" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	config := func(auth string) oci.Repo {
		return oci.Repo{URL: s.url(), Auth: oci.Auth{DockerConfig: []byte(`{"auths":{"other.example":{"auth":"eDp5"},"https://` + s.host() + `/v2/":{` + auth + `}}}`)}}
	}
	for auth, want := range map[string]bool{
		`"username":"u","password":"p"`: true, `"auth":"` + base64.StdEncoding.EncodeToString([]byte("u:p")) + `"`: true, `"username":"u","password":"secret"`: false,
	} {
		_, err := st.Fetch(t.Context(), config(auth), oci.Artifact{Digest: digest})
		if want != (err == nil) {
			t.Errorf("%s: %v", auth, err)
		}
		if !want {
			kind(t, auth, err, fault.Denied)
		}
	}
	_, err := st.Fetch(t.Context(), oci.Repo{URL: s.url()}, oci.Artifact{Digest: strings.Repeat("0", 64)})
	kind(t, "no digest", err, fault.Invalid)
	for _, bad := range []string{`{`, `{"auths":{"` + s.host() + `":{"auth":"!secret"}}}`, `{"auths":{"` + s.host() + `":{"auth":"c2VjcmV0"}}}`} {
		_, err := st.Fetch(t.Context(), oci.Repo{URL: s.url(), Auth: oci.Auth{DockerConfig: []byte(bad)}}, oci.Artifact{Digest: digest})
		if kind(t, bad, err, fault.Invalid); strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", config("secret"), config("secret"), config("secret").Auth); strings.Contains(text, "secret") {
		t.Error(text)
	}
}

// TestOtherKinds reads what ORAS and others push.
func TestOtherKinds(t *testing.T) {
	s := serve(t, httptest.NewServer)
	archive := pack(t, entry{name: "k/a.yaml", text: "a"})
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for name, layers := range map[string][]layer{
		"oras folder":  {{archive, "application/vnd.oci.image.layer.v1.tar+gzip", map[string]string{"org.opencontainers.image.title": "k", "io.deis.oras.content.unpack": "true"}}},
		"oras files":   {{[]byte("a"), "application/yaml", map[string]string{"org.opencontainers.image.title": "k/a.yaml"}}, {[]byte("b"), "application/yaml", map[string]string{"org.opencontainers.image.title": "b.yaml"}}},
		"a tar":        {{plain, "application/vnd.oci.image.layer.v1.tar", nil}},
		"docker":       {{archive, types.DockerLayer, nil}},
		"a named tgz":  {{archive, "application/octet-stream", map[string]string{"org.opencontainers.image.title": "k.tgz"}}},
		"several":      {{pack(t, entry{name: "k/a.yaml", text: "old"}), types.OCILayer, nil}, {archive, types.OCILayer, nil}},
		"flux besides": {{[]byte("signature"), "application/x", nil}, {archive, flux, nil}},
		"hard links":   {{pack(t, entry{name: "b", text: "a"}, entry{name: "k/a.yaml", header: func(h *tar.Header) { h.Typeflag, h.Linkname = tar.TypeLink, "b" }}), flux, nil}},
		"pax header": {{pack(t, entry{name: "pax", header: func(h *tar.Header) {
			*h = tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}
		}}, entry{name: "k/a.yaml", text: "a"}), flux, nil}},
		"more behind it": {{append(bytes.Clone(archive), pack(t)...), flux, nil}},
	} {
		digest := push(t, s, layers)
		tree, err := open(t, oci.Options{}).Fetch(t.Context(), oci.Repo{URL: s.url()}, oci.Artifact{Digest: digest})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		holds(t, tree, "k/a.yaml", "a")
	}
}

func TestHostileArtifacts(t *testing.T) {
	s := serve(t, httptest.NewServer)
	one := func(entries ...entry) []layer { return []layer{{pack(t, entries...), flux, nil}} }
	as := func(typ byte) func(*tar.Header) { return func(h *tar.Header) { h.Typeflag = typ } }
	var many []entry
	for i := range 1001 {
		many = append(many, entry{name: fmt.Sprint(i)})
	}
	archive := pack(t, entry{name: "a", text: strings.Repeat("abc", 1000)})
	for name, layers := range map[string][]layer{
		"upwards":           one(entry{name: "../a", text: "x"}),
		"upwards inside":    one(entry{name: "a/../../b", text: "x"}),
		"absolute":          one(entry{name: "/etc/passwd", text: "x"}),
		"a backslash":       one(entry{name: `..\a`, text: "x"}),
		"a control":         one(entry{name: "a\nb", text: "x"}),
		"no utf-8":          one(entry{name: "a\xff", text: "x", header: func(h *tar.Header) { h.Format = tar.FormatGNU }}),
		"a whiteout":        one(entry{name: "a/.wh.b", text: ""}),
		"twice":             one(entry{name: "a", text: "x"}, entry{name: "./a", text: "y"}),
		"a file and folder": one(entry{name: "a", text: "x"}, entry{name: "a/b", text: "y"}),
		"a folder and file": one(entry{name: "a/b", text: "x"}, entry{name: "a", text: "y"}),
		"a device":          one(entry{name: "a", header: as(tar.TypeChar)}),
		"a pipe":            one(entry{name: "a", header: as(tar.TypeFifo)}),
		"a link to outside": one(entry{name: "a", header: func(h *tar.Header) { h.Typeflag, h.Linkname = tar.TypeLink, "../../etc/passwd" }}),
		"a link to nothing": one(entry{name: "a", header: func(h *tar.Header) { h.Typeflag, h.Linkname = tar.TypeLink, "b" }}),
		"through a link":    one(entry{name: "a", text: "→/etc"}, entry{name: "a/passwd", text: "x"}),
		"a long link":       one(entry{name: "a", text: "→" + strings.Repeat("x", 5000)}),
		"very deep":         one(entry{name: strings.Repeat("d/", 300) + "x", text: "x"}),
		"many files":        one(many...),
		"many folders": one(func() (e []entry) {
			for i := range 1001 {
				e = append(e, entry{name: fmt.Sprint(i) + "/"})
			}
			return e
		}()...),
		"a bomb":             one(entry{name: "a", text: strings.Repeat("0", 3<<20)}),
		"a bomb of several":  one(entry{name: "a", text: strings.Repeat("0", 600<<10)}, entry{name: "b", text: strings.Repeat("0", 600<<10)}),
		"large":              {{noise(2 << 20), flux, nil}},
		"no archive":         {{[]byte("hello"), flux, nil}},
		"half an archive":    {{archive[:len(archive)/2], flux, nil}},
		"no layer":           nil,
		"a layer of no kind": {{[]byte("x"), "application/x", nil}},
		"zstd":               {{[]byte("x"), "application/vnd.oci.image.layer.v1.tar+zstd", nil}},
		"a hostile title":    {{[]byte("x"), "application/x", map[string]string{"org.opencontainers.image.title": "../x"}}},
	} {
		digest := push(t, s, layers)
		st := open(t, oci.Options{MaxFiles: 1000, MaxUnpacked: 1 << 20, MaxPacked: 1 << 20})
		tree, err := st.Fetch(t.Context(), oci.Repo{URL: s.url()}, oci.Artifact{Digest: digest})
		if err == nil {
			t.Errorf("%s was taken: %v", name, fstest.TestFS(tree))
			continue
		}
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Invalid || f.Code != oci.CodeUnfit {
			t.Errorf("%s: %#v is not told to be unfit", name, err)
		}
	}
}

func noise(n int) []byte {
	b, seed := make([]byte, n), uint64(1)
	for i := range b {
		seed = seed*6364136223846793005 + 1442695040888963407
		b[i] = byte(seed >> 56)
	}
	return b
}

func TestLinks(t *testing.T) {
	s := serve(t, httptest.NewServer)
	digest := push(t, s, []layer{{pack(t, entry{name: "sub/x", text: "x"}, entry{name: "dir", text: "→sub"}, entry{name: "sub/up", text: "→../sub/./x"}, entry{name: "out", text: "→../../etc/passwd"},
		entry{name: "absolute", text: "→/etc/passwd"}, entry{name: "loop", text: "→loop"}, entry{name: "nowhere", text: "→gone"}, entry{name: "large", text: strings.Repeat("x", 2000)}), flux, nil}})
	tree, err := open(t, oci.Options{MaxFile: 1000}).Fetch(t.Context(), oci.Repo{URL: s.url()}, oci.Artifact{Digest: digest})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, tree, "dir/x", "x")
	holds(t, tree, "dir/up", "x")
	for _, p := range []string{"out", "absolute", "loop"} {
		if _, err := tree.ReadFile(p); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", p, err)
		}
		if info, err := tree.Lstat(p); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("%s: %v, %v", p, info, err)
		}
	}
	for _, p := range []string{"nowhere", "gone", "sub/x/y"} {
		if _, err := tree.ReadFile(p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if target, err := tree.ReadLink("out"); err != nil || target != "../../etc/passwd" {
		t.Errorf("%q, %v", target, err)
	}
	linked, linkedErr := tree.ReadID("sub/up")
	plain, plainErr := tree.ReadID("sub/x")
	broken, brokenErr := tree.ReadID("nowhere")
	if err := errors.Join(linkedErr, plainErr, brokenErr); err != nil || !strings.HasSuffix(linked, ">"+plain) || strings.Contains(broken, ">") {
		t.Errorf("%s, %s, %s, %v", linked, plain, broken, err)
	}
	_, goneErr := tree.ReadID("gone")
	_, linkErr := tree.ReadLink("sub")
	_, dirErr := tree.ReadDir("sub/x")
	_, fileErr := tree.ReadFile("sub")
	_, idErr := tree.ID("gone")
	_, pathErr := tree.Open("/x")
	for _, err := range []error{goneErr, linkErr, dirErr, fileErr, idErr, pathErr} {
		if err == nil {
			t.Error("an answer to a wrong question")
		}
	}
	_, err = tree.ReadFile("large")
	kind(t, "large", err, fault.Invalid)
}

// TestBadRegistries lets registries answer badly.
func TestBadRegistries(t *testing.T) {
	s := serve(t, httptest.NewServer)
	digest := push(t, s, []layer{{pack(t, entry{name: "a", text: "a"}), flux, nil}}, "latest")
	other := pack(t, entry{name: "a", text: "changed"})
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		want   fault.Kind
	}{
		"forbidden": {status(403), fault.Denied},
		"not there": {status(404), fault.NotFound},
		"bad":       {status(400), fault.Unavailable},
		"teapot":    {status(418), fault.Unavailable},
		"another layer": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				_, _ = w.Write(other)
				return true
			}
			return false
		}, fault.Blocked},
		"another manifest": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") {
				w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
				_, _ = io.WriteString(w, `{"schemaVersion":2}`)
				return true
			}
			return false
		}, fault.Blocked},
	} {
		s.intercept(c.answer)
		_, err := open(t, oci.Options{}).Fetch(t.Context(), oci.Repo{URL: s.url()}, oci.Artifact{Digest: digest})
		kind(t, name, err, c.want)
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Code == oci.CodeUnfit {
			t.Errorf("%s: the artifact is blamed for its registry: %v", name, err)
		}
	}
	release := make(chan struct{})
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool { <-release; return false })
	_, err := open(t, oci.Options{Timeout: 200 * time.Millisecond}).Resolve(t.Context(), oci.Repo{URL: s.url()}, oci.Ref{}, 0)
	kind(t, "slow", err, fault.TimedOut)
	close(release)
	s.intercept(nil)
	_, err = open(t, oci.Options{MaxTags: 1}).Resolve(t.Context(), oci.Repo{URL: s.url()}, oci.Ref{Semver: "*"}, 0)
	kind(t, "many tags", err, fault.Blocked)
	s.Close()
	_, err = open(t, oci.Options{}).Resolve(t.Context(), oci.Repo{URL: s.url()}, oci.Ref{}, 0)
	kind(t, "gone", err, fault.Unavailable)
}

func TestRefsAndAddresses(t *testing.T) {
	s := serve(t, httptest.NewServer)
	push(t, s, []layer{{pack(t, entry{name: "a", text: "a"}), flux, nil}}, "latest")
	st := open(t, oci.Options{})
	for ref, want := range map[oci.Ref]fault.Kind{
		{Tag: "gone"}: fault.NotFound, {Tag: "a b"}: fault.Invalid, {Tag: "a", Semver: "1"}: fault.Invalid, {Semver: "nonsense"}: fault.Invalid, {Semver: "1"}: fault.NotFound,
		{Digest: "sha256:x"}: fault.Invalid, {Digest: "sha512:" + strings.Repeat("a", 128)}: fault.Invalid, {Semver: strings.Repeat(">1 ", 100)}: fault.Invalid, {Tag: "../x"}: fault.Invalid,
	} {
		_, err := st.Resolve(t.Context(), oci.Repo{URL: s.url()}, ref, 0)
		kind(t, fmt.Sprintf("%+v", ref), err, want)
	}
	for _, url := range []string{"", "https://h/x", "oci://", "oci://h", "oci://h/", "oci://user:secret@h/x", "oci://h/x@sha256:" + strings.Repeat("a", 64), "oci://h/x:tag", "oci://h/UPPER", "oci://h/x?y", "oci://h/../x", "oci://h/x\n", "oci://" + strings.Repeat("a", 3000) + "/x", "oci://-h/x y"} {
		_, err := st.Resolve(t.Context(), oci.Repo{URL: url}, oci.Ref{}, 0)
		if kind(t, url, err, fault.Invalid); err != nil && strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
	strict, err := oci.Open(t.TempDir(), oci.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = strict.Resolve(t.Context(), oci.Repo{URL: s.url()}, oci.Ref{}, 0)
	kind(t, "without TLS", err, fault.Denied)
	if _, err := oci.Open(filepath.Join("/dev/null", "x"), oci.Options{}); err == nil {
		t.Error("a cache in a device")
	}
}

func TestTLS(t *testing.T) {
	s := serve(t, httptest.NewTLSServer)
	push(t, s, []layer{{pack(t, entry{name: "a", text: "a"}), flux, nil}}, "latest")
	// By a name that isn't this machine's the library would fall back to http.
	_, err := open(t, oci.Options{}).Resolve(t.Context(), oci.Repo{URL: s.url()}, oci.Ref{}, 0)
	kind(t, "unknown certificate", err, fault.Blocked)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	st := open(t, oci.Options{})
	repo := oci.Repo{URL: s.url(), Auth: oci.Auth{CA: ca}}
	a, err := st.Resolve(t.Context(), repo, oci.Ref{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Fetch(t.Context(), repo, a); err != nil {
		t.Error(err)
	}
	repo.Auth.CA = []byte("x")
	_, err = st.Resolve(t.Context(), repo, oci.Ref{}, 0)
	kind(t, "no certificate", err, fault.Invalid)
}

func TestKeepAndCollect(t *testing.T) {
	s := serve(t, httptest.NewServer)
	kept := push(t, s, []layer{{pack(t, entry{name: "a", text: "kept"}), flux, nil}})
	loose := push(t, s, []layer{{pack(t, entry{name: "a", text: "loose"}), flux, nil}})
	dir, now := t.TempDir(), time.Now()
	options := oci.Options{AllowHTTP: true, Now: func() time.Time { return now }}
	st, err := oci.Open(dir, options)
	if err != nil {
		t.Fatal(err)
	}
	repo := oci.Repo{URL: s.url()}
	kind(t, "not fetched", st.Keep(repo, "app", oci.Artifact{Digest: kept}), fault.Denied)
	for _, d := range []string{kept, loose} {
		if _, err := st.Fetch(t.Context(), repo, oci.Artifact{Digest: d}); err != nil {
			t.Fatal(err)
		}
	}
	kind(t, "nobody", st.Keep(repo, "", oci.Artifact{Digest: kept}), fault.Invalid)
	if err := st.Keep(repo, "app", oci.Artifact{Digest: kept}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := os.WriteFile(filepath.Join(dir, "x.tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if st, err = oci.Open(dir, options); err != nil {
		t.Fatal(err)
	}
	lost, err := st.Kept("app", kept)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, lost, "a", "kept")
	now = now.Add(48 * time.Hour)
	removed, left, err := st.Collect(t.Context(), 24*time.Hour, 0)
	if err != nil || removed != 1 || left != 4 {
		t.Errorf("%d removed, %d left, %v", removed, left, err)
	}
	if _, err := st.Kept("another", kept); err == nil {
		t.Error("another's")
	}
	_, err = st.Kept("app", "x")
	kind(t, "no digest", err, fault.Invalid)
	_, err = st.Fetch(t.Context(), repo, oci.Artifact{Digest: loose})
	kind(t, "collected", err, fault.Unavailable)
	kind(t, "no digest", st.Release("app", "x"), fault.Invalid)
	if err := st.Release("app", kept, kept); err != nil {
		t.Error(err)
	}
	if err := st.Release("app"); err != nil {
		t.Error(err)
	}
	_, err = st.Kept("app", kept)
	kind(t, "released", err, fault.NotFound)
	if removed, left, err = st.Collect(t.Context(), 1000*time.Hour, 1); err != nil || removed != 1 || left != 0 {
		t.Errorf("%d removed, %d left, %v", removed, left, err)
	}
	if rest, _ := filepath.Glob(filepath.Join(dir, "*")); len(rest) > 0 {
		t.Errorf("left: %v", rest)
	}
	// What is gone from the cache is not absent from the artifact.
	if _, err := lost.ReadFile("a"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestTrim(t *testing.T) {
	s := serve(t, httptest.NewServer)
	now := time.Now()
	st, repo := open(t, oci.Options{Now: func() time.Time { return now }}), oci.Repo{URL: s.url()}
	var digests []string
	for i := range 4 {
		d := push(t, s, []layer{{pack(t, entry{name: "a", text: fmt.Sprint(i)}), flux, nil}})
		digests = append(digests, d)
		if _, err := st.Fetch(t.Context(), repo, oci.Artifact{Digest: d}); err != nil {
			t.Fatal(err)
		}
		for _, holder := range []string{"app", "other"} {
			if err := st.Keep(repo, holder, oci.Artifact{Digest: d}); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Minute)
	}
	kept := func(holder string) (is string) {
		for i, d := range digests {
			if _, err := st.Kept(holder, d); err == nil {
				is += fmt.Sprint(i)
			}
		}
		return is
	}
	if err := errors.Join(st.Trim("app", 9), st.Trim("app", 2)); err != nil || kept("app") != "23" || kept("other") != "0123" {
		t.Errorf("%s, %s, %v", kept("app"), kept("other"), err)
	}
	if err := st.Release("other"); err != nil || kept("app") != "23" || kept("other") != "" {
		t.Errorf("%s, %s, %v", kept("app"), kept("other"), err)
	}
}

// TestDamagedCache fetches again what is damaged.
func TestDamagedCache(t *testing.T) {
	s := serve(t, httptest.NewServer)
	digest := push(t, s, []layer{{pack(t, entry{name: "a", text: "text"}), flux, nil}})
	hex := strings.TrimPrefix(digest, "sha256:")
	for name, spoil := range map[string]func(dir string) error{
		"no pack":  func(dir string) error { return os.Remove(filepath.Join(dir, hex+".pack")) },
		"no index": func(dir string) error { return os.Remove(filepath.Join(dir, hex+".json")) },
		"half index": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, hex+".json"), []byte(`{"info":`), 0o600)
		},
		"other index": func(dir string) error { return os.WriteFile(filepath.Join(dir, hex+".json"), []byte(`{}`), 0o600) },
		"broken index": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, hex+".json"), []byte(`{"info":{"digest":"`+digest+`"},"records":[{"path":"a"},{"path":"a/b"}]}`), 0o600)
		},
	} {
		dir := t.TempDir()
		for range 2 {
			st, err := oci.Open(dir, oci.Options{AllowHTTP: true})
			if err != nil {
				t.Fatal(err)
			}
			tree, err := st.Fetch(t.Context(), oci.Repo{URL: s.url()}, oci.Artifact{Digest: digest})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			holds(t, tree, "a", "text")
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// FuzzUnpack unpacks archives of any content.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, entry{name: "a/b", text: "x"}, entry{name: "l", text: "→a"}))
	f.Add([]byte("hello"))
	s := serve(f, httptest.NewServer)
	f.Fuzz(func(t *testing.T, content []byte) {
		digest := push(t, s, []layer{{content, flux, nil}})
		st := open(t, oci.Options{MaxUnpacked: 1 << 20, MaxPacked: 1 << 20, MaxFiles: 100})
		tree, err := st.Fetch(t.Context(), oci.Repo{URL: s.url()}, oci.Artifact{Digest: digest})
		if err == nil {
			if err := fs.WalkDir(tree, ".", func(p string, _ fs.DirEntry, err error) error {
				if !fs.ValidPath(p) {
					t.Errorf("%q", p)
				}
				return err
			}); err != nil {
				t.Error(err)
			}
		}
	})
}
