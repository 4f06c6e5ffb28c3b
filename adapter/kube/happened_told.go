package kube

import (
	"context"
	"net/url"
	"slices"
	"time"
)

// teller is who events say has told them.
const teller = "autoecoops.io/aeod"

// Told lists what events of ours tell of the applications of a namespace, the oldest
// first, whoever of us wrote them: also one that ran before. The API server keeps them
// for an hour, if that is left as it is.
func (e *Events) Told(ctx context.Context, namespace string) (out []Happening, err error) {
	query := url.Values{"fieldSelector": {"reportingComponent=" + teller + ",involvedObject.kind=Application"}}
	err = e.client.pages(ctx, eventsPath(namespace), query, "events", func(text []byte) (string, error) {
		some, next, err := readEvents(text, time.Time{})
		out = append(out, some...)
		return next, err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Happening) int { return a.At.Compare(b.At) })
	return out, nil
}
