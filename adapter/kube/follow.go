package kube

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/autoecoops/autoecoops/fault"
)

// expired tells a list or a watch that is too old to go on from by its own error.
func expired(err error) error {
	if fault.KindOf(err) == fault.Conflict {
		return errExpired
	}
	return err
}

// retry is how long a loop of lists and watches waits before it lists again: the longer,
// the more often in a row a watch was refused or ended at once, however well the lists
// went.
type retry struct{ delay, least, most time.Duration }

// lasting is how long a watch goes on that went well.
const lasting = 10 * time.Second

// wait waits after a watch that lasted so long, 0 if there was none.
func (r *retry) wait(ctx context.Context, lasted time.Duration, err error) {
	if lasted >= lasting {
		r.delay = 0
	}
	if lasted < lasting || !errors.Is(err, errExpired) {
		r.delay = min(max(2*r.delay, r.least), r.most)
	}
	pause(ctx, r.delay/2+time.Duration(rand.Int64N(int64(r.delay/2)+1)))
}

// shortest is how long following takes at least: an API server that ends each watch at
// once is not asked without a pause.
const shortest = time.Second

// follow hands each event of a watch, of what a query selects, from a version on to take,
// which has the version that it came to and returns the next one, and returns the last.
// There is no error if the API server ended the watch in order, and errExpired if the
// version is too old.
func (c *Client) follow(ctx context.Context, path string, query url.Values, plural, version string, take func(typ string, object []byte, version string) (string, error)) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seconds := int(watchFor.Seconds()) + rand.IntN(int(watchFor.Seconds()))
	whole := url.Values{"watch": {"true"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {version}, "timeoutSeconds": {strconv.Itoa(seconds)}}
	maps.Copy(whole, query)
	began := time.Now()
	stream, err := c.stream(ctx, request{verb: http.MethodGet, path: path, query: whole})
	if err != nil {
		return version, expired(classify(err, "watch", plural, false))
	}
	defer stream.Close()
	alarm := time.AfterFunc(silence, cancel)
	defer alarm.Stop()
	dec := json.NewDecoder(stream)
	for {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := dec.Decode(&event); err != nil {
			if errors.Is(err, io.EOF) {
				pause(ctx, shortest-time.Since(began))
				return version, nil
			}
			return version, fault.Wrap(fault.Unavailable, "watch", plural, err, "")
		}
		alarm.Reset(silence)
		if event.Type == "ERROR" {
			var s metav1.Status
			if err := json.Unmarshal(event.Object, &s); err == nil && s.Code == http.StatusGone {
				return version, errExpired
			}
			return version, fault.New(fault.Unavailable, "watch", plural, "the API server ended the watch: "+s.Message, "")
		}
		next, err := take(event.Type, event.Object, version)
		if err != nil {
			return version, fault.Wrap(fault.Unavailable, "read an event of", plural, err, "")
		}
		version = next
	}
}
