package diff

import "github.com/autoecoops/autoecoops/ops"

// Action is what would happen to an object.
type Action string

// The actions. None means that nothing differs, Refuse that the change would not
// be accepted, Unknown that nobody can tell.
const (
	Create  Action = "create"
	Update  Action = "update"
	Delete  Action = "delete"
	None    Action = "none"
	Refuse  Action = "refuse"
	Unknown Action = "unknown"
)

// ObjectDiff is the difference of one object.
type ObjectDiff struct {
	Object  ops.Ref  `json:"object"`
	Action  Action   `json:"action"`
	Changes []Change `json:"changes"`
	// Note is a sentence for people, such as why an object cannot be compared.
	Note string `json:"note,omitempty"`
	// Source is where the object is written, as file:line; "" if that is not
	// known.
	Source string `json:"source,omitempty"`
}

// Objects compares an object with what it is to become; nil stands for an object
// that is not there.
func Objects(from, to map[string]any, o Options) ObjectDiff {
	d := ObjectDiff{Action: Update, Changes: Compare(from, to, o)}
	switch {
	case from == nil && to == nil:
		return ObjectDiff{Action: None}
	case from == nil:
		d.Action = Create
	case to == nil:
		d.Action = Delete
	case len(d.Changes) == 0:
		d.Action = None
	}
	d.Object = ref(to)
	if to == nil {
		d.Object = ref(from)
	}
	return d
}

func ref(o map[string]any) (r ops.Ref) {
	meta, _ := o["metadata"].(map[string]any)
	r.APIVersion, _ = o["apiVersion"].(string)
	r.Kind, _ = o["kind"].(string)
	r.Name, _ = meta["name"].(string)
	r.Namespace, _ = meta["namespace"].(string)
	return r
}
