// Package observed reads what another tool says of an application that it
// manages: an Argo CD Application, a Flux Kustomization or a Flux HelmRelease.
//
// What is not said is unknown, never good; what was said long ago, or about an
// older spec, is unknown too. Nothing is ever written to these objects.
package observed

import (
	"strings"
	"time"
)

// Answer is yes, no, or not known.
type Answer string

// The answers, as conditions write them.
const (
	Yes     Answer = "True"
	No      Answer = "False"
	Unknown Answer = "Unknown"
)

// Verdict is an answer with its reason.
type Verdict struct {
	Answer Answer
	// Reason is one word in CamelCase, Message a sentence.
	Reason, Message string
}

// Report is what a tool says.
type Report struct {
	// Tool is argocd, flux-kustomization or flux-helmrelease.
	Tool string
	// Revision is what the cluster is at, Attempted what the tool tried and did
	// not get to, "" if that is the same.
	Revision, Attempted string
	Synced, Healthy     Verdict
	// VerifiedAt is when the tool last compared; zero if it does not say.
	VerifiedAt time.Time
	// StaleAt is when that will be too long ago; zero if it cannot be told.
	StaleAt time.Time
}

// Kinds that can be read.
const (
	argo      = "argoproj.io/Application"
	kustomize = "kustomize.toolkit.fluxcd.io/Kustomization"
	helm      = "helm.toolkit.fluxcd.io/HelmRelease"
)

// Readable tells whether objects of a kind can be read.
func Readable(group, kind string) bool {
	switch group + "/" + kind {
	case argo, kustomize, helm:
		return true
	}
	return false
}

// Read reads an object; ok is false if it is of none of the kinds.
func Read(body map[string]any, now time.Time) (r Report, ok bool) {
	apiVersion, _ := body["apiVersion"].(string)
	group, _, _ := strings.Cut(apiVersion, "/")
	kind, _ := body["kind"].(string)
	switch group + "/" + kind {
	case argo:
		r = readArgo(body)
	case kustomize:
		r = readKustomization(body)
	case helm:
		r = readHelm(body)
	default:
		return Report{}, false
	}
	if !r.StaleAt.IsZero() && !now.Before(r.StaleAt) {
		why := "last compared at " + r.VerifiedAt.UTC().Format(time.RFC3339) + ": the tool seems to have stopped"
		if r.Synced.Answer == Yes {
			r.Synced = Verdict{Unknown, "Stale", why}
		}
		if r.Healthy.Answer == Yes {
			r.Healthy = Verdict{Unknown, "Stale", why}
		}
	}
	return r, true
}

// argoPatience is how old a comparison of Argo CD may be: it compares every few
// minutes unless it is told otherwise.
const argoPatience = 30 * time.Minute

func readArgo(body map[string]any) Report {
	r := Report{Tool: "argocd", Revision: text(body, "status", "sync", "revision"), VerifiedAt: moment(body, "status", "reconciledAt")}
	if r.Revision == "" {
		r.Revision = strings.Join(texts(body, "status", "sync", "revisions"), ",")
	}
	if !r.VerifiedAt.IsZero() {
		r.StaleAt = r.VerifiedAt.Add(argoPatience)
	}
	phase := text(body, "status", "operationState", "phase")
	if at := text(body, "status", "operationState", "syncResult", "revision"); at != r.Revision && phase != "Succeeded" {
		r.Attempted = at
	}
	switch s := text(body, "status", "sync", "status"); s {
	case "Synced":
		r.Synced = Verdict{Yes, "Synced", "Argo CD says that it is synced"}
	case "OutOfSync":
		r.Synced = Verdict{No, "OutOfSync", "Argo CD says that it is out of sync"}
	default:
		r.Synced = Verdict{Unknown, "Unknown", "Argo CD does not say whether it is synced"}
	}
	if phase == "Failed" || phase == "Error" {
		r.Synced = Verdict{No, "SyncFailed", clip("the last sync failed: " + text(body, "status", "operationState", "message"))}
	}
	// A condition of Argo CD has no status: that it is there is the signal.
	for _, c := range maps(body, "status", "conditions") {
		message := clip(text(c, "type") + ": " + text(c, "message"))
		switch text(c, "type") {
		case "ComparisonError", "InvalidSpecError", "UnknownError":
			r.Synced = Verdict{Unknown, text(c, "type"), message}
		case "SyncError", "DeletionError":
			r.Synced = Verdict{No, text(c, "type"), message}
		}
	}
	switch h := text(body, "status", "health", "status"); h {
	case "Healthy":
		r.Healthy = Verdict{Yes, h, "Argo CD says that it is healthy"}
	case "Degraded", "Missing", "Progressing", "Suspended":
		r.Healthy = Verdict{No, h, clip("Argo CD says " + h + " " + text(body, "status", "health", "message"))}
	default:
		r.Healthy = Verdict{Unknown, "Unknown", "Argo CD does not say whether it is healthy"}
	}
	return r
}

func readKustomization(body map[string]any) Report {
	r := Report{Tool: "flux-kustomization", Revision: commitOf(text(body, "status", "lastAppliedRevision"))}
	if at := commitOf(text(body, "status", "lastAttemptedRevision")); at != r.Revision {
		r.Attempted = at
	}
	if h := maps(body, "status", "history"); len(h) > 0 {
		r.VerifiedAt = moment(h[0], "lastReconciled")
	}
	if every, err := time.ParseDuration(text(body, "spec", "interval")); err == nil && !r.VerifiedAt.IsZero() {
		r.StaleAt = r.VerifiedAt.Add(3*every + 5*time.Minute)
	}
	r.Synced = fluxReady(body)
	if r.Synced.Answer == Yes && r.Attempted != "" {
		r.Synced = Verdict{No, "Attempted", "revision " + clip(r.Attempted) + " was tried, and is not what is applied"}
	}
	switch c := condition(body, "Healthy"); text(c, "status") {
	case "True":
		r.Healthy = Verdict{Yes, "Healthy", "Flux says that it is healthy"}
	case "False":
		r.Healthy = Verdict{No, word(text(c, "reason")), clip(text(c, "message"))}
	default:
		r.Healthy = Verdict{Unknown, "Unknown", "Flux does not check its health: set spec.wait or spec.healthChecks"}
	}
	return r
}

func readHelm(body map[string]any) Report {
	r := Report{Tool: "flux-helmrelease"}
	if h := maps(body, "status", "history"); len(h) > 0 {
		r.Revision = text(h[0], "chartVersion")
	}
	if at := text(body, "status", "lastAttemptedRevision"); at != r.Revision {
		r.Attempted = at
	}
	r.Synced = fluxReady(body)
	if text(condition(body, "Remediated"), "status") == "True" {
		r.Synced = Verdict{No, "Remediated", clip("it was taken back: " + text(condition(body, "Remediated"), "message"))}
	}
	if text(condition(body, "Drifted"), "status") == "True" {
		r.Synced = Verdict{No, "Drifted", clip(text(condition(body, "Drifted"), "message"))}
	}
	switch text(body, "spec", "driftDetection", "mode") {
	case "enabled", "warn":
	default:
		if r.Synced.Answer == Yes {
			r.Synced.Message += "; it does not look for drift"
		}
	}
	r.Healthy = Verdict{r.Synced.Answer, r.Synced.Reason, r.Synced.Message}
	if r.Synced.Answer == Yes {
		r.Healthy = Verdict{Yes, "Ready", "Helm waited until it was ready"}
		if truth(body, "spec", "install", "disableWait") || truth(body, "spec", "upgrade", "disableWait") {
			r.Healthy = Verdict{Unknown, "Unknown", "Helm does not wait for health: disableWait is set"}
		}
	}
	if c := condition(body, "TestSuccess"); text(c, "status") == "False" {
		r.Healthy = Verdict{No, "TestFailed", clip(text(c, "message"))}
	}
	return r
}

// fluxReady reads the conditions that all of Flux's kinds have.
func fluxReady(body map[string]any) Verdict {
	ready, stalled := condition(body, "Ready"), condition(body, "Stalled")
	switch {
	case truth(body, "spec", "suspend"):
		return Verdict{Unknown, "Suspended", "it is suspended: nothing is compared"}
	case text(stalled, "status") == "True":
		return Verdict{No, word(text(stalled, "reason")), clip(text(stalled, "message"))}
	case number(body, "status", "observedGeneration") != number(body, "metadata", "generation"):
		return Verdict{Unknown, "NotSeen", "Flux has not looked at its newest spec yet"}
	case text(ready, "status") == "True":
		return Verdict{Yes, "Ready", "Flux says that it is ready"}
	case text(ready, "status") == "False":
		return Verdict{No, word(text(ready, "reason")), clip(text(ready, "message"))}
	}
	return Verdict{Unknown, "Reconciling", "Flux does not say whether it is ready"}
}

// commitOf takes the commit out of branch@sha1:commit.
func commitOf(revision string) string {
	for _, mark := range []string{"sha1:", "sha256:"} {
		if _, id, ok := strings.Cut(revision, mark); ok {
			return id
		}
	}
	return revision
}
