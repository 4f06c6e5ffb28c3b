package gitops

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/autoecoops/autoecoops/test/postgrestest"
)

// database starts a PostgreSQL for this scenario and returns it with the
// arguments that have aeod keep its ledger there.
func (w *world) database() (*postgrestest.Server, []string) {
	w.Helper()
	dir, err := os.MkdirTemp("", "aeo-pg-*") // short: a socket's path is
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := postgrestest.Start(w.Context(), dir, "fsync=off")
	if errors.Is(err, postgrestest.ErrNone) {
		w.Skip(err)
	}
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		for _, b := range w.books {
			if b == w.suite.book {
				continue
			}
			if err := b.finish(contextOf(w.T)); err != nil {
				w.Errorf("read the ledger to its end: %v", err)
			}
		}
		if err := server.Stop(); err != nil {
			w.Errorf("stop PostgreSQL: %v", err)
		}
	})
	address, err := server.Create(w.Context(), "aeod")
	if err != nil {
		w.Fatal(err)
	}
	return server, []string{"--ledger", address, "--ledger-key", filepath.Join(w.TempDir(), "ledger.key"), "--leader-elect=false"}
}

// databases have the ledger in PostgreSQL.
func databases() []scenario {
	next := base().with(files{"a.yaml": configMap("a", "2"), "b.yaml": ""})
	return []scenario{
		{name: "the ledger's database goes down", own: true, raw: true, quick: true, run: func(w *world) {
			server, args := w.database()
			d := w.ownDaemon("", args...)
			w.synced()
			w.note()
			w.judge(base())
			if err := server.Down(); err != nil {
				w.Fatal(err)
			}
			w.commit(next)
			w.condition("Synced", "False", "LedgerUnavailable", ".+")
			w.equal(base())
			w.alive(base())
			if err := server.Up(w.Context(), "fsync=off"); err != nil {
				w.Fatal(err)
			}
			w.judge(next)
			// One that starts without its database waits for it.
			d.kill()
			if err := server.Down(); err != nil {
				w.Fatal(err)
			}
			w.again(d)
			d.logged(w.T, "the ledger is out of reach")
			w.commit(base())
			w.condition("Synced", "False", "LedgerUnavailable", ".+")
			w.equal(next)
			if err := server.Up(w.Context(), "fsync=off"); err != nil {
				w.Fatal(err)
			}
			w.remade["ConfigMap/b"] = true
			w.judge(base())
		}},
		{name: "two operators on one database that both believe to lead", own: true, raw: true, run: func(w *world) {
			_, args := w.database()
			w.ownDaemon("", args...)
			w.ownDaemon("", args...)
			w.synced()
			w.note()
			w.commit(next)
			w.judge(next)
			w.edit("ConfigMap", "a", `{"data":{"value":"by hand"}}`)
			w.judge(next)
		}},
	}
}
