package rest_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// TestDistrust names the flag that helps where a server is not believed to be the one that
// is meant, and does not ask it again and again.
func TestDistrust(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	for name, c := range map[string]struct {
		address string
		ca      []byte
		hint    string
	}{
		"nobody's word":     {s.URL, nil, "give the certificate of who signed the server's with --shop-ca-file"},
		"a stranger's word": {s.URL, []byte(strangersCA), "with --shop-ca-file those of who signed"},
		"another name":      {strings.Replace(s.URL, "127.0.0.1", "localhost", 1), ca, "by a name of its certificate"},
	} {
		pauses := 0
		asker := client(t, c.address, func(x *rest.Server) {
			x.CA, x.CAFlag, x.Pause = c.ca, "--shop-ca-file", func(context.Context, time.Duration) { pauses++ }
		})
		_, err := asker.Get(t.Context(), "q", nil)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Unavailable || !strings.Contains(f.Hint, c.hint) || !strings.Contains(f.Public, "certificate") || pauses > 0 {
			t.Errorf("%s: %v (%+v)", name, err, f)
		}
	}
}

// TestWhatIsSecretIsNotTold leaves out what a server says of what it was shown.
func TestWhatIsSecretIsNotTold(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusUnauthorized)
		_, password, _ := r.BasicAuth()
		fmt.Fprintf(w, "why: %s and %s are wrong", r.Header.Get("Authorization"), password)
	}))
	defer s.Close()
	for _, l := range []rest.Login{{User: "me", Password: "hunter2"}, {Token: "hunter2"}} {
		_, err := client(t, s.URL, func(x *rest.Server) { x.Login = l }).Get(t.Context(), "q", nil)
		if fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "are wrong") || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "bWU6") {
			t.Error(err)
		}
	}
}

// TestRenew shows what is newer to a server that refuses what is older, once.
func TestRenew(t *testing.T) {
	var shown []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		w.Header().Set("Content-Type", rest.JSON)
		if shown[len(shown)-1] != "second" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, "{}")
	}))
	defer s.Close()
	stands, read := "first", "first"
	var broken error
	asker := client(t, s.URL, func(x *rest.Server) {
		x.Renew = func(refused bool) (rest.Login, error) {
			if refused && broken == nil {
				read = stands
			}
			if refused {
				return rest.Login{Token: read}, broken
			}
			return rest.Login{Token: read}, nil
		}
	})
	is := func(why, kind string, want ...string) {
		t.Helper()
		_, err := asker.Get(t.Context(), "q", nil)
		if got := fmt.Sprint(shown); got != fmt.Sprint(want) || kind == "" && err != nil || kind != "" && (fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), kind)) {
			t.Errorf("%s: %s, %v", why, got, err)
		}
		shown = nil
	}
	is("nothing newer", "status 401", "first")
	broken = errors.New("the file is gone")
	is("nothing to read", "; the file is gone", "first")
	stands, broken = "second", nil
	is("something newer", "", "first", "second")
	is("what is good stays", "", "second")
	stands, read = "third", "fourth"
	is("something newer that is no better", "status 401", "fourth", "third")
}

// strangersCA is the certificate of an authority that signed nothing.
const strangersCA = `-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUWTGd7GX06eSGlKiDK+ezivUj50UwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIc3RyYW5nZXIwIBcNMjYxMTI3MjEzMDIzWhgPMjEyNjExMDMy
MTMwMjNaMBMxETAPBgNVBAMMCHN0cmFuZ2VyMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAE7sgSwwQdB1BKp0DdqSlRkLfSSyEwyYdlbQVa0eHBCVk+59Yz7FL6BI5j
Nemhs1gVUClqoZi87lktL9IARNWNV6NTMFEwHQYDVR0OBBYEFPLfbrLIjv3d1ekD
edRnJu4NRcAfMB8GA1UdIwQYMBaAFPLfbrLIjv3d1ekDedRnJu4NRcAfMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgFRwn6crs5HHA/HudRmdzs9a8
hSgcqswMJmul1VE6QOsCIQCOTP7DLpvQwhENgOJhXf8CHRS2LkogOvjZzafYfysi
IA==
-----END CERTIFICATE-----`
