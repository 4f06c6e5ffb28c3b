package ledgertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/autoecoops/autoecoops/ops"
)

// History makes up n records of an operator's life, in order, from a time on:
// releases that are gated, applied and observed, drift that is repaired,
// people who approve. The same seed gives the same history.
func History(rng *rand.Rand, from time.Time, n int) []ops.Record {
	h := &history{rng: rng, now: from.UTC().Truncate(time.Microsecond)}
	for len(h.records) < n {
		switch p := rng.IntN(10); {
		case p < 6:
			h.release()
		case p < 9:
			h.drift()
		default:
			h.approval()
		}
	}
	return h.records[:n]
}

type history struct {
	rng     *rand.Rand
	now     time.Time
	records []ops.Record
}

var (
	apps   = []string{"checkout", "catalog", "payments", "search", "mail"}
	kinds  = []ops.Ref{{APIVersion: "apps/v1", Kind: "Deployment"}, {APIVersion: "v1", Kind: "Service"}, {APIVersion: "v1", Kind: "ConfigMap"}, {APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}}
	people = []string{"ada@shop.example", "grace@shop.example", "linus@shop.example", "barbara@shop.example"}
)

func (h *history) digest() string {
	var b [8]byte
	for i := range b {
		b[i] = byte(h.rng.Uint32())
	}
	sum := sha256.Sum256(b[:])
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (h *history) pick(list []string) string { return list[h.rng.IntN(len(list))] }

// say adds a record a little later than the one before.
func (h *history) say(r ops.Record) {
	h.now = h.now.Add(time.Duration(h.rng.IntN(900)+20) * time.Millisecond)
	r.Time = h.now
	if r.Source == "" {
		r.Source = "aeod"
	}
	if r.Actor.Kind == "" {
		r.Actor = ops.Actor{Kind: ops.ActorOperator, Name: "aeod"}
	}
	r.Key = fmt.Sprintf("%s/%d", r.Action, len(h.records))
	h.records = append(h.records, r)
}

func (h *history) app() ops.Target {
	name := h.pick(apps)
	return ops.Target{Ref: ops.Ref{APIVersion: "autoecoops.io/v1alpha1", Kind: "Application", Namespace: "shop", Name: name}, UID: "7c1f" + name}
}

func (h *history) release() {
	app := h.app()
	revision := h.digest()[7:47]
	trace := h.digest()[7:39]
	about := map[string]string{"release": app.Name + "-" + revision[:7], "revision": revision}
	h.say(ops.Record{Action: "deliver.gate", Phase: ops.PhaseOutcome, Target: app, After: revision, TraceID: trace, Details: about,
		Decision: &ops.Decision{Verdict: "allow", Policy: "gate: high", Reason: "no finding at high or above"}, Controls: []string{"soc2:CC8.1", "iso27001:A.8.32"}})
	var effects []ops.Effect
	for range 1 + h.rng.IntN(5) {
		ref := kinds[h.rng.IntN(len(kinds))]
		ref.Namespace, ref.Name = "shop", app.Name
		effects = append(effects, ops.Effect{Target: ops.Target{Ref: ref, UID: h.digest()[7:43]}, Before: h.digest(), After: h.digest()})
	}
	h.say(ops.Record{Action: "deliver.apply", Phase: ops.PhaseIntent, Target: app, After: revision, TraceID: trace, Details: about, Effects: effects})
	done := append([]ops.Effect(nil), effects...)
	for i := range done {
		done[i].Result = "configured"
	}
	h.say(ops.Record{Action: "deliver.apply", Phase: ops.PhaseOutcome, Target: app, After: revision, TraceID: trace, Details: about, Effects: done, Controls: []string{"soc2:CC8.1"}})
}

func (h *history) drift() {
	app := h.app()
	ref := kinds[0]
	ref.Namespace, ref.Name = "shop", app.Name
	e := ops.Effect{Target: ops.Target{Ref: ref, UID: h.digest()[7:43]}, Before: h.digest(), After: h.digest()}
	h.say(ops.Record{Action: "deliver.drift", Phase: ops.PhaseEvent, Target: app, Effects: []ops.Effect{e}, Controls: []string{"soc2:CC7.1"}})
	h.say(ops.Record{Action: "deliver.heal", Phase: ops.PhaseIntent, Target: app, Effects: []ops.Effect{e}})
	e.Result = "configured"
	h.say(ops.Record{Action: "deliver.heal", Phase: ops.PhaseOutcome, Target: app, Effects: []ops.Effect{e}})
}

func (h *history) approval() {
	h.say(ops.Record{Source: "aeo", Action: "release.approve", Phase: ops.PhaseOutcome, Target: h.app(), Actor: ops.Actor{Kind: ops.ActorPerson, Name: h.pick(people)},
		Decision: &ops.Decision{Verdict: "approve", Reason: "looks right"}, Controls: []string{"soc2:CC8.1", "iso27001:A.8.32"}})
}
