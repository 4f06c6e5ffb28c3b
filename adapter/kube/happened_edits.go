package kube

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// Edited is the last change of a ConfigMap or Secret that was there before.
type Edited struct {
	At                    time.Time // whole seconds
	Kind, Namespace, Name string
	// By names the field manager: a program, or a person's tool as in kubectl-edit.
	By string
}

// metadataOnly asks for a list without what the objects hold.
const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// Edits lists the objects of a kind, ConfigMap or Secret, in a namespace, or in all if it
// is "", that somebody changed since a moment, but for those that were made then. What
// they hold is not asked for. What was read before an error is given, too.
func (d Desk) Edits(ctx context.Context, kind, namespace string, since time.Time) (out []Edited, err error) {
	path, plural := "/api/v1/", "configmaps"
	if kind == "Secret" {
		plural = "secrets"
	}
	if namespace != "" {
		path += "namespaces/" + url.PathEscape(namespace) + "/"
	}
	query, now := url.Values{"limit": {strconv.Itoa(pageSize)}}, time.Now()
	read := ending(func(text []byte) (string, error) {
		var page struct {
			Metadata struct{ Continue string }
			Items    []struct{ Metadata editedItem }
		}
		if err := json.Unmarshal(text, &page); err != nil {
			return "", errors.New("it is none") // which says nothing of what it holds
		}
		for i := range page.Items {
			if e := page.Items[i].Metadata.last(kind, now); !e.At.IsZero() && !e.At.Before(since) {
				out = append(out, e)
			}
		}
		return page.Metadata.Continue, nil
	})
	for {
		text, err := d.Client.metadata(ctx, request{verb: http.MethodGet, path: path + plural, query: query})
		if err != nil {
			return out, forPeople(classify(err, "list", plural, kind == "Secret"))
		}
		next, err := read(text)
		if err != nil {
			return out, fault.New(fault.Unavailable, "read a list of", plural, err.Error(), "is that address a Kubernetes API server?")
		}
		if next == "" {
			return out, nil
		}
		query.Set("continue", next)
	}
}

// metadata makes a call of which the metadata of the objects is the answer.
func (c *Client) metadata(ctx context.Context, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res := c.build(r).SetHeader("Accept", metadataOnly).Do(ctx)
	code := 0
	res.StatusCode(&code)
	c.calls(r.verb, r.path, code)
	if err := res.Error(); err != nil { // says what the API server said
		return nil, err
	}
	return res.Raw()
}

// editedItem is an object as far as it says who changed it when.
type editedItem struct {
	Namespace, Name   string
	CreationTimestamp time.Time
	ManagedFields     []struct {
		Manager string
		Time    *time.Time
	}
}

// last is the last change after an object was made, at the zero time if there is none.
// Who writes an object may write any times: one that is yet to come hides no other.
func (m *editedItem) last(kind string, now time.Time) Edited {
	e := Edited{Kind: kind, Namespace: m.Namespace, Name: m.Name}
	for _, f := range m.ManagedFields {
		if f.Time != nil && f.Time.After(m.CreationTimestamp) && f.Time.After(e.At) && !f.Time.After(now) {
			e.At, e.By = *f.Time, f.Manager
		}
	}
	return e
}
