package gitmirror_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
)

// TestVictim is no test: it is the process that TestKill kills.
func TestVictim(t *testing.T) {
	cache, url, ok := strings.Cut(os.Getenv("GITMIRROR_VICTIM"), " ")
	if !ok {
		t.Skip("not asked for")
	}
	m := open(t, cache, gitmirror.Options{AllowHTTP: true})
	for {
		get(t, m, gitmirror.Repo{URL: url}, gitmirror.Ref{Branch: "main"})
		if _, err := m.Collect(t.Context(), time.Nanosecond, 1); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKill kills a process while it fetches, at many moments: the next one
// must find nothing in its way.
func TestKill(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": noise(4<<20, 1)})
	s, cache := serve(t, o), t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	moments := 12
	if testing.Short() {
		moments = 3
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range moments {
		want := noise(1<<20, uint64(i+100))
		o.commit(map[string]string{"a": want, "b": noise(1<<10, uint64(i))})
		asked := make(chan struct{}, 1000)
		s.intercept(func(http.ResponseWriter, *http.Request) bool {
			select {
			case asked <- struct{}{}:
			default:
			}
			return false
		})
		victim := exec.Command(exe, "-test.run=^TestVictim$")
		victim.Env = append(os.Environ(), "GITMIRROR_VICTIM="+cache+" "+s.url())
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		// The third question is the one for the pack.
		for range 1 + random.IntN(3) {
			select {
			case <-asked:
			case <-time.After(time.Minute):
				t.Fatal("the victim asks for nothing")
			}
		}
		<-time.After(time.Duration(random.IntN(60)) * time.Millisecond) // any moment will do
		if err := victim.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = victim.Wait()
		s.intercept(nil)
		m := open(t, cache, gitmirror.Options{AllowHTTP: true, Timeout: 30 * time.Second})
		tree := get(t, m, gitmirror.Repo{URL: s.url()}, gitmirror.Ref{Branch: "main"})
		holds(t, tree, "a", want)
		if _, err := m.Collect(t.Context(), time.Hour, 0); err != nil {
			t.Error(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("git", "-C", mirrorDir(t, cache), "fsck", "--full", "--no-dangling").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, pattern := range []string{"*.lock", "objects/pack/tmp_*", "*.tmp"} {
		if left, _ := filepath.Glob(filepath.Join(mirrorDir(t, cache), pattern)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}
