package gitmirror_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/fault"
)

// sshServer is a real ssh server that runs git-upload-pack.
type sshServer struct {
	t      *testing.T
	addr   string
	root   string
	config *ssh.ServerConfig
	work   sync.WaitGroup

	mu       sync.Mutex
	commands []string
	// hang lets sessions wait for ever.
	hang bool
}

func newKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

func serveSSH(t *testing.T, o *origin, host ssh.Signer, allowed ssh.PublicKey) *sshServer {
	t.Helper()
	s := &sshServer{t: t, root: filepath.Dir(o.dir)}
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) == string(allowed.Marshal()) {
			return nil, nil
		}
		return nil, errors.New("unknown key")
	}}
	s.config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var conns sync.Map
	s.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Store(c, true)
			s.work.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		conns.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		s.work.Wait()
	})
	return s
}

func (s *sshServer) serve(c net.Conn) {
	conn, chans, reqs, err := ssh.NewServerConn(c, s.config)
	if err != nil {
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(reqs)
	for n := range chans {
		ch, reqs, err := n.Accept()
		if err != nil {
			return
		}
		go s.session(ch, reqs)
	}
}

func (s *sshServer) session(ch ssh.Channel, reqs <-chan *ssh.Request) {
	var env []string
	for r := range reqs {
		var payload struct{ A, B string }
		switch r.Type {
		case "env":
			if ssh.Unmarshal(r.Payload, &payload) == nil && payload.A == "GIT_PROTOCOL" {
				env = append(env, payload.A+"="+payload.B)
			}
			_ = r.Reply(true, nil)
		case "exec":
			var command struct{ Line string }
			_ = ssh.Unmarshal(r.Payload, &command)
			s.mu.Lock()
			s.commands = append(s.commands, command.Line)
			hang := s.hang
			s.mu.Unlock()
			_ = r.Reply(true, nil)
			if hang {
				continue
			}
			code := s.run(command.Line, env, ch)
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
			_ = ch.Close()
		default:
			_ = r.Reply(false, nil)
		}
	}
}

func (s *sshServer) run(line string, env []string, ch ssh.Channel) uint32 {
	name, ok := strings.CutPrefix(line, "git-upload-pack '")
	if !ok {
		_, _ = io.WriteString(ch.Stderr(), "only git-upload-pack\n")
		return 1
	}
	cmd := exec.Command("git-upload-pack", filepath.Join(s.root, strings.TrimSuffix(name, "'")))
	cmd.Env = append(gitEnv(), env...)
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return 127
	}
	go func() {
		_, _ = io.Copy(in, ch)
		_ = in.Close()
	}()
	if cmd.Wait() != nil {
		return 128
	}
	return 0
}

func TestSSH(t *testing.T) {
	o := newOrigin(t)
	o.git("config", "uploadpack.allowFilter", "true")
	o.commit(map[string]string{"a/x": "one", "b/y": "two"})
	host, _ := newKey(t)
	client, key := newKey(t)
	s := serveSSH(t, o, host, client.PublicKey())
	known := []byte(knownhosts.Line([]string{s.addr}, host.PublicKey()) + "\n")
	hashed := []byte(knownhosts.HashHostname(knownhosts.Normalize(s.addr)) + " " + string(ssh.MarshalAuthorizedKey(host.PublicKey())))
	repo := gitmirror.Repo{URL: "ssh://git@" + s.addr + "/repo", Auth: gitmirror.Auth{PrivateKey: key, KnownHosts: known}}

	m := open(t, t.TempDir(), gitmirror.Options{})
	c, err := m.Resolve(t.Context(), repo, gitmirror.Ref{Branch: "main"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := m.Fetch(t.Context(), repo, c, "a")
	if err != nil {
		t.Fatal(err)
	}
	holds(t, tree, "a/x", "one")
	holds(t, tree, "b/y", "two")
	s.mu.Lock()
	if len(s.commands) != 4 || s.commands[0] != "git-upload-pack '/repo'" {
		t.Errorf("%q", s.commands)
	}
	s.mu.Unlock()
	repo.Auth.KnownHosts = hashed
	if _, err := m.Resolve(t.Context(), repo, gitmirror.Ref{}, 0); err != nil {
		t.Error(err)
	}

	other, otherKey := newKey(t)
	for name, c := range map[string]struct {
		change func(*gitmirror.Repo)
		want   fault.Kind
	}{
		"another host key": {func(r *gitmirror.Repo) {
			r.Auth.KnownHosts = []byte(knownhosts.Line([]string{s.addr}, other.PublicKey()))
		}, fault.Blocked},
		"another host": {func(r *gitmirror.Repo) {
			r.Auth.KnownHosts = []byte(knownhosts.Line([]string{"example.com"}, host.PublicKey()))
		}, fault.Blocked},
		"a revoked host": {func(r *gitmirror.Repo) {
			r.Auth.KnownHosts = append([]byte("@revoked * "+string(ssh.MarshalAuthorizedKey(host.PublicKey()))), known...)
		}, fault.Blocked},
		"no host keys":      {func(r *gitmirror.Repo) { r.Auth.KnownHosts = nil }, fault.Denied},
		"nonsense hosts":    {func(r *gitmirror.Repo) { r.Auth.KnownHosts = []byte("nonsense") }, fault.Invalid},
		"another key":       {func(r *gitmirror.Repo) { r.Auth.PrivateKey = otherKey }, fault.Denied},
		"no key":            {func(r *gitmirror.Repo) { r.Auth.PrivateKey = nil }, fault.Denied},
		"nonsense key":      {func(r *gitmirror.Repo) { r.Auth.PrivateKey = []byte("secret nonsense") }, fault.Denied},
		"needless password": {func(r *gitmirror.Repo) { r.Auth.Passphrase = []byte("secret") }, fault.Denied},
		"no repository":     {func(r *gitmirror.Repo) { r.URL = "ssh://git@" + s.addr + "/other" }, fault.NotFound},
		"nobody listens":    {func(r *gitmirror.Repo) { r.URL = "ssh://git@127.0.0.1:1/repo" }, fault.Unavailable},
	} {
		r := repo
		r.Auth.KnownHosts = known
		c.change(&r)
		_, err := m.Resolve(t.Context(), r, gitmirror.Ref{}, 0)
		if fault.KindOf(err) != c.want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestSSHServerThatHangs checks that nothing waits for a server for ever.
func TestSSHServerThatHangs(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"a": "a"})
	host, _ := newKey(t)
	client, key := newKey(t)
	s := serveSSH(t, o, host, client.PublicKey())
	s.hang = true
	auth := gitmirror.Auth{PrivateKey: key, KnownHosts: []byte(knownhosts.Line([]string{s.addr}, host.PublicKey()))}
	m := open(t, t.TempDir(), gitmirror.Options{Timeout: 500 * time.Millisecond})
	_, err := m.Resolve(t.Context(), gitmirror.Repo{URL: "ssh://git@" + s.addr + "/repo", Auth: auth}, gitmirror.Ref{}, 0)
	kind(t, err, fault.TimedOut)
	// And for one that doesn't even say hello.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	auth.KnownHosts = []byte(knownhosts.Line([]string{l.Addr().String()}, host.PublicKey()))
	_, err = m.Resolve(t.Context(), gitmirror.Repo{URL: "ssh://git@" + l.Addr().String() + "/repo", Auth: auth}, gitmirror.Ref{}, 0)
	kind(t, err, fault.TimedOut)
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "known_hosts*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
