package preview

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/internal/app/delivery"
)

// rendering is a rendered revision and what of it could not be filled in.
type rendering struct {
	*deliver.Rendered
	// locked says why what is encrypted stays so, blank why variables stay
	// empty; "" if neither is so.
	locked, blank string
}

// render renders an application's revision as the operator would, as far as
// the caller may read what that takes.
func (s *Stand) render(ctx context.Context, app *v1alpha1.Application, tree deliver.Tree) (*rendering, error) {
	out := &rendering{}
	app = app.DeepCopy()
	only := func(change func(*v1alpha1.Application)) error {
		c := app.DeepCopy()
		change(c)
		_, err := s.renderer.Inputs(ctx, c)
		return err
	}
	renderer := s.renderer
	if app.Spec.Decryption != nil {
		if err := only(func(c *v1alpha1.Application) { c.Spec.Substitute = nil }); unreadable(err) {
			if keys := s.localKeys(); keys != nil {
				renderer = s.withKeys(app.Spec.Decryption.Name, keys)
			} else {
				out.locked = "it is encrypted, and the key cannot be had: " + said(err)
				app.Spec.Decryption = nil
			}
		}
	}
	if app.Spec.Substitute != nil {
		if err := only(func(c *v1alpha1.Application) { c.Spec.Decryption = nil }); unreadable(err) {
			out.blank = "it has variables, and not all values can be had: " + said(err)
			app.Spec.Substitute = nil
		}
	}
	var err error
	if out.Rendered, err = renderer.Render(ctx, app, tree); err != nil {
		return nil, err
	}
	if app.Spec.Decryption != nil {
		s.noteDecrypted(ctx, app, tree, out.Bodies)
	}
	return out, nil
}

// unreadable tells whether who asks lacks the rights, or the object is not
// there: the rest can be shown all the same.
func unreadable(err error) bool {
	switch fault.KindOf(err) {
	case fault.Denied, fault.NotFound:
		return err != nil
	}
	return false
}

// withKeys is a renderer that takes local keys for those in a Secret.
func (s *Stand) withKeys(secret string, keys map[string]any) *delivery.Renderer {
	return delivery.NewRenderer(s.Charts, s.Kustom, &delivery.Inputs{Digester: s.digester, Get: func(ctx context.Context, kind, namespace, name string) (map[string]any, error) {
		if kind == "Secret" && name == secret {
			return keys, nil
		}
		return s.input(ctx, kind, namespace, name)
	}})
}

// noteDecrypted remembers the values that are encrypted in Git, so that they are
// not shown wherever they go.
func (s *Stand) noteDecrypted(ctx context.Context, app *v1alpha1.Application, tree deliver.Tree, clear []map[string]any) {
	c := app.DeepCopy()
	c.Spec.Decryption = nil
	raw, err := s.renderer.Render(ctx, c, tree)
	if err != nil {
		return // what cannot be read without keys is in Secrets, whose values are hidden anyway
	}
	by := map[deliver.Key]map[string]any{}
	for _, b := range raw.Bodies {
		if k, ok := deliver.KeyOf(b); ok {
			by[k] = b
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range clear {
		if k, ok := deliver.KeyOf(b); ok {
			s.secrets = append(s.secrets, opened(by[k], b)...)
		}
	}
}

// opened returns the texts that are encrypted in one value and not in the other.
func opened(raw, clear any) (out []string) {
	switch c := clear.(type) {
	case map[string]any:
		r, _ := raw.(map[string]any)
		for k, v := range c {
			out = append(out, opened(r[k], v)...)
		}
	case []any:
		r, _ := raw.([]any)
		for i, v := range c {
			if i < len(r) {
				out = append(out, opened(r[i], v)...)
			}
		}
	case string:
		if r, _ := raw.(string); strings.Contains(r, encrypted) && !strings.Contains(c, encrypted) {
			out = append(out, c)
		}
	}
	return out
}

// encrypted is how a value begins that SOPS wrote.
const encrypted = "ENC[AES256_GCM,"

// open says why an object's values are not those that would be applied, "" if
// they are.
func (r *rendering) open(body map[string]any) string {
	switch {
	case r.locked != "" && holds(body, encrypted):
		return r.locked
	case r.blank != "" && holds(body, "${"):
		return r.blank
	}
	return ""
}

// holds looks for a text in all strings of a value, also those in base64.
func holds(v any, text string) bool {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, text) {
			return true
		}
		plain, err := base64.StdEncoding.DecodeString(v)
		return err == nil && strings.Contains(string(plain), text)
	case map[string]any:
		for k, child := range v {
			if strings.Contains(k, text) || holds(child, text) {
				return true
			}
		}
	case []any:
		for _, child := range v {
			if holds(child, text) {
				return true
			}
		}
	}
	return false
}
