package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
)

// maxSecret is how long a file of a token may be: some are certificates of their own.
const maxSecret = 64 << 10

// How old what was read of a file may be before it is read anew: while all is well, and
// after it was refused.
const (
	secretAge  = time.Minute
	refusedAge = time.Second
)

// Secret is what stands in a file, a token or a password. It is read anew while it is
// used: tokens of service accounts end after an hour, and somebody writes the next into
// the same file before. One that is nil is "". It is safe for concurrent use.
type Secret struct {
	file, flag, what string
	clean            func(text string) (secret, problem string)
	// once says that the file is none that can be read again, as a pipe.
	once bool
	now  func() time.Time
	// trouble is told why the file could not be read anew.
	trouble func(error)

	mu     sync.Mutex
	value  string
	readAt time.Time
}

// OpenToken reads the bearer token of the file that a flag names, nil for no file. An
// empty file is an error: what was to be protected would be open.
func OpenToken(file, flag string) (*Secret, error) {
	return openSecret(&Secret{file: file, flag: flag, what: "token", clean: cleanToken})
}

// OpenPassword reads the password of the file that a flag names, nil for no file.
func OpenPassword(file, flag string) (*Secret, error) {
	return openSecret(&Secret{file: file, flag: flag, what: "password", clean: func(text string) (string, string) {
		return strings.TrimRight(text, "\r\n"), ""
	}})
}

func cleanToken(text string) (token, problem string) {
	token = strings.TrimSpace(text)
	if !rest.Printable(token) || strings.Contains(token, " ") {
		return "", "it has characters that no token has"
	}
	return token, ""
}

func openSecret(s *Secret) (*Secret, error) {
	if s.file == "" {
		return nil, nil
	}
	if info, err := os.Stat(s.file); err == nil {
		s.once = !info.Mode().IsRegular()
	}
	s.now, s.trouble = time.Now, func(error) {}
	if err := s.read(); err != nil {
		return nil, err
	}
	return s, nil
}

// Troubled has somebody told why the file could not be read anew, as often as that is.
func (s *Secret) Troubled(tell func(error)) {
	if s != nil {
		s.trouble = tell
	}
}

// Value is what stands in the file, as of a minute ago at most. If the file cannot be
// read any more, it is what stood there before: it may be good still.
func (s *Secret) Value() string {
	v, _ := s.renewed(secretAge)
	return v
}

// Renew is what stands in the file now, for who was refused with what did, as of a second
// ago at most: who refuses must not have it read all the time. err is why it could not be
// read.
func (s *Secret) Renew() (string, error) { return s.renewed(refusedAge) }

// Shown is [Secret.Renew] after a refusal, and [Secret.Value] else.
func (s *Secret) Shown(refused bool) string {
	if refused {
		v, _ := s.Renew()
		return v
	}
	return s.Value()
}

func (s *Secret) renewed(age time.Duration) (string, error) {
	if s == nil {
		return "", nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.once || s.now().Sub(s.readAt) < age {
		return s.value, nil
	}
	err := s.read()
	if err != nil {
		s.trouble(err)
	}
	return s.value, err
}

// read reads the file; what is known stays if it cannot.
func (s *Secret) read() error {
	s.readAt = s.now()
	op := "read the " + s.what
	text, err := head(s.file, maxSecret+1)
	if err != nil {
		return fault.Wrap(fault.NotFound, op, s.file, err, "check the path given with "+s.flag)
	}
	if len(text) > maxSecret {
		return fault.New(fault.Invalid, op, s.file, fmt.Sprintf("it is longer than %d KiB, which no %s is", maxSecret>>10, s.what), "check the path given with "+s.flag)
	}
	value, problem := s.clean(string(text))
	switch {
	case problem != "":
		return fault.New(fault.Invalid, op, s.file, problem, "put the "+s.what+" into it without anything else")
	case value == "":
		return fault.New(fault.Invalid, op, s.file, "the file is empty", "put the "+s.what+" into it, or leave "+s.flag+" out")
	}
	s.value = value
	return nil
}

// A pipe may stand in the place of a file: so long somebody may take to write to it, and
// so long to say something.
const (
	writerWait = 2 * time.Second
	textWait   = 30 * time.Second
)

// head returns at most the first bytes of a file.
func head(file string, most int64) (text []byte, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), writerWait)
	defer cancel()
	f, err := openWithin(ctx, file, !info.Mode().IsRegular())
	if errors.Is(err, context.Canceled) {
		return nil, errors.New("it is a pipe that nobody writes to")
	}
	if err != nil {
		return nil, err
	}
	_ = f.SetReadDeadline(time.Now().Add(textWait)) // files have none, and need none
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, most))
}
