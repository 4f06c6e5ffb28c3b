package trace

import "github.com/autoecoops/autoecoops/ops/identity"

// NodeKind says what stands at an end of a call.
type NodeKind string

// The kinds of parties.
const (
	Service  NodeKind = "service"  // sends spans itself
	Database NodeKind = "database" // told by db.system
	Queue    NodeKind = "queue"    // told by messaging.system
	External NodeKind = "external" // told by an address or peer.service
	Outside  NodeKind = "outside"  // calls the first span of a trace
	Unknown  NodeKind = "unknown"  // its span is missing, or names no service
)

// Party is one end of a call. Of anything but a service, the key's Service is
// its name and the rest is empty.
type Party struct {
	Kind NodeKind     `json:"kind"`
	Key  identity.Key `json:"key"`
}

// String returns the party's name, with its kind unless it is a service.
func (p Party) String() string {
	switch {
	case p.Kind == Service:
		return p.Key.String()
	case p.Key.Known():
		return string(p.Kind) + ":" + p.Key.String()
	}
	return string(p.Kind)
}

func partyOf(s *Span) Party {
	if key := s.identity().Key; key.Known() {
		return Party{Service, key}
	}
	return Party{Kind: Unknown}
}

func (r Remote) party() Party {
	return Party{r.Kind, identity.Key{Service: r.Name}}
}

// Edge is one operation that one party asks of another.
type Edge struct {
	Caller Party `json:"caller"`
	Callee Party `json:"callee"`
	// Operation is the callee's span name, or the call's where the callee
	// sends none.
	Operation string `json:"operation"`
	// Async means that the caller does not wait: a message.
	Async bool `json:"async,omitempty"`
}
