package app

import (
	"os"
	"strings"

	"github.com/autoecoops/autoecoops/fault"
)

// ReadToken returns the bearer token of the file that a flag names, "" for no file. An
// empty file is an error: what was to be protected would be open.
func ReadToken(file, flag string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fault.Wrap(fault.NotFound, "read the token", file, err, "check the path given with "+flag)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fault.New(fault.Invalid, "read the token", file, "the file is empty", "put the token into it, or leave "+flag+" out")
	}
	return token, nil
}
