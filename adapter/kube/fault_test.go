package kube

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

func TestClassify(t *testing.T) {
	status := func(code int32, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Reason: reason, Message: message, Details: &metav1.StatusDetails{Causes: causes}}}
	}
	namespace := apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop")
	for name, c := range map[string]struct {
		err     error
		subject string
		kind    fault.Kind
		code    string
	}{
		"a namespace that is not there":      {namespace, "Namespace shop", fault.NotFound, ""},
		"an object of one that is not there": {namespace, "ConfigMap shop/a", fault.Unavailable, ""},
		"an object that is not there":        {apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, "a"), "ConfigMap shop/a", fault.NotFound, ""},
		"a kind that is not there":           {status(404, metav1.StatusReasonNotFound, "the server could not find the requested resource"), "Widget shop/a", fault.NotFound, ""},
		"a namespace that goes":              {status(403, metav1.StatusReasonForbidden, "is being terminated", metav1.StatusCause{Type: "NamespaceTerminating"}), "ConfigMap shop/a", fault.Unavailable, ""},
		"a quota":                            {status(403, metav1.StatusReasonForbidden, `pods "a" is forbidden: exceeded quota: q`), "Pod shop/a", fault.Unavailable, ""},
		"rights":                             {status(403, metav1.StatusReasonForbidden, `configmaps "a" is forbidden: User "u" cannot patch resource "configmaps" in API group "" in the namespace "shop"`), "ConfigMap shop/a", fault.Denied, deliver.CodeRightsMissing},
		"pod security":                       {status(403, metav1.StatusReasonForbidden, `pods "a" is forbidden: violates PodSecurity "restricted:latest"`), "Pod shop/a", fault.Denied, ""},
		"a webhook":                          {status(403, metav1.StatusReasonForbidden, `admission webhook "w" denied the request: no`), "Pod shop/a", fault.Denied, ""},
		"credentials":                        {status(401, metav1.StatusReasonUnauthorized, "Unauthorized"), "Pod shop/a", fault.Denied, ""},
		"a conflict":                         {status(409, metav1.StatusReasonConflict, "conflict"), "Pod shop/a", fault.Conflict, ""},
		"one that exists":                    {status(409, metav1.StatusReasonAlreadyExists, "exists"), "Pod shop/a", fault.Conflict, ""},
		"an old version":                     {status(410, metav1.StatusReasonExpired, "too old"), "pods", fault.Conflict, ""},
		"an immutable field":                 {status(422, metav1.StatusReasonInvalid, `spec.selector: Invalid value: field is immutable`), "Service shop/a", fault.Blocked, ""},
		"a wrong value":                      {status(422, metav1.StatusReasonInvalid, `spec.replicas: Invalid value: -1`), "Deployment shop/a", fault.Invalid, ""},
		"too large":                          {status(413, metav1.StatusReasonRequestEntityTooLarge, "too large"), "ConfigMap shop/a", fault.Invalid, ""},
		"too many":                           {status(429, metav1.StatusReasonTooManyRequests, "slow down"), "Pod shop/a", fault.Unavailable, ""},
		"broken":                             {status(500, metav1.StatusReasonInternalError, "broken"), "Pod shop/a", fault.Unavailable, ""},
		"no answer":                          {errors.New("connection refused"), "Pod shop/a", fault.Unavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := classify(c.err, "apply", c.subject, false)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Kind != c.kind || f.Code != c.code {
				t.Errorf("%v: kind %v code %q, want %v %q", err, fault.KindOf(err), f.Code, c.kind, c.code)
			}
		})
	}
	if classify(nil, "apply", "x", false) != nil {
		t.Error("no error became one")
	}
}
