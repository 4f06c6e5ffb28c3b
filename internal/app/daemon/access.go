package daemon

import (
	"log/slog"

	"github.com/autoecoops/autoecoops/internal/app"
)

// tokenOf reads the token of a file, which who comes must show; nil for no file. It
// changes with the file.
func tokenOf(file, flag string, log *slog.Logger) (func(refused bool) string, error) {
	token, err := app.OpenToken(file, flag)
	if err != nil || token == nil {
		return nil, err
	}
	token.Troubled(unread(log))
	return token.Shown, nil
}

// unread tells that a file with a secret could not be read anew.
func unread(log *slog.Logger) func(error) {
	return func(err error) {
		log.Warn("what was read before is used on", "error", err.Error())
	}
}
