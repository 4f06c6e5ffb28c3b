package kube

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Config returns the way to the cluster, for libraries that make clients of
// their own.
func (c *Client) Config() *rest.Config { return rest.CopyConfig(c.config) }

// CodeNamespaceMissing marks that the program's own namespace is not there.
const CodeNamespaceMissing = "NamespaceMissing"

// MakeNamespace makes a namespace. One that is there is no failure.
func (c *Client) MakeNamespace(ctx context.Context, name string) error {
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
	if err != nil {
		return fault.Wrap(fault.Internal, "make namespace", name, err, "")
	}
	_, err = c.do(ctx, request{verb: http.MethodPost, path: "/api/v1/namespaces", body: body})
	if f := classify(err, "make namespace", name, false); f != nil && fault.KindOf(f) != fault.Conflict {
		return f
	}
	return nil
}

// ours gives a failure that is about the program's own Secret hints for who
// starts the program.
func ours(err error, namespace string) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	var status apierrors.APIStatus
	switch {
	case errors.As(f.Cause, &status) && missingNamespace(status.Status()):
		f.Code = CodeNamespaceMissing
		f.Hint = "`kubectl create namespace " + namespace + "`, or name another one with --namespace"
	case f.Code == deliver.CodeRightsMissing:
		f.Hint = "it is the right of the program itself, not of an application: " + f.Hint + ", or use a kubeconfig that has it"
	}
	return f
}

// Key returns the 32 bytes in a Secret of our own, made if there is none. The
// error has CodeNamespaceMissing if the namespace is not there.
func (c *Client) Key(ctx context.Context, namespace, name string) ([]byte, error) {
	path := "/api/v1/namespaces/" + namespace + "/secrets"
	for range 3 {
		text, err := c.do(ctx, request{verb: http.MethodGet, path: path + "/" + name})
		if err == nil {
			var s struct{ Data map[string]string }
			if err := json.Unmarshal(text, &s); err != nil {
				return nil, fault.New(fault.Unavailable, "read secret", name, "the answer is no Secret", "")
			}
			key, err := base64.StdEncoding.DecodeString(s.Data["key"])
			if err != nil || len(key) != 32 {
				return nil, fault.New(fault.Blocked, "read secret", namespace+"/"+name, "it holds no key of 32 bytes", "delete it, and a new one is made; Secrets then look changed once")
			}
			return key, nil
		}
		if f := classify(err, "read secret", namespace+"/"+name, true); fault.KindOf(f) != fault.NotFound {
			return nil, ours(f, namespace)
		}
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails, says its documentation
		body, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "namespace": namespace},
			"type": "Opaque", "data": map[string]any{"key": base64.StdEncoding.EncodeToString(key)},
		})
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "write secret", name, err, "")
		}
		_, err = c.do(ctx, request{verb: http.MethodPost, path: path, body: body})
		if f := classify(err, "create secret", namespace+"/"+name, true); f != nil && fault.KindOf(f) != fault.Conflict {
			return nil, ours(f, namespace)
		}
	}
	return nil, fault.New(fault.Conflict, "make secret", namespace+"/"+name, "it comes and goes", "does another program delete it?")
}
