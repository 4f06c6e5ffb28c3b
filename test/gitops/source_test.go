package gitops

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"net/http/httptest"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// server serves the scenario's repository over HTTP, and goes wrong on request.
type server struct {
	*httptest.Server
	mode atomic.Value // "", "down", "slow", "cut", "html"
}

func (w *world) serve() *server {
	w.Helper()
	backend, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		w.Fatal(err)
	}
	s := &server{}
	s.mode.Store("")
	handler := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(backend)), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + w.repo.dir, "GIT_HTTP_EXPORT_ALL=1"}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch s.mode.Load() {
		case "down":
			panic(http.ErrAbortHandler)
		case "503":
			http.Error(rw, "maintenance", http.StatusServiceUnavailable)
		case "html":
			fmt.Fprint(rw, "<html>please log in</html>")
		case "cut":
			handler.ServeHTTP(&cutting{rw, 60}, r)
		case "slow":
			select {
			case <-time.After(2 * time.Second):
			case <-r.Context().Done():
				return
			}
			handler.ServeHTTP(rw, r)
		default:
			handler.ServeHTTP(rw, r)
		}
	}))
	w.Cleanup(s.Close)
	return s
}

// cutting lets the first bytes of an answer through.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(b []byte) (int, error) {
	if len(b) > c.left {
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

// retarget has the Application follow another place.
func (w *world) retarget(url string) {
	w.Helper()
	w.merge(map[string]any{"spec": map[string]any{"source": map[string]any{"git": map[string]any{"url": url}}}})
}

// sources has the Git server and the content of the repository go wrong.
func sources() []scenario {
	var all []scenario
	for _, mode := range []string{"down", "503", "html", "cut", "slow"} {
		all = append(all, scenario{name: "git server: " + mode, quick: mode == "down", run: func(w *world) {
			s := w.serve()
			w.retarget(s.URL + "/.git")
			w.judge(base())
			s.mode.Store(mode)
			next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": ""})
			w.commit(next)
			if mode != "slow" {
				w.condition("Synced", "Unknown", "SourceUnavailable", ".+")
				w.equal(base())
				w.edit("ConfigMap", "c", `{"data":{"value":"by hand"}}`) // healing needs no Git server
				w.equal(base())
			}
			s.mode.Store("")
			w.poke()
			w.judge(next)
		}})
	}
	broken := []struct{ name, file, text, reason, message string }{
		{"no yaml", "x.yaml", "a: [unclosed\n", ".", "x.yaml"},
		{"no object", "kustomization.yaml", "resources: [nowhere.yaml]\n", ".", "nowhere"},
		{"a name twice", "x.yaml", configMap("a", "3"), ".", "(twice|ConfigMap)"},
		{"no name", "x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", ".", "name"},
		{"huge name", "x.yaml", configMap(strings.Repeat("x", 300), "3"), ".", "(name|long|must)"},
		{"wrong field", "x.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 99999}]}\n", ".", "(port|99999)"},
		{"unknown kind", "x.yaml", "apiVersion: nowhere.example.com/v1\nkind: Thing\nmetadata: {name: x}\n", ".", "Thing"},
		{"no such namespace", "x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: no-such-namespace}\n", ".", "no-such-namespace"},
		{"an alias bomb", "x.yaml", bomb(), ".", "(alias|large|x.yaml)"},
		{"broken kustomization", "kustomization.yaml", "resources: 7\n", ".", "kustomization"},
	}
	for i, b := range broken {
		all = append(all, scenario{name: "commit: " + b.name, quick: i < 2, run: func(w *world) {
			w.repo.commit(base().with(files{b.file: b.text}))
			w.poke()
			w.condition("Ready", "False", b.reason, b.message)
			w.equal(base())
			w.alive(base())
			w.commit(base().with(files{"c.yaml": configMap("c", "2")}))
			w.judge(base().with(files{"c.yaml": configMap("c", "2")}))
		}})
	}
	return append(all,
		scenario{name: "force-push", quick: true, run: func(w *world) {
			w.repo.git("commit", "--amend", "-q", "--allow-empty", "-m", "rewritten")
			next := base().with(files{"a.yaml": configMap("a", "2")})
			w.repo.write(next)
			w.repo.git("add", "-A")
			w.repo.git("commit", "-q", "--amend", "-m", "rewritten again")
			w.poke()
			w.judge(next)
		}},
		scenario{name: "branch deleted", quick: true,
			tune: func(a *v1alpha1.Application) { a.Spec.Source.Git.Branch = "main" },
			run: func(w *world) {
				w.repo.git("checkout", "-q", "-b", "other")
				w.repo.git("branch", "-D", "main")
				w.poke()
				w.refused(base(), "Synced", "Unknown", "SourceUnavailable", "main")
				w.repo.git("branch", "main")
				w.poke()
				w.judge(base())
			}},
		scenario{name: "empty commit", quick: true, run: func(w *world) {
			w.repo.git("rm", "-rq", ".")
			w.repo.git("commit", "-q", "-m", "nothing")
			w.repo.now = nil
			w.poke()
			w.condition("Ready", "False", ".", "(no objects|all 6)")
			w.equal(base())
			w.alive(base())
			w.commit(base())
			w.judge(base())
		}},
		scenario{name: "path vanished", quick: true, first: files{"app/a.yaml": configMap("a", "1"), "app/b.yaml": configMap("b", "1")},
			tune: func(a *v1alpha1.Application) { a.Spec.Source.Path = "app" },
			run: func(w *world) {
				w.repo.commit(files{"readme.md": "moved"})
				w.poke()
				w.condition("Ready", "False", ".", "app")
				w.equal(files{"a.yaml": configMap("a", "1"), "b.yaml": configMap("b", "1")})
				w.alive(files{"a.yaml": configMap("a", "1"), "b.yaml": configMap("b", "1")})
			}},
		scenario{name: "repository gone", quick: true, run: func(w *world) {
			if err := os.Rename(w.repo.dir, w.repo.dir+".away"); err != nil {
				w.Fatal(err)
			}
			w.poke()
			w.refused(base(), "Synced", "Unknown", "SourceUnavailable", ".+")
			w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`)
			w.equal(base())
			if err := os.Rename(w.repo.dir+".away", w.repo.dir); err != nil {
				w.Fatal(err)
			}
			w.poke()
			w.judge(base())
		}},
		scenario{name: "a commit that changes nothing, then the repository is gone", own: true, raw: true, quick: true, run: func(w *world) {
			d := w.ownDaemon("", "--leader-elect=false")
			w.synced()
			w.note()
			w.commit(base().with(files{"readme.md": "words"}))
			w.judge(base())
			if err := os.Rename(w.repo.dir, w.repo.dir+".away"); err != nil {
				w.Fatal(err)
			}
			d.kill()
			w.again(d)
			// What is lost is repaired from what was kept.
			w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`)
			w.refused(base(), "Synced", "Unknown", "SourceUnavailable", ".+")
			if err := os.Rename(w.repo.dir+".away", w.repo.dir); err != nil {
				w.Fatal(err)
			}
			w.poke()
			w.judge(base())
		}},
		scenario{name: "a symlink out of the repository", run: func(w *world) {
			if err := os.Symlink("/etc/passwd", filepath.Join(w.repo.dir, "x.yaml")); err != nil {
				w.Fatal(err)
			}
			w.repo.git("add", "-A")
			w.repo.git("commit", "-q", "-m", "link")
			w.poke()
			await(w.T, scenarioTime, "the commit is looked at", func() string {
				app, err := w.status()
				if err != nil || app.Status.Source == nil || app.Status.Source.Revision != w.repo.head() {
					return "not yet"
				}
				return ""
			})
			w.equal(base())
			w.alive(base())
			w.accounted()
		}},
		scenario{name: "many commits at once", quick: true, run: func(w *world) {
			var next files
			for i := range 12 {
				next = base().with(files{"a.yaml": configMap("a", fmt.Sprint(i)), fmt.Sprintf("n%d.yaml", i): configMap(fmt.Sprintf("n%d", i), "1")})
				w.commit(next)
			}
			w.judge(next)
		}},
		scenario{name: "unsigned commit refused", quick: true,
			before: func(w *world) {
				key := obj("v1", "Secret", w.home, w.ns+"-keys")
				key.Object["stringData"] = map[string]any{"allowed_signers": "dev@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8J3n0r9wWfE2N4QmHcV0mGrP2hI4G3M5qgX1q0Zp1s\n"}
				w.create(w.T, resources["Secret"], w.home, key)
			}, raw: true,
			tune: func(a *v1alpha1.Application) {
				a.Spec.Source.Git.Verify = &v1alpha1.Verification{Mode: "head", Secret: v1alpha1.LocalReference{Name: a.Name + "-keys"}}
			},
			run: func(w *world) {
				w.condition("Ready", "False", ".", "(sign|trusted)")
				w.equal(files{})
				w.accounted()
			}},
	)
}

// bomb is a document whose aliases would grow it beyond all bounds.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String() + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: *a9}\n"
}
