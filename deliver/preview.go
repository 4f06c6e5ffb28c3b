package deliver

import (
	"context"
	"maps"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// Desired returns the objects that an application's rendered bodies make, as a
// release of them would apply them. namespaced tells a kind's scope, as
// View.Namespaced does. hookSuffix ends the names of hook Jobs. The errors are
// those that would refuse the revision, or hold it up.
func Desired(ctx context.Context, app *v1alpha1.Application, d *Digester, namespaced func(context.Context, GVK) (bool, error), hookSuffix string, bodies []map[string]any) ([]*Object, error) {
	return desire{app: app, digester: d, namespaced: namespaced, hookSuffix: hookSuffix}.objects(ctx, bodies)
}

// Sent returns what an apply would send for an object that is live as body and
// distils to live: without the fields that autoscalers, and the managers that
// the application names, have. A count of replicas that Git no longer sets is
// handed over before an apply, so that it stays: it is sent as it is.
func Sent(app *v1alpha1.Application, o *Object, body map[string]any, live Live) *Object {
	out := o
	if live.Scaled && hasReplicas(out) {
		out = withoutReplicas(out)
	}
	if to := leftTo(app, o.Key); len(to) > 0 {
		out = leave(out, body, to)
	}
	if spec, _ := body["spec"].(map[string]any); live.Replicas && !hasReplicas(out) && spec["replicas"] != nil {
		c := *out
		c.Body = maps.Clone(out.Body)
		mine, _ := c.Body["spec"].(map[string]any)
		mine = maps.Clone(mine)
		if mine == nil {
			mine = map[string]any{}
		}
		mine["replicas"] = spec["replicas"]
		c.Body["spec"] = mine
		out = &c
	}
	return out
}

// MadeAnew tells whether an apply that is refused because of a field that
// cannot be changed would delete the object and make it anew.
func MadeAnew(o *Object) bool {
	return o.Annotation(v1alpha1.AnnotationRecreate) == "allowed" && !neverRecreated[o.GroupKind()]
}

// Disowned tells whether an apply would take back what people set by hand of an
// object.
func Disowned(app *v1alpha1.Application, live Live) bool {
	p := pass{app: app}
	return live.Foreign && !p.ignores(live.Key)
}
