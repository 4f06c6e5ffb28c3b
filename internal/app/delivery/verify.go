package delivery

import (
	"time"

	"github.com/autoecoops/autoecoops/adapter/gitmirror"
	"github.com/autoecoops/autoecoops/deliver/signature"
)

// Verifier returns what Remote.Verify needs.
func Verifier(now func() time.Time) func(mode string, keys map[string][]byte, commit *gitmirror.Info) (string, error) {
	return func(mode string, files map[string][]byte, commit *gitmirror.Info) (string, error) {
		keys, err := signature.ParseKeys(files)
		if err != nil {
			return "", err
		}
		v, err := signature.Check(keys, signature.Mode(mode), signature.Subject{
			SHA: commit.SHA, Commit: commit.Raw, Tag: commit.Tag, TagID: commit.TagID, TagName: commit.TagName,
		}, now())
		return v.Signer, err
	}
}
