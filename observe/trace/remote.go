package trace

import (
	"strings"

	"github.com/autoecoops/autoecoops/ops/identity"
)

// The attributes that tell the other side of a call, for each kind the best
// first; old and new names of OpenTelemetry's conventions.
var (
	peerNames     = [...]string{"peer.service", "service.peer.name"}
	systemNames   = [...]string{"db.system.name", "db.system"}
	databaseNames = [...]string{"db.namespace", "db.name"}
	queueSystems  = [...]string{"messaging.system"}
	queueNames    = [...]string{"messaging.destination.name", "messaging.destination"}
	addressNames  = [...]string{"server.address", "net.peer.name", "network.peer.address", "net.peer.ip", "http.host"}
	failureNames  = [...]string{"error.type", "exception.message"}
)

// RemoteNames lists every attribute that RemoteOf asks for.
func RemoteNames() []string {
	var all []string
	for _, list := range [][]string{peerNames[:], systemNames[:], databaseNames[:], queueSystems[:], queueNames[:], addressNames[:], failureNames[:]} {
		all = append(all, list...)
	}
	return all
}

// RemoteOf tells the other side of a call by the attributes of its span. A
// database is told by its system and its address or name, since two databases
// of one system are two.
func RemoteOf(get func(name string) string) Remote {
	peer, address := pick(get, peerNames[:]), pick(get, addressNames[:])
	if system := pick(get, systemNames[:]); system != "" {
		for i, name := range [...]string{peer, address, pick(get, databaseNames[:])} {
			if name != "" {
				return Remote{Database, short(system+"/"+name, MaxName), i == 1}
			}
		}
		return Remote{Kind: Database, Name: system}
	}
	if system := pick(get, queueSystems[:]); system != "" {
		if name := pick(get, queueNames[:]); name != "" {
			return Remote{Kind: Queue, Name: short(system+"/"+name, MaxName)}
		}
		return Remote{Kind: Queue, Name: system}
	}
	if peer != "" {
		return Remote{Kind: External, Name: peer}
	}
	if address != "" {
		return Remote{External, address, true}
	}
	return Remote{}
}

func pick(get func(string) string, names []string) string {
	for _, n := range names {
		if v := identity.Clean(get(n)); v != "" {
			return v
		}
	}
	return ""
}

// FailureOf says why a span failed, by its status' message and its attributes.
func FailureOf(message string, get func(name string) string) string {
	if message = short(identity.Plain(short(message, 4*MaxMessage)), MaxMessage); message != "" {
		return message
	}
	return pick(get, failureNames[:])
}

// short cuts a text to n bytes without breaking a letter. What is cut does not
// hold on to the whole.
func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.Clone(strings.ToValidUTF8(s[:n], ""))
}

// Trim makes a span safe to keep: text that is valid and short, few links, an
// end that is not before its start. It reports what was wrong beyond length.
func Trim(s *Span) (odd bool) {
	s.Name = trimText(s.Name, MaxName)
	s.Message = trimText(s.Message, MaxMessage)
	if len(s.Links) > MaxLinks {
		s.Links = s.Links[:MaxLinks:MaxLinks]
		odd = true
	}
	if s.Kind > Consumer {
		s.Kind, odd = Unspecified, true
	}
	if s.End < s.Start {
		s.End, odd = s.Start, true
	}
	return odd
}

func trimText(s string, n int) string {
	if len(s) > 4*n {
		s = s[:4*n]
	}
	return short(identity.Plain(s), n)
}
