// Package postgrestest runs PostgreSQL servers for tests: real ones, each in a
// folder of its own, reachable by a Unix socket only.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNone means that this machine has no PostgreSQL.
var ErrNone = errors.New("PostgreSQL is not installed here: neither in the PATH nor in /usr/lib/postgresql")

// Server is a running server.
type Server struct {
	dir, bin string
	// Port is part of the socket's name.
	Port int
	cmd  *exec.Cmd
	log  *os.File
}

// Start makes a server in a folder and waits until it answers. Extra options
// are settings such as "fsync=off". PostgreSQL refuses to run as root: then it
// runs as nobody.
func Start(ctx context.Context, dir string, settings ...string) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, Port: 5432}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			return nil, err
		}
	}
	init := s.command(ctx, "initdb", "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	if s.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	return s, s.run(ctx, settings)
}

const nobody = 65534

// find returns the folder of PostgreSQL's programs.
func find() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(p), nil
		}
	}
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(all) == 0 {
		return "", ErrNone
	}
	return filepath.Dir(all[len(all)-1]), nil
}

func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return cmd
}

// run starts the server and waits until it answers.
func (s *Server) run(ctx context.Context, settings []string) error {
	args := []string{"-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", fmt.Sprint("port=", s.Port)}
	for _, x := range settings {
		args = append(args, "-c", x)
	}
	s.cmd = s.command(context.WithoutCancel(ctx), "postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(s.log.Name())
			return errors.Join(fmt.Errorf("the server does not answer: %w: %s", err, bytes.TrimSpace(text)), s.Stop())
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), s.Stop())
		}
	}
}

// Socket is the path of the server's socket.
func (s *Server) Socket() string { return filepath.Join(s.dir, fmt.Sprint(".s.PGSQL.", s.Port)) }

// URL is the address of a database.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres@/%s?host=%s&port=%d&sslmode=disable", database, s.dir, s.Port)
}

// Create makes an empty database and returns its address.
func (s *Server) Create(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", err
	}
	name = strings.ToLower(name)
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return s.URL(name), errors.Join(err, conn.Close(ctx))
}

// RequirePassword has a user show a password; all others may still come without.
func (s *Server) RequirePassword(ctx context.Context, user string) error {
	file := filepath.Join(s.dir, "data", "pg_hba.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, "local all %s scram-sha-256\nlocal all all trust\n", user), 0o644); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "SELECT pg_reload_conf()")
	return errors.Join(err, conn.Close(ctx))
}

// Kill ends the server as a crash does, and starts it again.
func (s *Server) Kill(ctx context.Context, settings ...string) error {
	if err := s.Down(); err != nil {
		return err
	}
	return s.Up(ctx, settings...)
}

// Down ends the server as a crash does; Up starts it again.
func (s *Server) Down() error { return s.end(syscall.SIGQUIT) }

// Up starts a server that Down has ended.
func (s *Server) Up(ctx context.Context, settings ...string) error { return s.run(ctx, settings) }

// Stop ends the server. Connections are cut.
func (s *Server) Stop() error { return errors.Join(s.end(syscall.SIGINT), s.log.Close()) }

func (s *Server) end(signal syscall.Signal) error {
	if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := s.cmd.Wait(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			return err
		}
	}
	return nil
}
