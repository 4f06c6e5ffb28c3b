// Package alertmanager delivers alerts to one or more Alertmanagers over their
// HTTP API, version 2.
//
// Each gets every alert, for none knows what the others were told. What waits for
// one of them is bounded, and of an alert only its newest state waits; what is
// dropped is counted. A resolved alert waits until it was taken.
package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/adapter/rest"
	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/observe/slo/follow"
)

// Options say to whom alerts are delivered, and how.
type Options struct {
	// URLs are the addresses before /api/v2, without credentials.
	URLs []string
	// Access says what all of them are shown, and by what they are known.
	rest.Access
	// Timeout is for one delivery; 0 means 10 seconds.
	Timeout time.Duration
	// Now is the clock; nil is that of the machine.
	Now func() time.Time
}

// The bounds of what waits for one Alertmanager, and of one delivery.
const (
	MaxWaiting = 20_000
	maxBatch   = 500
	maxAnswer  = 64 << 10
)

// The pauses between two tries of a delivery that failed.
const (
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
)

// Sender delivers to all of them. It is safe for concurrent use.
type Sender struct{ peers []*peer }

// New returns a sender; Run delivers.
func New(o Options) (*Sender, error) {
	if why, hint := o.Access.Check(); why != "" {
		return nil, fault.New(fault.Invalid, "reach Alertmanager", "", why, hint)
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	transport, why, hint := o.Transport()
	if transport == nil {
		return nil, fault.New(fault.Invalid, "reach Alertmanager", "", why, hint)
	}
	client := &http.Client{Transport: transport, Timeout: o.Timeout, CheckRedirect: sameHost}
	s := &Sender{}
	for _, address := range o.URLs {
		u, err := url.Parse(strings.TrimRight(address, "/"))
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			return nil, fault.New(fault.Invalid, "reach Alertmanager", "", "its address is none", "write http://HOST:9093 or https://HOST/PATH")
		case u.User != nil:
			return nil, fault.New(fault.Invalid, "reach Alertmanager", u.Host, "its address contains credentials", "give a token in a file instead")
		case u.RawQuery != "" || u.Fragment != "":
			return nil, fault.New(fault.Invalid, "reach Alertmanager", u.Host, "its address has a query", "write only what stands before /api/v2")
		case slices.ContainsFunc(s.peers, func(p *peer) bool { return p.base.Host == u.Host && p.base.Path == u.Path }):
			return nil, fault.New(fault.Invalid, "reach Alertmanager", u.Host, "it is named twice", "name each once")
		}
		s.peers = append(s.peers, &peer{base: u, access: o.Access, client: client, now: o.Now, waiting: map[string]follow.Alert{}, size: maxBatch, signal: make(chan struct{}, 1)})
	}
	return s, nil
}

// sameHost keeps the token with the server. A redirected POST would lose its body
// in most cases, so none is followed that changes the method.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) >= 3 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme || req.Method != via[0].Method {
		return http.ErrUseLastResponse
	}
	return nil
}

// Send hands alerts over. It does not wait.
func (s *Sender) Send(all []follow.Alert) {
	for _, p := range s.peers {
		p.put(all)
	}
}

// Run delivers until ctx ends. What is still waiting then is tried once more, for
// a few seconds.
func (s *Sender) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, p := range s.peers {
		wg.Go(func() { p.run(ctx) })
	}
}

// Peer is how the delivery to one Alertmanager fares.
type Peer struct {
	// Name is its address without the scheme: no other has it.
	Name string
	// Delivered, Failed and Lost count: alerts that were taken, deliveries that
	// were not, and alerts that will never be told.
	Delivered, Failed, Lost uint64
	// Waiting is how many alerts wait; Err why the last delivery failed, nil if it
	// did not.
	Waiting int
	Err     error
}

// Peers tells how the deliveries fare.
func (s *Sender) Peers() []Peer {
	out := make([]Peer, len(s.peers))
	for i, p := range s.peers {
		out[i] = p.tell()
	}
	return out
}

// peer is one Alertmanager.
type peer struct {
	base   *url.URL
	access rest.Access
	client *http.Client
	now    func() time.Time
	signal chan struct{}

	mu      sync.Mutex
	waiting map[string]follow.Alert
	// size is how many alerts a delivery has at most: fewer after one was refused.
	size int
	said Peer
}

func (p *peer) tell() Peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.said
	out.Name, out.Waiting = p.base.Host+p.base.Path, len(p.waiting)
	return out
}

func (p *peer) put(all []follow.Alert) {
	p.mu.Lock()
	for _, a := range all {
		key := follow.Key(a.Labels)
		if _, known := p.waiting[key]; !known && len(p.waiting) >= MaxWaiting {
			p.said.Lost++
			continue
		}
		p.waiting[key] = a
	}
	p.mu.Unlock()
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

func (p *peer) run(ctx context.Context) {
	pause := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			for p.deliver(last) == nil && p.tell().Waiting > 0 {
			}
			return
		case <-p.signal:
		case <-after(pause):
		}
		if pause = p.work(ctx, pause); pause > 0 {
			wait(ctx, pause/2+time.Duration(rand.Int64N(int64(pause/2)+1)))
		}
	}
}

// after is a clock that only runs if something waits for another try.
func after(pause time.Duration) <-chan time.Time {
	if pause > 0 {
		return time.After(0)
	}
	return nil
}

// work delivers what waits, and returns how long to pause before the next try.
func (p *peer) work(ctx context.Context, pause time.Duration) time.Duration {
	for p.tell().Waiting > 0 && ctx.Err() == nil {
		if err := p.deliver(ctx); err != nil {
			return min(max(firstPause, 2*pause), maxPause)
		}
	}
	return 0
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// wire is an alert as the API has it.
type wire struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Starts      time.Time         `json:"startsAt"`
	Ends        time.Time         `json:"endsAt"`
}

// batch takes some of what waits. Alerts that ended come first: nobody speaks of
// them again.
func (p *peer) batch() (keys []string, all []follow.Alert) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for k := range p.waiting {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if x, y := p.waiting[a].Ends.After(now), p.waiting[b].Ends.After(now); x != y {
			if y {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	keys = keys[:min(len(keys), p.size)]
	for _, k := range keys {
		all = append(all, p.waiting[k])
	}
	return keys, all
}

// deliver makes one delivery. What was handed over meanwhile stays.
func (p *peer) deliver(ctx context.Context) error {
	keys, all := p.batch()
	if len(keys) == 0 {
		return nil
	}
	out := make([]wire, len(all))
	for i, a := range all {
		out[i] = wire{a.Labels, a.Annotations, a.Starts.UTC(), a.Ends.UTC()}
	}
	err := p.post(ctx, out)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said.Err = err
	if err != nil {
		p.said.Failed++
	}
	if err != nil && fault.KindOf(err) != fault.Invalid {
		return err
	}
	if err != nil && len(keys) > 1 { // look for the one that it is about
		p.size = (len(keys) + 1) / 2
		return nil
	}
	for i, k := range keys {
		if now := p.waiting[k]; now.Ends.Equal(all[i].Ends) && now.Starts.Equal(all[i].Starts) {
			delete(p.waiting, k)
		}
	}
	if err != nil { // it will never be taken
		p.said.Lost++
		return nil
	}
	p.size = min(2*p.size, maxBatch)
	p.said.Delivered += uint64(len(keys))
	return nil
}

func (p *peer) post(ctx context.Context, all []wire) error {
	text, err := json.Marshal(all)
	if err != nil {
		return fault.Wrap(fault.Invalid, "write alerts for", p.base.Host, err, "")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base.JoinPath("api/v2/alerts").String(), bytes.NewReader(text))
	if err != nil {
		return fault.New(fault.Unavailable, "reach Alertmanager", p.base.Host, "its address is none", "write http://HOST:9093")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "aeod")
	if p.access.Tenant != "" {
		req.Header.Set(rest.TenantHeader, p.access.Tenant)
	}
	shown := p.access.Now()
	shown.Show(req.Header)
	res, err := p.client.Do(req)
	if err != nil {
		hint, ok := p.access.Distrusted(err)
		if !ok {
			hint = "is it running, and is the address right?"
		}
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return fault.New(fault.Unavailable, "send alerts to", p.base.Host, err.Error(), hint)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // only told
	if res.StatusCode/100 == 2 {
		return nil
	}
	why := fmt.Sprintf("it answered with status %d", res.StatusCode)
	if len(answer) > 0 {
		why += ": " + rest.Short(shown.Hide(string(answer)))
	}
	if res.StatusCode == http.StatusUnauthorized {
		_, more := p.access.Refused(shown) // what is newer is shown at the next try
		why += more
	}
	switch code := res.StatusCode; {
	case code == http.StatusBadRequest || code == http.StatusRequestEntityTooLarge || code == http.StatusUnprocessableEntity:
		// It never will: the next alerts must not wait behind these.
		return fault.New(fault.Invalid, "send alerts to", p.base.Host, why, "are labels and annotations of the objectives, or the names in what is watched, such as Alertmanager takes?")
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fault.New(fault.Denied, "send alerts to", p.base.Host, why, "give a token or a user that may post alerts, and the tenant if it has several")
	case code/100 == 3:
		return fault.New(fault.Unavailable, "send alerts to", p.base.Host, why, "give the address that it leads to, if that is yours")
	}
	return fault.New(fault.Unavailable, "send alerts to", p.base.Host, why, "look at its log")
}
