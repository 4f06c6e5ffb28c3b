package kustomize

import (
	"context"
	"fmt"
	"path"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// schema guards the library's process-wide OpenAPI schema: builds that only
// read it run side by side, one that replaces it runs alone. It is the one
// shared thing in the package because it mirrors the library's own.
var schema sync.RWMutex

// warm makes the library parse its built-in schema, which it otherwise does
// lazily and without a lock that readers respect.
var warm = sync.OnceFunc(parseSchema)

func parseSchema() {
	openapi.SchemaForResourceType(kyaml.TypeMeta{APIVersion: "v1", Kind: "Pod"})
}

// withSchema runs build under the lock that it needs. The library keeps a
// custom schema for the builds that come after it, unlike the command line,
// whose process ends: so the schema is reset.
func withSchema(custom bool, build func()) {
	warm()
	if !custom {
		schema.RLock()
		defer schema.RUnlock()
		build()
		return
	}
	schema.Lock()
	defer schema.Unlock()
	defer func() {
		openapi.ResetOpenAPI()
		parseSchema()
	}()
	build()
}

// run builds the kustomization in folder root of the view. It returns when
// ctx ends, even when the library has not: the library takes no context.
func run(ctx context.Context, v *view, root string, custom bool) (resmap.ResMap, error) {
	type result struct {
		objects resmap.ResMap
		err     error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: fmt.Errorf("the kustomize library failed: %v", p)}
			}
			done <- r
		}()
		withSchema(custom, func() {
			if r.err = ctx.Err(); r.err != nil {
				return
			}
			opts := krusty.MakeDefaultOptions()
			// As the command line without --reorder: sorted by kind unless the
			// kustomization has sortOptions.
			opts.Reorder = krusty.ReorderOptionUnspecified
			k := krusty.MakeKustomizer(opts)
			r.objects, r.err = k.Run(v, path.Join(mount, root))
		})
	}()
	select {
	case r := <-done:
		return r.objects, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
