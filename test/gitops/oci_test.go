package gitops

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
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
}

func newHub(w *world) *hub {
	w.Helper()
	h := &hub{w: w}
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if h.down.Load() {
			panic(http.ErrAbortHandler)
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
	const media = types.MediaType("application/vnd.oci.image.layer.v1.tar")
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{Layer: static.NewLayer(text.Bytes(), media), MediaType: media})
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
	h.w.learn(content)
	h.w.poke()
	return digest.String()
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

// artifacts have Applications follow a tag of a registry.
func artifacts() []scenario {
	var h *hub
	var first string
	next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": "", "d.yaml": configMap("d", "1")})
	return []scenario{{
		name: "an artifact in a registry", quick: true, raw: true,
		before: func(w *world) { h = newHub(w); first = h.push(base()) },
		tune: func(a *v1alpha1.Application) {
			a.Spec.Source = &v1alpha1.Source{OCI: &v1alpha1.OCISource{URL: "oci://" + h.at, Tag: "production", Interval: &metav1.Duration{Duration: time.Hour}}}
		},
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
}
