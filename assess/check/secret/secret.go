// Package secret holds the checks of credentials that lie in manifests: in
// variables, arguments, ConfigMaps and Secrets. No message ever quotes a value.
package secret

import (
	"embed"

	"github.com/autoecoops/autoecoops/assess/check"
)

//go:embed *.md *.txtar
var pages embed.FS

// Checks lists the checks of this area.
func Checks() []*check.Check {
	return []*check.Check{
		secretInEnv,
		secretInConfigMap,
		secretInArgs,
		secretInGit,
		serviceAccountTokenSecret,
	}
}
