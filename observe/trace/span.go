package trace

import (
	"encoding/hex"
	"time"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/ops/identity"
)

// ID identifies a trace. The zero ID is none.
type ID [16]byte

// SpanID identifies a span within its trace. The zero SpanID is none.
type SpanID [8]byte

// IsZero reports whether the id is none.
func (i ID) IsZero() bool { return i == ID{} }

// String returns the id in hexadecimal.
func (i ID) String() string { return hex.EncodeToString(i[:]) }

// IsZero reports whether the id is none.
func (i SpanID) IsZero() bool { return i == SpanID{} }

// String returns the id in hexadecimal.
func (i SpanID) String() string { return hex.EncodeToString(i[:]) }

// ParseID reads a trace id of up to 32 hexadecimal digits. Leading zeros may be
// missing: some stores drop them, others have ids of 64 bits.
func ParseID(text string) (ID, error) {
	var id ID
	if !parseHex(id[:], text) || id.IsZero() {
		return ID{}, fault.New(fault.Invalid, "read a trace id", "", "it is not 1 to 32 hexadecimal digits of which one is not 0", "")
	}
	return id, nil
}

// ParseSpanID reads a span id of up to 16 hexadecimal digits.
func ParseSpanID(text string) (SpanID, error) {
	var id SpanID
	if !parseHex(id[:], text) || id.IsZero() {
		return SpanID{}, fault.New(fault.Invalid, "read a span id", "", "it is not 1 to 16 hexadecimal digits of which one is not 0", "")
	}
	return id, nil
}

func parseHex(into []byte, text string) bool {
	if text == "" || len(text) > 2*len(into) {
		return false
	}
	for i := range len(text) {
		c := text[len(text)-1-i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return false
		}
		into[len(into)-1-i/2] |= c << (4 * (i % 2))
	}
	return true
}

// Kind says which side of a call a span stands on.
type Kind uint8

// The kinds, with OpenTelemetry's numbers.
const (
	Unspecified Kind = iota
	Internal
	Server
	Client
	Producer
	Consumer
)

// String returns the kind's name.
func (k Kind) String() string {
	if k > Consumer {
		k = Unspecified
	}
	return [...]string{"unspecified", "internal", "server", "client", "producer", "consumer"}[k]
}

// Remote says what a span's attributes tell of the other side of its call.
type Remote struct {
	// Kind is "" where nothing is told.
	Kind NodeKind `json:"kind,omitempty"`
	// Name is peer.service, the database's name, the queue's, or an address.
	Name string `json:"name,omitempty"`
	// Host means that Name is, or ends in, that of a host.
	Host bool `json:"host,omitempty"`
}

// Link is another span that this one follows from, perhaps of another trace.
type Link struct {
	Trace ID
	Span  SpanID
}

// Span is one piece of work. Spans are values; what holds them may share their
// strings and links.
type Span struct {
	Trace      ID
	ID, Parent SpanID
	Kind       Kind
	Failed     bool
	// Start and End are nanoseconds since 1970, by the clock of the sender.
	Start, End int64
	Name       string
	// Message says why it failed.
	Message string
	From    *identity.Identity
	Remote  Remote
	Links   []Link
}

// Duration is how long the span took, never negative.
func (s *Span) Duration() time.Duration { return max(0, between(s.Start, s.End)) }

// nobody is where spans without a resource come from.
func (s *Span) identity() identity.Identity {
	if s.From == nil {
		return identity.Identity{}
	}
	return *s.From
}

// The limits of what a span holds; Trim cuts to them.
const (
	MaxName    = 256
	MaxMessage = 512
	MaxLinks   = 16
)
