package gitmirror

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/fault"
)

// Git's own ssh transport would need keys in files and a shell to start ssh.
// The connection is made here instead, and git gets one end of a socket (git
// help remote-fd): keys never leave this process, and the host key is checked
// here. It is a socket, not two pipes, since git and its helper both hold it:
// only of a socket can one of them say that nothing more will come.

// tunnel is an ssh session that runs git-upload-pack on the server.
type tunnel struct {
	client  *ssh.Client
	session *ssh.Session
	// end is git's end.
	end       *os.File
	here      *net.UnixConn
	complaint tail
	copied    chan struct{}
}

// dial connects, logs in and starts the session.
func dial(ctx context.Context, a giturl.Address, auth Auth) (*tunnel, error) {
	config, err := clientConfig(a, auth)
	if err != nil {
		return nil, err
	}
	host := hostPort(a)
	conn, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, sshFailure(a, err)
	}
	// Whatever the server does, it ends with the context.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, chans, reqs, err := ssh.NewClientConn(conn, host, config)
	if err != nil {
		stop()
		return nil, sshFailure(a, errors.Join(err, conn.Close()))
	}
	t := &tunnel{client: ssh.NewClient(c, chans, reqs), copied: make(chan struct{})}
	if err := t.start(a); err != nil {
		return nil, sshFailure(a, errors.Join(err, t.client.Close()))
	}
	return t, nil
}

func (t *tunnel) start(a giturl.Address) (err error) {
	if t.session, err = t.client.NewSession(); err != nil {
		return err
	}
	t.session.Stderr = &t.complaint
	in, inErr := t.session.StdinPipe()
	out, outErr := t.session.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return err
	}
	// A server that doesn't take the variable speaks an older protocol.
	_ = t.session.Setenv("GIT_PROTOCOL", "version=2")
	command, err := uploadPack(a)
	if err != nil {
		return err
	}
	if err := t.session.Start(command); err != nil {
		return err
	}
	here, there, err := socketPair()
	if err != nil {
		return err
	}
	t.end = there
	go func() {
		_, _ = io.Copy(in, here)
		_ = in.Close()
	}()
	go func() {
		defer close(t.copied)
		_, _ = io.Copy(here, out)
		_ = here.CloseWrite()
	}()
	t.here = here
	return nil
}

// socketPair returns two ends of a socket, the second to pass on.
func socketPair() (*net.UnixConn, *os.File, error) {
	// No program that is started meanwhile may inherit an end of it.
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	here, there := os.NewFile(uintptr(fds[0]), "tunnel"), os.NewFile(uintptr(fds[1]), "tunnel")
	conn, err := net.FileConn(here) // a copy
	if err = errors.Join(err, here.Close()); err != nil {
		return nil, nil, errors.Join(err, there.Close())
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, nil, errors.Join(errors.New("the socket is none"), conn.Close(), there.Close())
	}
	return unix, there, nil
}

// uploadPack is the command as git itself would send it.
func uploadPack(a giturl.Address) (string, error) {
	p, err := url.PathUnescape(a.Path)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(p, "/~") {
		p = p[1:]
	}
	return "git-upload-pack '" + strings.ReplaceAll(p, "'", `'\''`) + "'", nil
}

// handed closes this process's copy of git's end once git has its own.
func (t *tunnel) handed() { _ = t.end.Close() }

// close ends the session and returns what the server printed.
func (t *tunnel) close() string {
	_ = t.client.Close()
	_ = t.here.Close()
	<-t.copied
	return t.complaint.String()
}

func hostPort(a giturl.Address) string {
	port := a.Port
	if port == "" {
		port = "22"
	}
	return net.JoinHostPort(strings.Trim(a.Host, "[]"), port)
}

func clientConfig(a giturl.Address, auth Auth) (*ssh.ClientConfig, error) {
	const op = "read ssh credentials"
	if len(auth.PrivateKey) == 0 {
		return nil, fault.New(fault.Denied, op, a.String(), "ssh needs a private key", "put it into the Secret that the source names")
	}
	if len(auth.KnownHosts) == 0 {
		return nil, fault.New(fault.Denied, op, a.String(), "the server's host key is not known", "put the lines of ssh-keyscan, after you have checked them, into the Secret that the source names")
	}
	var signer ssh.Signer
	var err error
	if len(auth.Passphrase) > 0 {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(auth.PrivateKey, auth.Passphrase)
	} else {
		signer, err = ssh.ParsePrivateKey(auth.PrivateKey)
	}
	if err != nil {
		// The library's text may quote the key's bytes.
		return nil, fault.New(fault.Denied, op, a.String(), "the private key cannot be read, or its passphrase is wrong", "put a PEM or OpenSSH key into the Secret that the source names")
	}
	check, algorithms, err := hostKeys(a, auth.KnownHosts)
	if err != nil {
		return nil, err
	}
	user := a.User
	if user == "" {
		user = "git"
	}
	return &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: check, HostKeyAlgorithms: algorithms, Timeout: 30 * time.Second}, nil
}

// hostKeys returns the check of host keys, and the algorithms of those that
// are known: a server that has several must offer one of these.
func hostKeys(a giturl.Address, lines []byte) (ssh.HostKeyCallback, []string, error) {
	const op = "read known hosts"
	bad := func(err error) error {
		return fault.Wrap(fault.Invalid, op, a.String(), err, "write lines as ssh-keyscan prints them")
	}
	f, err := os.CreateTemp("", "known_hosts")
	if err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, op, a.String(), err, "the folder for temporary files must be writable")
	}
	defer os.Remove(f.Name())
	_, err = f.Write(lines)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, op, a.String(), err, "the folder for temporary files must have space")
	}
	check, err := knownhosts.New(f.Name())
	if err != nil {
		return nil, nil, bad(fmt.Errorf("%s", strings.ReplaceAll(err.Error(), f.Name(), "known hosts")))
	}
	// The library tells which keys it would accept only to who shows a wrong one.
	wrong, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil, nil, bad(err)
	}
	var algorithms []string
	if known, ok := errors.AsType[*knownhosts.KeyError](check(hostPort(a), &net.TCPAddr{}, wrong)); ok {
		for _, k := range known.Want {
			algorithms = append(algorithms, keyAlgorithms(k.Key.Type())...)
		}
	}
	return check, algorithms, nil
}

// keyAlgorithms are the signatures that a key of a type makes.
func keyAlgorithms(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

func sshFailure(a giturl.Address, err error) error {
	const op = "connect by ssh"
	_, unknown := errors.AsType[*knownhosts.KeyError](err)
	_, revoked := errors.AsType[*knownhosts.RevokedError](err)
	switch {
	case unknown || revoked || strings.Contains(err.Error(), "no common algorithm for host key"):
		return &fault.Error{Kind: fault.Blocked, Op: op, Subject: a.String(), Public: "the server's host key is not among the known ones: somebody may be in between, or the server got a new key", Hint: "compare with the key that the server's operator publishes, then put it into the Secret that the source names", Cause: err}
	case strings.Contains(err.Error(), "unable to authenticate"):
		return &fault.Error{Kind: fault.Denied, Op: op, Subject: a.String(), Public: "the server refuses the key", Hint: "register its public half as a deploy key of the repository", Cause: err}
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Subject: a.String(), Public: "the server cannot be reached or broke off", Hint: "check the address, the network and the server; it is tried again", Cause: err}
}
