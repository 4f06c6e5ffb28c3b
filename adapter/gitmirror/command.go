package gitmirror

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

func lookGit(name string) (string, error) {
	p, err := exec.LookPath(name)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, "find git", name, err, "install git 2.36 or later")
	}
	return p, nil
}

// gitConfig is the only configuration that git sees besides a mirror's own.
// Transports are allowed one by one in each call; nothing of a repository is
// ever run; what is received is checked and packed with one thread.
const gitConfig = `[protocol]
	version = 2
	allow = never
[core]
	hooksPath = /dev/null
	fsmonitor = false
	askPass =
	bigFileThreshold = 16m
	deltaBaseCacheLimit = 16m
	packedGitLimit = 256m
	packedGitWindowSize = 16m
	packedRefsTimeout = 5000
[credential]
	helper =
[http]
	followRedirects = false
	sslVerify = true
	lowSpeedLimit = 100
	lowSpeedTime = 60
[transfer]
	fsckObjects = true
	unpackLimit = 1
[fetch]
	fsckObjects = true
	unpackLimit = 1
	recurseSubmodules = false
	writeCommitGraph = false
[fetch "fsck"]
	zeroPaddedFilemode = ignore
	badTimezone = ignore
	missingSpaceBeforeDate = ignore
[submodule]
	recurse = false
[gc]
	auto = 0
[maintenance]
	auto = false
[pack]
	threads = 1
[safe]
	directory = *
[advice]
	detachedHead = false
`

func (m *Mirrors) configFile() string { return filepath.Join(m.dir, "gitconfig") }

// writeGitConfig replaces the file as a whole, since another process may be
// reading it.
func writeGitConfig(name string) error {
	if text, err := os.ReadFile(name); err == nil && string(text) == gitConfig {
		return nil
	}
	return replaceFile(name, []byte(gitConfig))
}

func replaceFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// environ is the whole environment of git. Settings that belong to one call
// are given here as well, since arguments can be read by every user of the
// machine.
func (m *Mirrors) environ(dir string, settings [][2]string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(m.dir, "home"), "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + m.configFile(),
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_SSH_COMMAND=false", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_ALLOC_LIMIT=" + strconv.FormatInt(m.opts.MaxMemory, 10), "GIT_CEILING_DIRECTORIES=/",
	}
	env = append(env, m.opts.Environ...)
	if dir != "" {
		env = append(env, "GIT_DIR="+dir)
	}
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, s := range settings {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+s[0], "GIT_CONFIG_VALUE_"+n+"="+s[1])
	}
	return env
}

// exchange is one call of git that talks to a server.
type exchange struct {
	address giturl.Address
	auth    Auth
	// dir is the mirror that it works on, "" for none. lock, if set, is passed
	// on so that the mirror stays locked as long as any part of git lives.
	dir  string
	lock *os.File
	// args hold urlArgument once.
	args     []string
	settings [][2]string
	// partial says that files may be missing in the mirror.
	partial bool
	stdin   io.Reader
	stdout  io.Writer
}

// urlArgument stands in an exchange's arguments where the address goes.
const urlArgument = "<url>"

// exchange runs git and classifies its failure. It waits for a free slot.
func (m *Mirrors) exchange(ctx context.Context, x exchange) error {
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return m.interrupted(ctx, x.address)
	}
	var complaint tail
	run := process{path: m.git, stdin: x.stdin, stdout: x.stdout, stderr: &complaint}
	if x.lock != nil {
		run.files = append(run.files, x.lock)
	}
	if x.dir != "" {
		run.watch, run.maxSize = x.dir, m.opts.MaxSize
	}
	scheme, url := string(x.address.Scheme), x.address.String()
	settings := slices.Clone(x.settings)
	said := func() string { return "" }
	if x.address.Scheme == giturl.SSH {
		t, err := dial(ctx, x.address, x.auth)
		if err != nil {
			if ctx.Err() != nil {
				return m.interrupted(ctx, x.address)
			}
			return err
		}
		scheme, url = "fd", fmt.Sprintf("fd::%d", 3+len(run.files))
		run.files = append(run.files, t.end)
		run.started = t.handed
		said = t.close
	} else {
		more, err := m.httpSettings(x.address, x.auth)
		if err != nil {
			return err
		}
		settings = append(settings, more...)
	}
	settings = append(settings, [2]string{"protocol." + scheme + ".allow", "always"})
	if x.partial {
		settings = append(settings, promisor(url)...)
	}
	run.args = slices.Clone(x.args)
	run.args[slices.Index(run.args, urlArgument)] = url
	run.env = m.environ(x.dir, settings)
	err := run.run(ctx)
	text := said() + complaint.String()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return m.interrupted(ctx, x.address)
	}
	return failure(x.address, err, text)
}

// httpSettings are the certificates and credentials of an address.
func (m *Mirrors) httpSettings(a giturl.Address, auth Auth) (settings [][2]string, err error) {
	if a.Scheme == giturl.File {
		return nil, nil
	}
	if len(auth.CA) > 0 {
		name, err := m.caFile(auth.CA)
		if err != nil {
			return nil, err
		}
		settings = append(settings, [2]string{"http.sslCAInfo", name})
	}
	if header := authorization(auth); header != "" {
		settings = append(settings, [2]string{"http.extraHeader", "Authorization: " + header})
	}
	return settings, nil
}

func (m *Mirrors) interrupted(ctx context.Context, a giturl.Address) error {
	const op = "read git repository"
	select {
	case <-m.closed:
		return errClosed
	default:
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.New(fault.TimedOut, op, a.String(), "the server took longer than "+m.opts.Timeout.String(), "try again; a repository that needs longer needs a higher limit")
	}
	return fault.Wrap(fault.Interrupted, op, a.String(), ctx.Err(), "")
}

// caFile keeps certificates, which are no secret, under their hash.
func (m *Mirrors) caFile(pem []byte) (string, error) {
	name := filepath.Join(m.dir, "home", "ca-"+contentHash(pem)+".pem")
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	if err := replaceFile(name, pem); err != nil {
		return "", fault.Wrap(fault.Unavailable, "write certificates", "", err, "the cache's folder must be writable and have space")
	}
	return name, nil
}

func authorization(a Auth) string {
	switch {
	case a.Bearer != "":
		return "Bearer " + oneLine(a.Bearer)
	case a.Username != "" || a.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.Username+":"+a.Password))
	}
	return ""
}

// oneLine drops what could begin another header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// local runs git on a mirror without a network and returns what it prints.
func (m *Mirrors) local(ctx context.Context, dir string, lock *os.File, stdin io.Reader, args ...string) ([]byte, error) {
	var out bytes.Buffer
	var complaint tail
	run := process{path: m.git, args: args, env: m.environ(dir, nil), stdin: stdin, stdout: &limitWriter{w: &out, left: m.opts.MaxMemory}, stderr: &complaint}
	if lock != nil {
		run.files = []*os.File{lock}
	}
	if err := run.run(ctx); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "run git "+args[0], "", errors.Join(err, errors.New(complaint.String())), "the cache may be damaged or the disk full")
	}
	return out.Bytes(), nil
}

// limitWriter fails when more is written than it may take.
type limitWriter struct {
	w    io.Writer
	left int64
}

var errTooMuch = errors.New("more output than allowed")

func (l *limitWriter) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errTooMuch
	}
	return l.w.Write(p)
}

// tail keeps the end of what is written, as plain text.
type tail struct{ text []byte }

const maxTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	t.text = append(t.text, p[max(0, len(p)-maxTail):]...)
	if len(t.text) > maxTail {
		t.text = t.text[len(t.text)-maxTail:]
	}
	return n, nil
}

// String returns the text with control characters, which a server may have
// sent to a person's terminal, replaced.
func (t *tail) String() string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(t.text), "?"))
}

// process is one run of a program, alone in its process group.
type process struct {
	path           string
	args, env      []string
	stdin          io.Reader
	stdout, stderr io.Writer
	// files are passed on, from descriptor 3.
	files []*os.File
	// started, if set, is called once the program has them.
	started func()
	// watch is a folder that must not grow beyond maxSize bytes meanwhile.
	watch   string
	maxSize int64
}

var errDisk = errors.New("the repository is larger than allowed")

// watchEvery is how often the disk is looked at: what a server can send
// meanwhile is how far the bound can be overrun.
const watchEvery = 200 * time.Millisecond

// run runs the program to its end, or kills its whole group when ctx ends.
func (p process) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Dir, cmd.Env = "/", p.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	cmd.ExtraFiles = p.files
	isolate(cmd)
	cmd.WaitDelay = 5 * time.Second
	done := make(chan struct{})
	if p.watch != "" {
		go func() {
			if overgrown(p.watch, p.maxSize, done) {
				cancel(errDisk)
			}
		}()
	}
	err := supervised(cmd, p.started)
	close(done)
	if errors.Is(context.Cause(ctx), errDisk) {
		return errDisk
	}
	return err
}

// overgrown waits until a folder is larger than allowed, or done.
func overgrown(dir string, maxSize int64, done <-chan struct{}) bool {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return false
		case <-tick.C:
			if size, _ := folderSize(dir); size > maxSize {
				return true
			}
		}
	}
}

func runToEnd(cmd *exec.Cmd, started func()) error {
	err := cmd.Start()
	if started != nil {
		started()
	}
	if err != nil {
		return err
	}
	return cmd.Wait()
}
