package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// retryAfter is how long the API server asks to be left alone.
func retryAfter(err error) time.Duration {
	if s, ok := apierrors.SuggestsClientDelay(err); ok {
		return min(time.Duration(s)*time.Second, 10*time.Second)
	}
	return 100 * time.Millisecond
}

// classify turns a failed call into a fault. The API server's message goes into
// the public text, unless it is about a Secret: it may quote values.
func classify(err error, op, subject string, secret bool) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		if errors.Is(err, context.Canceled) {
			return fault.Wrap(fault.Interrupted, op, subject, err, "")
		}
		e := fault.Wrap(fault.Unavailable, op, subject, err, "is the API server up, and this its address?")
		e.Public = "the API server does not answer"
		return e
	}
	s := status.Status()
	kind, hint := kindOf(s)
	if s.Code == http.StatusNotFound && s.Details != nil && (deliver.Key{Kind: "Namespace", Name: s.Details.Name}).String() == subject {
		kind, hint = fault.NotFound, "" // the call was about the namespace itself
	}
	f := fault.Wrap(kind, op, subject, err, hint)
	if lacksRights(s) {
		f.Code = deliver.CodeRightsMissing
	}
	f.Public = strings.TrimSpace(s.Message)
	switch {
	case secret && s.Code != http.StatusForbidden && s.Code != http.StatusNotFound:
		f.Public = "the API server refuses it with " + statusLine(s) + "; its words are left out, as they may show values"
		f.Cause = nil
		if says := secretHint(s); says != "" {
			f.Hint = says
		}
	case f.Public == "":
		f.Public = "the API server refuses it with " + statusLine(s) + " and does not say why"
	}
	return f
}

// statusLine names a status: not all have a reason.
func statusLine(s metav1.Status) string {
	reason := string(s.Reason)
	if reason == "" {
		reason = http.StatusText(int(s.Code))
	}
	return strings.TrimSpace(fmt.Sprintf("status %d %s", s.Code, reason))
}

// secretHint says what is wrong with a Secret that the API server refuses, as
// far as that can be told without a word of it; "" if nothing can.
func secretHint(s metav1.Status) string {
	switch {
	case badBase64(s):
		return "a value under data is not in base64: plain text belongs under stringData"
	case strings.Contains(s.Message, ".dockerconfigjson"), strings.Contains(s.Message, ".dockercfg"):
		return "the value under .dockerconfigjson must be JSON, as `kubectl create secret docker-registry NAME --dry-run=client -o yaml` writes it"
	case strings.Contains(s.Message, "tls.crt"), strings.Contains(s.Message, "tls.key"):
		return "a Secret of type kubernetes.io/tls takes both tls.crt and tls.key"
	case s.Code == http.StatusUnprocessableEntity && immutable(s):
		return "" // that it cannot be changed says it
	case s.Code == http.StatusUnprocessableEntity:
		return "does it have the keys that its type asks for? see `kubectl explain secret.type`"
	case s.Code == http.StatusBadRequest:
		return "is every value of the Secret a text, and those under data in base64?"
	}
	return ""
}

// badBase64 tells whether a value under data cannot be decoded. Where an apply
// is tried, the API server calls that an error of its own.
func badBase64(s metav1.Status) bool { return strings.Contains(s.Message, "illegal base64 data") }

// kindOf classifies a status by what can be done about it.
func kindOf(s metav1.Status) (kind fault.Kind, hint string) {
	switch {
	case s.Code == http.StatusUnauthorized:
		return fault.Denied, "the credentials are not valid (any more)"
	case hasCause(s, "NamespaceTerminating"):
		return fault.Unavailable, "wait until the namespace is gone"
	case s.Code == http.StatusForbidden && strings.Contains(s.Message, "exceeded quota"):
		return fault.Unavailable, "raise the ResourceQuota, or ask for less"
	case s.Code == http.StatusForbidden && strings.Contains(s.Message, "admission webhook"):
		return fault.Denied, "the webhook's policy is against it: change the object in Git"
	case s.Code == http.StatusForbidden && strings.Contains(s.Message, "violates PodSecurity"):
		return fault.Denied, "change the pods in Git, or the level that the labels of the namespace ask for"
	case s.Code == http.StatusForbidden:
		return fault.Denied, grantHint(s.Message)
	case missingNamespace(s):
		return fault.Unavailable, "`kubectl create namespace " + s.Details.Name + "`, or put it into Git"
	case badBase64(s):
		return fault.Invalid, "change it in Git"
	case s.Code == http.StatusNotFound:
		return fault.NotFound, ""
	case s.Code == http.StatusConflict, s.Reason == metav1.StatusReasonAlreadyExists:
		return fault.Conflict, ""
	case s.Code == http.StatusGone:
		return fault.Conflict, ""
	case s.Code == http.StatusUnprocessableEntity && immutable(s):
		return fault.Blocked, "the field cannot be changed: give the object another name, or allow it to be made anew with the annotation autoecoops.io/recreate: allowed"
	case s.Code == http.StatusUnprocessableEntity, s.Code == http.StatusBadRequest, s.Code == http.StatusRequestEntityTooLarge, s.Code == http.StatusUnsupportedMediaType:
		return fault.Invalid, "change it in Git"
	}
	return fault.Unavailable, ""
}

// missingNamespace tells whether the namespace is not there that something is to
// be in.
func missingNamespace(s metav1.Status) bool {
	return s.Code == http.StatusNotFound && s.Details != nil && s.Details.Kind == "namespaces"
}

// deniedUser is how the API server's authorizer names who may not do something.
var deniedUser = regexp.MustCompile(`User "([^"]+)" cannot `)

// grantHint says to whom a right is to be granted: an application's account or
// the program's own, the API server knows which it was.
func grantHint(message string) string {
	m := deniedUser.FindStringSubmatch(message)
	if m == nil {
		return "a policy of the cluster is against it: change the object in Git, or the policy"
	}
	if account, ok := strings.CutPrefix(m[1], "system:serviceaccount:"); ok {
		return "grant it to the service account " + strings.Replace(account, ":", "/", 1)
	}
	if m[1] == "system:anonymous" {
		return "the kubeconfig has no credentials that count: choose another with --kubeconfig or --context"
	}
	return "grant it to the user " + m[1]
}

// lacksRights tells a refusal by the rules of access from one by a policy: the
// words are those of the API server's authorizer.
func lacksRights(s metav1.Status) bool {
	return s.Code == http.StatusForbidden && strings.Contains(s.Message, " cannot ") && strings.Contains(s.Message, ` resource "`)
}

func hasCause(s metav1.Status, typ metav1.CauseType) bool {
	if s.Details == nil {
		return false
	}
	for _, c := range s.Details.Causes {
		if c.Type == typ {
			return true
		}
	}
	return false
}

// immutable tells whether a status is about a field that cannot be changed.
// The API has no reason of its own for that, only these words.
func immutable(s metav1.Status) bool {
	for _, words := range []string{"field is immutable", "may not be changed", "updates to statefulset spec", "cannot change roleRef", "is immutable after creation", "may not change once set", "pod updates may not change fields"} {
		if strings.Contains(s.Message, words) {
			return true
		}
	}
	return false
}
