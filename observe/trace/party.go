package trace

import (
	"strings"

	"github.com/autoecoops/autoecoops/ops/identity"
)

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

// party is the other side as a caller knows it. A host's name says more to who knows
// whose it is: within a cluster "cart" is that of the caller's own namespace, and
// "cart.shop.svc.cluster.local" that of another.
func (r Remote) party(caller Party) Party {
	key := identity.Key{Service: r.Name}
	if !r.Host || caller.Kind != Service || caller.Key.Namespace == "" {
		return Party{r.Kind, key}
	}
	system, host, ok := strings.Cut(r.Name, "/")
	if !ok {
		system, host = "", r.Name
	}
	if host, _, _ = strings.Cut(host, ":"); strings.Count(r.Name, ":") > 1 {
		return Party{r.Kind, key} // an IPv6 address
	}
	name, rest, dotted := strings.Cut(host, ".")
	namespace, zone, _ := strings.Cut(rest, ".")
	switch {
	case name == "" || name == "localhost":
		return Party{r.Kind, key}
	case !dotted:
		namespace = caller.Key.Namespace
	case namespace == "" || zone != "svc" && !strings.HasPrefix(zone, "svc."):
		return Party{r.Kind, key}
	}
	if system != "" {
		name = system + "/" + name
	}
	return Party{r.Kind, identity.Key{Environment: caller.Key.Environment, Namespace: namespace, Service: name}}
}

// Hosted is the service that a party may be of which only the name of its host is
// known; ok is false if it cannot be one.
func (p Party) Hosted() (service Party, ok bool) {
	if p.Kind != External && p.Kind != Database && p.Kind != Queue || p.Key.Namespace == "" {
		return Party{}, false
	}
	p.Kind = Service
	if _, host, ok := strings.Cut(p.Key.Service, "/"); ok {
		p.Key.Service = host
	}
	return p, p.Key.Known()
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
