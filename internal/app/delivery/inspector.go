package delivery

import (
	"context"
	"io/fs"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/deliver"
)

// Inspector implements deliver.Inspector with the gate's engine and checks.
// Exceptions that stand in the files of a source don't count: they are made for
// what Git says.
type Inspector struct {
	*Gate
	// Read returns an object as text to be judged, without a Secret's values; ok
	// is false if there is none.
	Read func(ctx context.Context, as deliver.Identity, g deliver.GVK, k deliver.Key) (text []byte, ok bool, err error)
}

// Inspect implements deliver.Inspector.
func (i *Inspector) Inspect(ctx context.Context, app *v1alpha1.Application, as deliver.Identity, refs []deliver.InventoryRef) (*v1alpha1.Posture, error) {
	opts, _, err := i.options(app)
	if err != nil {
		return nil, err
	}
	live := &assess.Render{Root: "."}
	var objects []*deliver.Object
	for _, r := range refs {
		text, ok, err := i.Read(ctx, as, r.GVK, r.Key)
		if err != nil {
			return nil, err
		}
		if ok {
			live.Chunks = append(live.Chunks, assess.Chunk{Text: text, File: r.Key.String()})
			objects = append(objects, &deliver.Object{Key: r.Key})
		}
	}
	var around [][]byte
	if i.Around != nil {
		if around, err = i.Around(ctx, app, objects); err != nil {
			return nil, err
		}
	}
	rep, err := i.Engine.JudgeRender(ctx, noFiles{}, live, around, assess.Target{Path: app.Spec.Source.Path}, opts)
	if err != nil {
		return nil, err
	}
	return &judgement(rep, 0, false).Posture, nil
}

// noFiles is a tree without files: what is in the cluster stands in none.
type noFiles struct{}

// Open implements fs.FS.
func (noFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadFile implements fs.ReadFileFS.
func (n noFiles) ReadFile(name string) ([]byte, error) {
	_, err := n.Open(name)
	return nil, err
}
