package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/autoecoops/autoecoops/adapter/postgres"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
	"github.com/autoecoops/autoecoops/prove/ledger/ledgertest"
)

// proxy stands between a client and the server and cuts connections.
type proxy struct {
	net.Listener
	// before and after count the commits that are cut before they reach the
	// server, and after the server has done them and before its answer is passed
	// on.
	before, after atomic.Int64
	wg            sync.WaitGroup
}

func newProxy(t *testing.T, url string) (*proxy, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		p.wg.Wait()
	})
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return p, fmt.Sprintf("postgres://postgres@/%s?host=%s&port=5432&sslmode=disable", config.Database, dir)
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	up, err := net.Dial("unix", server.Socket())
	if err != nil {
		return
	}
	defer up.Close()
	var cut atomic.Bool
	p.wg.Go(func() { // answers
		buf := make([]byte, 64<<10)
		for {
			n, err := up.Read(buf)
			if err == nil && cut.Load() {
				client.Close() // the commit is done, and nobody hears of it
				return
			}
			if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
				client.Close()
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil && !errors.Is(err, io.EOF) || n == 0 {
			return
		}
		if buf[0] == 'Q' && bytes.HasPrefix(buf[5:n], []byte("commit\x00")) {
			if p.before.Add(-1) >= 0 {
				return
			}
			if p.after.Add(-1) >= 0 {
				cut.Store(true)
			}
		}
		if _, err := up.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestLostCommit cuts the connection at the commit, before and after the
// server has done it: each record is there once, and its receipt is right.
func TestLostCommit(t *testing.T) {
	url := database(t)
	p, through := newProxy(t, url)
	s := open(t, through)
	l := ledgertest.Open(t, s, ledger.Options{Key: ledgertest.Key(t, "example.com/lost")})
	for i := range 20 {
		switch i % 4 {
		case 0:
			p.before.Store(1)
		case 1:
			p.after.Store(1)
		case 2:
			p.before.Store(2)
			p.after.Store(1)
		}
		// Without a key of its own a record has one for the call.
		mine, made := ledgertest.Event("a", fmt.Sprint(i)), ledgertest.Event("a", "")
		got, err := l.Append(t.Context(), mine, made)
		if err != nil || got[0].Index != int64(2*i) || got[1].Index != int64(2*i+1) || got[1].Sequence != int64(2*i+2) {
			t.Fatalf("call %d: %+v, %v", i, got, err)
		}
	}
	if n := p.before.Load() + p.after.Load(); n > 0 {
		t.Errorf("%d connections were not cut: this test sees nothing", n)
	}
	if h, err := s.Head(t.Context()); err != nil || h.Size != 40 {
		t.Errorf("there are %d entries, %v", h.Size, err)
	}
	p.after.Store(1)
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
	ledgertest.Good(t, s, ledger.VerifyOptions{})
}

// ack is a record that was acknowledged.
type ack struct {
	key   string
	index int64
}

// TestServerKilled kills the server again and again while records are
// appended. What was acknowledged is there; what failed failed with a kind
// that says so, and appending it again is right whatever happened.
func TestServerKilled(t *testing.T) {
	url := database(t)
	s := open(t, url)
	l := ledgertest.Open(t, s, ledger.Options{Key: ledgertest.Key(t, "example.com/killed"), CheckpointEntries: 7})
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	stop := make(chan struct{})
	acks := make(chan ack)
	var wg sync.WaitGroup
	var failed atomic.Int64
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				a := ack{key: fmt.Sprintf("%d-%d", w, i)}
				for {
					got, err := l.Append(t.Context(), ledgertest.Event("w", a.key))
					if err == nil {
						a.index = got[0].Index
						break
					}
					failed.Add(1)
					if k := fault.KindOf(err); k != fault.Unavailable && k != fault.TimedOut {
						t.Errorf("%s: %v", a.key, err)
						return
					}
					select {
					case <-stop:
						return
					case <-time.After(time.Millisecond): // not to spin while it starts
					}
				}
				select {
				case <-stop:
					return
				case acks <- a:
				}
			}
		})
	}
	done := map[string]int64{}
	deadline := time.After(2 * time.Minute)
	collect := func(n int) {
		for len(done) < n {
			select {
			case a := <-acks:
				done[a.key] = a.index
			case <-deadline:
				t.Errorf("only %d records were appended", len(done))
				return
			}
		}
	}
	for round := range rounds {
		collect(20 * (round + 1))
		if err := server.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	collect(20*rounds + 40)
	close(stop)
	wg.Wait()
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	items, err := ledger.Log(t.Context(), s, ledger.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int64{}
	for _, it := range items {
		if _, twice := at[it.Key]; twice {
			t.Errorf("%s is there twice", it.Key)
		}
		at[it.Key] = it.Index
	}
	for key, index := range done {
		if got, ok := at[key]; !ok || got != index {
			t.Errorf("%s was acknowledged as entry %d and is %d, %v", key, index, got, ok)
		}
	}
	t.Logf("%d records, %d failures", len(done), failed.Load())
	ledgertest.Good(t, s, ledger.VerifyOptions{})
}

func TestWrongAddresses(t *testing.T) {
	url := database(t)
	for address, want := range map[string]fault.Kind{
		"postgres://u:s3cret@[::1/x":                          fault.Invalid,
		"postgres://u:s3cret@127.0.0.1:1/x?connect_timeout=5": fault.Unavailable,
		strings.Replace(url, "/test", "/no", 1):               fault.NotFound,
		url:                                                   fault.NotFound,
		strings.Replace(url, "postgres@", "nobody:s3cret@", 1):      fault.Denied,
		url + "&search_path=nowhere":                                fault.NotFound,
		"postgres://u:s3cret@localhost/x?sslmode=verify-s3cret-all": fault.Invalid,
	} {
		s, err := postgres.Open(t.Context(), address, postgres.Options{})
		if err == nil {
			s.Close()
			t.Errorf("%s can be opened", address)
			continue
		}
		if fault.KindOf(err) != want || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want kind %s", address, err, want)
		}
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	exec := func(statements ...string) {
		for _, s := range statements {
			if _, err := conn.Exec(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	open(t, url)
	exec("UPDATE ledger SET version = 9")
	if _, err := postgres.Open(t.Context(), url, postgres.Options{Create: true}); fault.KindOf(err) != fault.Blocked {
		t.Errorf("a newer form: %v", err)
	}
	exec("UPDATE ledger SET version = 1", "DROP TABLE ledger_tiles")
	s := open(t, url)
	if _, err := ledger.Open(t.Context(), s, ledger.Options{Key: ledgertest.Key(t, "example.com/x")}); fault.KindOf(err) != fault.Blocked {
		t.Errorf("a missing table: %v", err)
	}
	exec("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
	if _, err := postgres.Open(t.Context(), server.URL("latin"), postgres.Options{Create: true}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a database in Latin-1: %v", err)
	}
	exec("CREATE ROLE reader LOGIN")
	if _, err := postgres.Open(t.Context(), strings.Replace(server.URL("latin"), "postgres@", "reader@", 1), postgres.Options{}); err == nil {
		t.Error("a role without rights can open it")
	}
}

// TestChanged opens a ledger that was changed behind its back.
func TestChanged(t *testing.T) {
	url := database(t)
	s := open(t, url)
	key := ledgertest.Key(t, "example.com/changed")
	l := ledgertest.Open(t, s, ledger.Options{Key: key})
	for i := range 3 {
		if _, err := l.Append(t.Context(), ledgertest.Event("a", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{
		"UPDATE ledger_entries SET body = convert_to(replace(convert_from(body, 'UTF8'), 'aeod', 'else'), 'UTF8') WHERE idx = 1",
		"DELETE FROM ledger_entries WHERE idx = 2",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		src, _, err := ledger.Live(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if rep, err := ledger.Verify(t.Context(), src, ledger.VerifyOptions{}); err != nil || rep.OK() {
			t.Errorf("%s: it verifies, %v", statement, err)
		}
	}
	if _, err := l.Append(t.Context(), ledgertest.Event("a", "9")); fault.KindOf(err) != fault.Blocked {
		t.Errorf("the ledger goes on: %v", err)
	}
}
