package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
)

// maxToken is how long a file of a token may be: some are certificates of their own.
const maxToken = 64 << 10

// ReadToken returns the bearer token of the file that a flag names, "" for no file. An
// empty file is an error: what was to be protected would be open.
func ReadToken(file, flag string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := head(file, maxToken+1)
	if err != nil {
		return "", fault.Wrap(fault.NotFound, "read the token", file, err, "check the path given with "+flag)
	}
	if len(text) > maxToken {
		return "", fault.New(fault.Invalid, "read the token", file, fmt.Sprintf("it is longer than %d KiB, which no token is", maxToken>>10), "check the path given with "+flag)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fault.New(fault.Invalid, "read the token", file, "the file is empty", "put the token into it, or leave "+flag+" out")
	}
	return token, nil
}

// head returns at most the first bytes of a file.
func head(file string, most int64) (text []byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, most))
}
