package openslo

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/graph/tree"
	"github.com/autoecoops/autoecoops/observe/slo/resource"
)

var objectiveAPI = v1alpha1.GroupVersion.String()

// resource reads an Objective of our own, as it would be applied to a cluster.
func (r *reader) resource(root tree.Node) {
	since := len(r.problems)
	r.unknown(root, reflect.TypeFor[v1alpha1.Objective](), "")
	text, err := json.Marshal(plain(root))
	var o v1alpha1.Objective
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	if err != nil {
		at, message := root, err.Error()
		if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			at, message = follow(root, mismatch.Field), fmt.Sprintf("%s must be a %s, not a %s", mismatch.Field, mismatch.Type.Kind(), mismatch.Value)
		}
		r.fail(at, "%s", message)
	}
	if len(r.problems) > since {
		return
	}
	objective, problems := resource.Objective(&o)
	for _, p := range problems {
		r.fail(follow(root, p.Path), "%s", p)
	}
	r.add(root, objective, nil, since)
}

// plain is a document as encoding/json knows it. What is written in quotes is a
// text; numbers and booleans are what YAML 1.1 says, as in the API server.
func plain(n tree.Node) any {
	switch n.Kind() {
	case tree.Map:
		out := map[string]any{}
		for k, v := range n.Fields() {
			out[k.Text()] = plain(v)
		}
		return out
	case tree.List:
		out := []any{}
		for _, e := range n.Items() {
			out = append(out, plain(e))
		}
		return out
	case tree.Bool:
		v, _ := n.Bool()
		return v
	case tree.Int, tree.Float:
		if v, ok := n.Float(); ok {
			if _, err := json.Marshal(v); err == nil {
				return v
			}
		}
	case tree.Null, tree.Absent:
		return nil
	}
	return n.Text()
}

// follow returns the node at a path such as spec.tiers[1].long, or the last one
// on the way that is there.
func follow(n tree.Node, path string) tree.Node {
	for word := range strings.SplitSeq(path, ".") {
		name, index, list := strings.Cut(word, "[")
		next := n.Get(name)
		if i, err := strconv.Atoi(strings.TrimSuffix(index, "]")); list && err == nil {
			next = next.Index(i)
		}
		if !next.Exists() {
			return n
		}
		n = next
	}
	return n
}

var (
	objectMeta = reflect.TypeFor[metav1.ObjectMeta]()
	timeType   = reflect.TypeFor[metav1.Time]()
)

// unknown tells the fields of a map that a type does not have.
func (r *reader) unknown(n tree.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == timeType || t == objectMeta:
	case t.Kind() == reflect.Slice:
		for i, e := range n.Items() {
			r.unknown(e, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case t.Kind() == reflect.Struct && n.IsMap():
		f := &fields{r: r, n: n, path: path}
		r.ask(f, t)
		f.done()
	}
}

// ask asks for all fields of a struct.
func (r *reader) ask(f *fields, t reflect.Type) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" && field.Anonymous {
			r.ask(f, field.Type)
			continue
		}
		r.unknown(f.get(name), field.Type, f.name(name))
	}
}
