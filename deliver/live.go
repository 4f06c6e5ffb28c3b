package deliver

import (
	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver/health"
)

// Distil keeps of a live object what a Live holds. The object is not kept.
func (d *Digester) Distil(body map[string]any, h health.Health) (Live, bool) {
	g, ok := GVKOf(body)
	k, named := KeyOf(body)
	if !ok || !named {
		return Live{}, false
	}
	meta, _ := body["metadata"].(map[string]any)
	l := Live{Key: k, Version: g.Version, App: OwnerOf(body), Health: h}
	l.UID, _ = meta["uid"].(string)
	l.ResourceVersion, _ = meta["resourceVersion"].(string)
	l.Owned, _ = d.OwnedDigest(body, v1alpha1.FieldManager)
	l.Foreign = len(Foreign(body)) > 0
	l.Terminating = meta["deletionTimestamp"] != nil
	l.Keep = metaString(body, "annotations", v1alpha1.AnnotationPrune) == "never"
	l.Hook = metaString(body, "annotations", v1alpha1.AnnotationHook) != ""
	owners, _ := meta["ownerReferences"].([]any)
	l.Dependent = len(owners) > 0
	for _, m := range managers(body) {
		spec, _ := m.fields["f:spec"].(map[string]any)
		if _, has := spec["f:replicas"]; !has {
			continue
		}
		if m.subresource == "scale" && !byHand(m.name) {
			l.Scaled = true
		}
		if m.name == v1alpha1.FieldManager && m.operation == "Apply" && m.subresource == "" {
			l.Replicas = true
		}
	}
	return l, true
}
