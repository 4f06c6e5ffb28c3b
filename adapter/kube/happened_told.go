package kube

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/fault"
)

// teller is who events say has told them.
const teller = "autoecoops.io/aeod"

// Told lists what events of ours tell of the applications of a namespace, the oldest
// first, whoever of us wrote them: also one that ran before. The API server keeps them
// for an hour, if that is left as it is.
func (e *Events) Told(ctx context.Context, namespace string) (out []Happening, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}, "fieldSelector": {"reportingComponent=" + teller + ",involvedObject.kind=Application"}}
	read := ending(func(text []byte) (string, error) {
		some, next, err := readEvents(text, time.Time{})
		out = append(out, some...)
		return next, err
	})
	for {
		text, err := e.client.do(ctx, request{verb: http.MethodGet, path: "/api/v1/namespaces/" + url.PathEscape(namespace) + "/events", query: query})
		if err != nil {
			return nil, classify(err, "list", "events", false)
		}
		next, err := read(text)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "read a list of", "events", err, "is that address a Kubernetes API server?")
		}
		if next == "" {
			break
		}
		query.Set("continue", next)
	}
	slices.SortStableFunc(out, func(a, b Happening) int { return a.At.Compare(b.At) })
	return out, nil
}
