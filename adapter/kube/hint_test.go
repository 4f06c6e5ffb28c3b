package kube

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// TestHints has each refusal say why and how it is mended, and none of a Secret
// quote what it holds.
func TestHints(t *testing.T) {
	for name, c := range map[string]struct {
		status       metav1.Status
		secret       bool
		public, hint string
		kind         fault.Kind
	}{
		"an account's right": {metav1.Status{Code: 403, Message: `configmaps "a" is forbidden: User "system:serviceaccount:shop:deployer" cannot patch resource "configmaps" in API group ""`}, false,
			"cannot patch", "grant it to the service account shop/deployer", fault.Denied},
		"a person's right":    {metav1.Status{Code: 403, Message: `secrets is forbidden: User "dev" cannot list resource "secrets"`}, false, "cannot list", "grant it to the user dev", fault.Denied},
		"nobody's right":      {metav1.Status{Code: 403, Message: `secrets is forbidden: User "system:anonymous" cannot list resource "secrets"`}, false, "cannot list", "no credentials", fault.Denied},
		"pod security":        {metav1.Status{Code: 403, Message: `pods "a" is forbidden: violates PodSecurity "restricted:latest"`}, false, "violates", "labels of the namespace", fault.Denied},
		"another policy":      {metav1.Status{Code: 403, Message: `ValidatingAdmissionPolicy 'p' denied request`}, false, "denied", "policy of the cluster", fault.Denied},
		"no namespace":        {metav1.Status{Code: 404, Message: `namespaces "eu" not found`, Details: &metav1.StatusDetails{Kind: "namespaces", Name: "eu"}}, false, `"eu" not found`, "`kubectl create namespace eu`", fault.Unavailable},
		"no reason":           {metav1.Status{Code: 500, Message: `broken: hunter2`}, true, "with status 500 Internal Server Error; its words", "", fault.Unavailable},
		"no words":            {metav1.Status{Code: 503}, false, "with status 503 Service Unavailable and does not say why", "", fault.Unavailable},
		"no base64":           {metav1.Status{Code: 500, Message: `decoding hunter2: illegal base64 data at input byte 3`}, true, "status 500", "stringData", fault.Invalid},
		"a docker config":     {metav1.Status{Code: 422, Reason: "Invalid", Message: `data[.dockerconfigjson]: Invalid value: "hunter2"`}, true, "status 422 Invalid", "must be JSON", fault.Invalid},
		"a certificate":       {metav1.Status{Code: 422, Reason: "Invalid", Message: `data[tls.crt]: Required value: hunter2`}, true, "status 422", "both tls.crt and tls.key", fault.Invalid},
		"another type":        {metav1.Status{Code: 422, Reason: "Invalid", Message: `data[username]: Required value: hunter2`}, true, "status 422", "keys that its type asks for", fault.Invalid},
		"a field of numbers":  {metav1.Status{Code: 400, Reason: "BadRequest", Message: `cannot unmarshal hunter2`}, true, "status 400", "a text", fault.Invalid},
		"an immutable Secret": {metav1.Status{Code: 422, Reason: "Invalid", Message: `data: Forbidden: field is immutable when it is set, hunter2`}, true, "status 422", "recreate", fault.Blocked},
	} {
		t.Run(name, func(t *testing.T) {
			f, ok := errors.AsType[*fault.Error](classify(&apierrors.StatusError{ErrStatus: c.status}, "apply", "Secret shop/a", c.secret))
			if !ok || f.Kind != c.kind || !strings.Contains(f.Public, c.public) || !strings.Contains(f.Hint, c.hint) || c.hint == "" && f.Hint != "" {
				t.Errorf("%v: %q, %q", f.Kind, f.Public, f.Hint)
			}
			if said := f.Error() + f.Hint; c.secret && strings.Contains(said, "hunter2") || strings.Contains(said, " ;") {
				t.Errorf("it says %q", said)
			}
		})
	}
	for want, k := range map[string]deliver.AppKey{"application a/b": {Namespace: "a", Name: "b"}, "namespace a": {Namespace: "a"}, "all namespaces": {}} {
		if got := releasesOf(k); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// keyServer is an API server with Secrets in namespaces that may not be there.
type keyServer struct {
	mu         sync.Mutex
	namespaces map[string]bool
	secrets    map[string]json.RawMessage
	// forbid is the user that may do nothing.
	forbid string
}

func (s *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v) // the client notices
	}
	fail := func(err *apierrors.StatusError) {
		err.ErrStatus.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
		answer(int(err.ErrStatus.Code), err.ErrStatus)
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
	var body struct{ Metadata struct{ Name string } }
	var text json.RawMessage
	if r.Method == http.MethodPost {
		if json.NewDecoder(r.Body).Decode(&text) != nil || json.Unmarshal(text, &body) != nil {
			fail(apierrors.NewBadRequest("no JSON"))
			return
		}
	}
	gr := func(resource string) schema.GroupResource { return schema.GroupResource{Resource: resource} }
	switch {
	case s.forbid != "":
		fail(apierrors.NewForbidden(gr("secrets"), "key", errors.New(`User "`+s.forbid+`" cannot get resource "secrets" in API group "" in the namespace "autoecoops"`)))
	case len(parts) == 1:
		if s.namespaces[body.Metadata.Name] {
			fail(apierrors.NewAlreadyExists(gr("namespaces"), body.Metadata.Name))
			return
		}
		s.namespaces[body.Metadata.Name] = true
		answer(201, text)
	case r.Method == http.MethodPost && !s.namespaces[parts[1]]:
		fail(apierrors.NewNotFound(gr("namespaces"), parts[1]))
	case r.Method == http.MethodPost:
		s.secrets[body.Metadata.Name] = text
		answer(201, text)
	case s.secrets[parts[3]] != nil:
		answer(200, s.secrets[parts[3]])
	default:
		fail(apierrors.NewNotFound(gr("secrets"), parts[3]))
	}
}

// TestKeyOfOurs has the program's own key made, and what it lacks said to who
// starts it.
func TestKeyOfOurs(t *testing.T) {
	s := &keyServer{namespaces: map[string]bool{}, secrets: map[string]json.RawMessage{}}
	web := httptest.NewServer(s)
	defer web.Close()
	c, err := New(&rest.Config{Host: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Key(t.Context(), "autoecoops", "key")
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != CodeNamespaceMissing || f.Hint != "`kubectl create namespace autoecoops`, or name another one with --namespace" {
		t.Fatalf("%v, %+v", err, f)
	}
	for range 2 { // one that is there is no failure
		if err := c.MakeNamespace(t.Context(), "autoecoops"); err != nil {
			t.Fatal(err)
		}
	}
	made, err := c.Key(t.Context(), "autoecoops", "key")
	if err != nil || len(made) != 32 {
		t.Fatal(made, err)
	}
	if again, err := c.Key(t.Context(), "autoecoops", "key"); err != nil || string(again) != string(made) {
		t.Error("another key", err)
	}
	s.forbid = "dev"
	_, err = c.Key(t.Context(), "autoecoops", "key")
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Denied || !strings.Contains(f.Hint, "the program itself") || !strings.Contains(f.Hint, "the user dev") {
		t.Errorf("%v, %+v", err, f)
	}
	if err := c.MakeNamespace(t.Context(), "x"); fault.KindOf(err) != fault.Denied {
		t.Error(err)
	}
}
