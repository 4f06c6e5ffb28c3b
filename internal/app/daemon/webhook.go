package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/deliver/giturl"
	"github.com/autoecoops/autoecoops/deliver/webhook"
	"github.com/autoecoops/autoecoops/fault"
)

// webhookSecret is the Secret with what forges sign with, in the daemon's
// namespace: under the keys github, gitlab and gitea, and with -previous behind
// them what still counts while a secret is changed.
const webhookSecret = "aeod-webhook"

// Bounds of messages.
const (
	maxWebhook = 1 << 20 // bytes
	// secretFor is how long the Secret is remembered, so that nobody can make
	// the daemon ask the API server by sending messages.
	secretFor = 10 * time.Second
	// burst messages may come at once from one address, then perSecond.
	burst     = 50
	perSecond = 10
	// maxSenders bounds the addresses that are remembered.
	maxSenders = 4096
)

// receiver takes the messages of forges: a push has the sources asked at once
// that are on the repository.
type receiver struct {
	secret func(ctx context.Context) (map[string][]byte, error)
	poke   func(match func(*v1alpha1.Source) bool) int
	now    func() time.Time
	log    *slog.Logger
	counts *prometheus.CounterVec

	mu      sync.Mutex
	memory  webhook.Memory
	senders map[string]*bucket
	secrets map[string][]byte
	readAt  time.Time
	// reading keeps the Secret from being read twice at the same time.
	reading sync.Mutex
}

// bucket counts what a sender may still send.
type bucket struct {
	tokens float64
	at     time.Time
}

func newReceiver(reg prometheus.Registerer, log *slog.Logger) *receiver {
	r := &receiver{now: time.Now, log: log, senders: map[string]*bucket{}}
	r.counts = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "aeo", Subsystem: "deliver", Name: "webhook_messages_total", Help: "Messages of forges, by what was answered."}, []string{"forge", "code"})
	reg.MustRegister(r.counts)
	return r
}

// ServeHTTP implements http.Handler for POST /webhook/{forge}.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	forge := webhook.Forge(req.PathValue("forge"))
	code, answer := r.receive(req, forge)
	switch forge {
	case webhook.GitHub, webhook.GitLab, webhook.Gitea:
	default:
		forge = "unknown"
	}
	r.counts.WithLabelValues(string(forge), itoa(code)).Inc()
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "5")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer) // the sender is gone if that fails
}

// reply is what a sender gets to read.
type reply struct {
	// Sources are how many are asked because of the message.
	Sources int    `json:"sources"`
	Message string `json:"message,omitempty"`
}

func (r *receiver) receive(req *http.Request, forge webhook.Forge) (int, reply) {
	if !r.admit(req.RemoteAddr) {
		return http.StatusTooManyRequests, reply{Message: "too many messages"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, req.Body, maxWebhook))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return http.StatusRequestEntityTooLarge, reply{Message: "the message is larger than 1 MiB; polling finds the change"}
		}
		return http.StatusBadRequest, reply{Message: "the message ended early"}
	}
	data, err := r.known(req.Context())
	if err != nil {
		r.log.Warn("the secret of webhooks cannot be read", "error", err.Error())
		return http.StatusServiceUnavailable, reply{Message: "the secret cannot be read now"}
	}
	e, err := webhook.Parse(forge, req.Header.Get, body, data[string(forge)], data[string(forge)+"-previous"])
	if err != nil {
		return refusal(err)
	}
	switch e.Kind {
	case webhook.Ping:
		return http.StatusOK, reply{Message: "pong"}
	case webhook.Push:
	default:
		return http.StatusAccepted, reply{Message: "nothing to do for this kind of event"}
	}
	if !r.memory.First(e, r.now()) {
		return http.StatusAccepted, reply{Message: "this message came before"}
	}
	return http.StatusAccepted, reply{Sources: r.poke(matching(e))}
}

// refusal answers what is not believed or not understood.
func refusal(err error) (int, reply) {
	code := http.StatusBadRequest
	switch fault.KindOf(err) {
	case fault.Denied:
		code = http.StatusUnauthorized
	case fault.NotFound:
		code = http.StatusNotFound
	case fault.Blocked:
		code = http.StatusServiceUnavailable
	}
	return code, reply{Message: deliver.Public(err)}
}

// matching selects the sources on the repository of an event.
func matching(e webhook.Event) func(*v1alpha1.Source) bool {
	return func(s *v1alpha1.Source) bool {
		if s == nil || s.Git == nil {
			return false
		}
		a, err := giturl.Parse(s.Git.URL)
		return err == nil && e.Touches(a)
	}
}

// admit tells whether a sender may send one more message now.
func (r *receiver) admit(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.senders[host]
	if b == nil {
		if len(r.senders) >= maxSenders {
			clear(r.senders) // whoever filled it has to begin anew, as all have
		}
		b = &bucket{tokens: burst, at: now}
		r.senders[host] = b
	}
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*perSecond)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// known returns the Secret's values, read a short time ago at most. That there
// is no Secret is remembered too.
func (r *receiver) known(ctx context.Context) (map[string][]byte, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	if !r.readAt.IsZero() && r.now().Sub(r.readAt) < secretFor {
		return r.secrets, nil
	}
	data, err := r.secret(ctx)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	r.secrets, r.readAt = data, r.now()
	return data, nil
}
