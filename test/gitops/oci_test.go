package gitops

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// hub is a registry with one artifact, which goes down on request.
type hub struct {
	w    *world
	at   string // the repository
	down atomic.Bool
	// read counts how often a layer was asked for.
	read atomic.Int64
}

func newHub(w *world) *hub {
	w.Helper()
	h := &hub{w: w}
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if h.down.Load() {
			panic(http.ErrAbortHandler)
		}
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			h.read.Add(1)
		}
		real.ServeHTTP(rw, r)
	}))
	w.Cleanup(s.Close)
	h.at = strings.TrimPrefix(s.URL, "http://") + "/team/" + w.ns
	return h
}

func (h *hub) tag() name.Tag {
	h.w.Helper()
	tag, err := name.NewTag(h.at+":production", name.Insecure)
	if err != nil {
		h.w.Fatal(err)
	}
	return tag
}

// push puts an artifact with some files under the tag, tells the operator, and
// returns its digest.
func (h *hub) push(content files) string {
	h.w.Helper()
	var text bytes.Buffer
	archive := tar.NewWriter(&text)
	for _, file := range slices.Sorted(maps.Keys(content)) {
		if err := archive.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(content[file])), Typeflag: tar.TypeReg}); err != nil {
			h.w.Fatal(err)
		}
		if _, err := io.WriteString(archive, content[file]); err != nil {
			h.w.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		h.w.Fatal(err)
	}
	digest := h.put(text.Bytes())
	h.w.learn(content)
	h.w.poke()
	return digest
}

// put puts an artifact with a layer under the tag.
func (h *hub) put(layer []byte) string {
	h.w.Helper()
	const media = types.MediaType("application/vnd.oci.image.layer.v1.tar")
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{Layer: static.NewLayer(layer, media), MediaType: media})
	if err != nil {
		h.w.Fatal(err)
	}
	if err := remote.Write(h.tag(), img); err != nil {
		h.w.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		h.w.Fatal(err)
	}
	return digest.String()
}

// looked has the operator look at the tag once more, and waits until it did.
func (h *hub) looked() {
	h.w.Helper()
	h.w.poke()
	await(h.w.T, scenarioTime, "the tag is looked at", func() string {
		app, err := h.w.status()
		if err != nil {
			return err.Error()
		}
		if got := app.Status.Handled[v1alpha1.AnnotationSync]; got != strconv.Itoa(h.w.asked) {
			return "request " + got + " was the last"
		}
		return ""
	})
}

// delivered is the oracle for an artifact: the operator says that it is there,
// and it is.
func (w *world) delivered(digest string, content files) {
	w.Helper()
	w.at(digest)
	w.equal(content)
	w.alive(content)
	w.accounted()
}

// follow has an Application follow the tag.
func (h *hub) follow(a *v1alpha1.Application) {
	a.Spec.Source = &v1alpha1.Source{OCI: &v1alpha1.OCISource{URL: "oci://" + h.at, Tag: "production", Interval: &metav1.Duration{Duration: time.Hour}}}
}

// artifacts have Applications follow a tag of a registry.
func artifacts() []scenario {
	var h *hub
	var first string
	next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": "", "d.yaml": configMap("d", "1")})
	all := []scenario{{
		name: "an artifact in a registry", quick: true, raw: true,
		before: func(w *world) { h = newHub(w); first = h.push(base()) },
		tune:   func(a *v1alpha1.Application) { h.follow(a) },
		run: func(w *world) {
			w.at(first)
			w.note()
			w.delivered(first, base())
			second := h.push(next) // the tag is moved
			w.delivered(second, next)
			if app, err := w.status(); err != nil || app.Status.Sync.Ref != "production" {
				w.Errorf("the tag that led to it is not told: %+v, %v", app.Status.Sync, err)
			}
			h.down.Store(true)
			w.poke()
			w.refused(next, "Synced", "Unknown", "SourceUnavailable", "registry cannot be reached")
			w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`) // healing needs no registry
			w.equal(next)
			h.down.Store(false)
			if err := remote.Delete(h.tag()); err != nil {
				w.Fatal(err)
			}
			w.poke()
			w.refused(next, "Synced", "Unknown", "SourceUnavailable", "no such artifact")
			h.push(files{"../a.yaml": configMap("a", "3")})
			w.refused(next, "Synced", "False", ".", "leads elsewhere")
			w.remade["ConfigMap/b"] = true // it left with the second, and comes back
			w.delivered(h.push(base()), base())
		},
	}}
	for name, bad := range map[string]struct {
		layer  func() []byte
		reason string
	}{
		"is no archive":    {func() []byte { return []byte("apiVersion: v1") }, "its archive is damaged"},
		"is a bomb":        {func() []byte { return bombed(1 << 30) }, "it is larger than [0-9]+ MiB when it is unpacked"},
		"escapes its root": {func() []byte { return packed("../../etc/cron.d/x", configMap("a", "3")) }, "leads elsewhere"},
	} {
		all = append(all, unfit("an artifact "+name, bad.layer, bad.reason))
	}
	return all
}

// unfit has a tag lead to what cannot be unpacked.
func unfit(name string, layer func() []byte, reason string) scenario {
	var h *hub
	var first string
	return scenario{
		name: name, quick: true, raw: true,
		before: func(w *world) { h = newHub(w); first = h.push(base()) },
		tune:   func(a *v1alpha1.Application) { h.follow(a) },
		run: func(w *world) {
			w.at(first)
			w.note()
			bad := h.put(layer())
			w.poke()
			w.refused(base(), "Synced", "False", "Held", "quarantined .refused.: unpack artifact .*"+reason)
			if r := w.release(bad, "Refused"); r.Status.Reason != "ArtifactUnfit" || r.Status.Message == "" {
				w.Errorf("the release says %+v", r.Status)
			}
			// However often the tag is looked at, what it leads to is not read again.
			before := h.read.Load()
			for range 3 {
				h.looked()
			}
			w.refused(base(), "Synced", "False", "Held", reason)
			if n := h.read.Load() - before; n != 0 {
				w.Errorf("it was read %d times more", n)
			}
			// A person is obeyed, and finds the same.
			w.annotate(v1alpha1.AnnotationRetry, bad)
			await(w.T, scenarioTime, "it is tried again", func() string {
				if h.read.Load() == before {
					return "it is not"
				}
				return ""
			})
			w.refused(base(), "Synced", "False", "Held", reason)
			// The tag moves, and all is well.
			good := base().with(files{"a.yaml": configMap("a", "2")})
			w.delivered(h.push(good), good)
		},
	}
}

// packed is an archive of one file.
func packed(name, text string) []byte {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg})
	if err == nil {
		_, err = io.WriteString(t, text)
	}
	if err = errors.Join(err, t.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// bombed is an archive of one file of n zeros, in few bytes.
func bombed(n int64) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	err := t.WriteHeader(&tar.Header{Name: "zeros.yaml", Mode: 0o644, Size: n, Typeflag: tar.TypeReg})
	for chunk := make([]byte, 1<<20); err == nil && n > 0; n -= int64(len(chunk)) {
		_, err = t.Write(chunk)
	}
	if err = errors.Join(err, t.Close(), z.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
