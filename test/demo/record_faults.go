package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// kind is a way in which something goes wrong.
type kind string

// The kinds of faults that are recorded. The first of them happen to what runs, those
// from configuration on come by a commit.
const (
	burning       kind = "processor"     // a loop that does not end
	leaking       kind = "memory"        // lost until the kernel ends the process
	slow          kind = "latency"       // requests are held up
	failing       kind = "errors"        // a share of requests fails
	crashing      kind = "crash"         // the process ends, again and again
	lossy         kind = "network"       // packets are lost on the way in
	database      kind = "dependency"    // something without metrics and traces is slow or fails
	crowd         kind = "load"          // several times as many visitors
	misconfigured kind = "configuration" // a commit names a neighbour wrongly
	slowRelease   kind = "release"       // a commit makes a service slow
	scaledDown    kind = "scaling"       // a commit takes all replicas away
)

var kinds = []kind{burning, leaking, slow, failing, crashing, lossy, database, crowd, misconfigured, slowRelease, scaledDown}

// trouble is what the shop's program takes at /fault.
type trouble struct {
	Latency int     `json:"latency,omitempty"` // milliseconds
	Failing float64 `json:"failing,omitempty"` // share of requests
	Burn    int     `json:"burn,omitempty"`    // processors
	Leak    int     `json:"leak,omitempty"`    // MiB a second
	Exit    bool    `json:"exit,omitempty"`
}

// injury is one fault, planned: what, to which service, and how much of it.
type injury struct {
	kind    kind
	service string
	trouble trouble       // of what runs
	drop    float64       // share of packets
	slower  time.Duration // by a release
}

// running tells whether it happens to what runs, and not by a commit or the visitors.
func (i *injury) running() bool { return i.trouble != trouble{} || i.drop > 0 }

// inflict plans a fault of a shop. The entries are spared where nobody could tell them
// from the visitors.
func (s *shop) inflict(k kind, r *rand.Rand) injury {
	pick := func(fit func(string) bool) string {
		var from []string
		for _, name := range s.services() {
			if fit(name) {
				from = append(from, name)
			}
		}
		return from[r.IntN(len(from))]
	}
	speaking := func(name string) bool { return !s.mute(name) }
	i := injury{kind: k, service: pick(speaking)}
	switch k {
	case burning:
		i.trouble = trouble{Burn: 2 + r.IntN(3)}
	case leaking:
		i.trouble = trouble{Leak: 1 + r.IntN(4)}
	case slow:
		i.trouble = trouble{Latency: 40 + r.IntN(400)}
	case failing:
		i.trouble = trouble{Failing: 0.1 + 0.5*r.Float64()}
	case crashing:
		i.trouble = trouble{Exit: true}
	case lossy:
		i.service = pick(func(name string) bool { return speaking(name) && !slices.Contains(s.entries(), name) })
		i.drop = 0.15 + 0.25*r.Float64()
	case database:
		i.service = pick(s.mute)
		i.trouble = trouble{Latency: 50 + r.IntN(400)}
		if r.IntN(2) == 0 {
			i.trouble = trouble{Failing: 0.15 + 0.5*r.Float64()}
		}
	case crowd:
		i.service = ""
	case misconfigured:
		i.service = pick(func(name string) bool { return speaking(name) && len(s.plan.asks[name]) > 0 })
	case slowRelease:
		i.slower = time.Duration(60+r.IntN(300)) * time.Millisecond
	case scaledDown:
		i.service = pick(func(name string) bool { return speaking(name) && !slices.Contains(s.entries(), name) })
	}
	return i
}

// begin does the harm, once; keep has to follow while it is to last.
func (i *injury) begin(ctx context.Context, r *recorder, s *shop) error {
	switch i.kind {
	case crowd:
		s.visitors(ctx, r).factor.Store(6)
		return nil
	case misconfigured:
		neighbours := append([]string{}, s.plan.asks[i.service]...)
		neighbours[0] += "-v2"
		return s.commit(ctx, i.service+": ask the new "+s.plan.asks[i.service][0], func() {
			s.set[i.service] = map[string]string{"NEIGHBOURS": strings.Join(neighbours, " ")}
		})
	case slowRelease:
		return s.commit(ctx, i.service+": look prices up in the archive", func() {
			s.set[i.service] = map[string]string{"LATENCY": i.slower.String()}
		})
	case scaledDown:
		return s.commit(ctx, i.service+": save replicas", func() { s.replicas[i.service] = 0 })
	}
	return i.keep(ctx, r, s)
}

// keep does the harm to what runs now: pods come and go.
func (i *injury) keep(ctx context.Context, r *recorder, s *shop) error {
	if !i.running() {
		return nil
	}
	pods, err := r.pods(ctx, s.namespace, i.service)
	if err != nil {
		return err
	}
	var all []error
	for _, p := range pods {
		if i.drop > 0 {
			all = append(all, dropPackets(ctx, p.uid, i.drop))
		} else {
			all = append(all, tellPod(ctx, p.address, i.trouble))
		}
	}
	return errors.Join(all...)
}

// end undoes it.
func (i *injury) end(ctx context.Context, r *recorder, s *shop) error {
	switch {
	case i.kind == crowd:
		s.visitors(ctx, r).factor.Store(1)
		return nil
	case !i.running():
		return s.commit(ctx, "Revert \""+i.service+"\"", func() {
			delete(s.set, i.service)
			delete(s.replicas, i.service)
		})
	}
	pods, err := r.pods(ctx, s.namespace, i.service)
	for _, p := range pods {
		if i.drop > 0 {
			err = errors.Join(err, dropPackets(ctx, p.uid, 0))
		} else if e := tellPod(ctx, p.address, trouble{}); e != nil && i.kind != crashing && i.kind != leaking {
			err = errors.Join(err, e)
		}
	}
	return err
}

// tellPod tells a service how to fail.
func tellPod(ctx context.Context, address string, t trouble) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+address+":8080/fault", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000)) // the status is said anyway
		return fmt.Errorf("tell %s to fail: %s: %s", address, res.Status, text)
	}
	return nil
}
