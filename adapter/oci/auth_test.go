package oci_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/oci"
	"github.com/autoecoops/autoecoops/fault"
)

// TestPassword shows a user and a password that come without a configuration of
// Docker's, and keeps them out of what is printed.
func TestPassword(t *testing.T) {
	s := serve(t, httptest.NewServer)
	digest := push(t, s, []layer{{pack(t, entry{name: "a", text: "x"}), flux, nil}}, "latest")
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		if user == "robot" && password == "s3cret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	st := open(t, oci.Options{})
	auth := oci.Auth{Username: "robot", Password: "s3cret"}
	a, err := st.Resolve(t.Context(), oci.Repo{URL: s.url(), Auth: auth}, oci.Ref{}, 0)
	if err != nil || a.Digest != digest {
		t.Fatal(a, err)
	}
	if _, err := st.Fetch(t.Context(), oci.Repo{URL: s.url(), Auth: auth}, a); err != nil {
		t.Fatal(err)
	}
	// Another password is somebody else, whatever lies in the cache.
	_, err = st.Fetch(t.Context(), oci.Repo{URL: s.url(), Auth: oci.Auth{Username: "robot", Password: "guess"}}, a)
	kind(t, "another password", err, fault.Denied)
	if text := fmt.Sprintf("%v %+v %#v", auth, auth, auth); strings.Contains(text, "s3cret") {
		t.Error(text)
	}
}
