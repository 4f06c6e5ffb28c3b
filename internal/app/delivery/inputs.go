package delivery

import (
	"context"
	"io/fs"
	"sort"
	"strconv"
	"strings"

	"github.com/autoecoops/autoecoops/adapter/sops"
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/assess"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/substitute"
	"github.com/autoecoops/autoecoops/fault"
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
	digest     string
	substitute bool
	options    substitute.Options
	keys       *sops.Keys
}

func (in *Inputs) read(ctx context.Context, app *v1alpha1.Application) (*given, error) {
	g := &given{}
	if app.Spec.Substitute == nil && app.Spec.Decryption == nil {
		return g, nil
	}
	// Made like a Secret, so that the digest is keyed: values may be secret.
	data := map[string]any{}
	if s := app.Spec.Substitute; s != nil {
		g.substitute, g.options = true, substitute.Options{Values: map[string]string{}, Secret: map[string]bool{}, Lenient: s.Lenient}
		for _, from := range s.From {
			if err := in.variables(ctx, app.Namespace, from, &g.options); err != nil {
				return nil, err
			}
		}
		for k, v := range s.Variables {
			g.options.Values[k] = v
			delete(g.options.Secret, k)
		}
		for k, v := range g.options.Values {
			data["variable/"+k] = v
		}
	}
	if d := app.Spec.Decryption; d != nil {
		body, err := in.Get(ctx, "Secret", app.Namespace, d.Name)
		if err != nil {
			return nil, fault.Wrap(fault.KindOf(err), "read the keys of spec.decryption in secret", d.Name, err, "create it in namespace "+app.Namespace)
		}
		var files [][]byte
		secret := SecretData(body)
		for _, name := range sorted(secret) {
			if strings.HasSuffix(name, ".agekey") || strings.Contains(name, "age") {
				files = append(files, secret[name])
				data["key/"+name] = string(secret[name])
			}
		}
		if len(files) == 0 {
			return nil, fault.New(fault.Invalid, "read the keys of spec.decryption in secret", d.Name, "it has no key that ends in .agekey", "put an age identity into it, as in age.agekey")
		}
		if g.keys, err = sops.ParseKeys(files...); err != nil {
			return nil, err
		}
	}
	g.digest = in.Digester.Object(map[string]any{"apiVersion": "v1", "kind": "Secret", "data": data})
	return g, nil
}

func sorted(m map[string][]byte) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// variables adds the values of a ConfigMap or Secret.
func (in *Inputs) variables(ctx context.Context, namespace string, from v1alpha1.VariableSource, into *substitute.Options) error {
	body, err := in.Get(ctx, from.Kind, namespace, from.Name)
	switch {
	case err != nil && from.Optional && fault.KindOf(err) == fault.NotFound:
		return nil
	case err != nil:
		return fault.Wrap(fault.KindOf(err), "read the variables in", from.Kind+" "+from.Name, err, "create it in namespace "+namespace+", or mark it optional")
	}
	if from.Kind == "Secret" {
		for k, v := range SecretData(body) {
			into.Values[k], into.Secret[k] = string(v), true
		}
		return nil
	}
	data, _ := body["data"].(map[string]any)
	for k, v := range data {
		if s, ok := v.(string); ok {
			into.Values[k] = s
			delete(into.Secret, k)
		}
	}
	return nil
}

// decrypted returns the files of a tree, with encrypted ones in the clear.
func (g *given) decrypted(t *recording) fs.ReadFileFS {
	if g.keys == nil {
		return t
	}
	return decrypting{t, g.keys}
}

// bodies reads what was rendered, with variables filled in.
func (g *given) bodies(rd *assess.Render) ([]map[string]any, error) {
	return bodies(rd.Chunks, func(_ string, text []byte) ([]byte, error) {
		if !g.substitute {
			return text, nil
		}
		return substitute.Text(text, g.options)
	})
}

// decrypting is a tree whose SOPS files read as if they were not encrypted.
type decrypting struct {
	*recording
	keys *sops.Keys
}

// ReadFile implements fs.ReadFileFS.
func (c decrypting) ReadFile(name string) ([]byte, error) {
	text, err := c.recording.ReadFile(name)
	if err != nil || !sops.Encrypted(text) {
		return text, err
	}
	return c.keys.File(name, text)
}

// Open implements fs.FS.
func (c decrypting) Open(name string) (fs.File, error) {
	f, err := c.recording.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	text, err := c.ReadFile(name)
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return &clearFile{File: f, info: clearInfo{info, int64(len(text))}, Reader: strings.NewReader(string(text))}, nil
}

// clearFile is an opened file with its text in the clear.
type clearFile struct {
	fs.File
	*strings.Reader
	info clearInfo
}

// Read implements fs.File.
func (f *clearFile) Read(b []byte) (int, error) { return f.Reader.Read(b) }

// Stat implements fs.File.
func (f *clearFile) Stat() (fs.FileInfo, error) { return f.info, nil }

type clearInfo struct {
	fs.FileInfo
	size int64
}

// Size implements fs.FileInfo.
func (i clearInfo) Size() int64 { return i.size }
