package kube

import (
	"context"
	"encoding/json"
	"errors"
	"io"
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

// follow hands each event of a watch from a version on to take, which returns the
// version of the object, and returns the version that it came to. There is no error if
// the API server ended the watch in order, and errExpired if the version is too old.
func (c *Client) follow(ctx context.Context, path, plural, version string, take func(typ string, object []byte) (string, error)) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seconds := int(watchFor.Seconds()) + rand.IntN(int(watchFor.Seconds()))
	stream, err := c.stream(ctx, request{verb: http.MethodGet, path: path, query: url.Values{
		"watch": {"true"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {version}, "timeoutSeconds": {strconv.Itoa(seconds)},
	}})
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
		next, err := take(event.Type, event.Object)
		if err != nil {
			return version, fault.Wrap(fault.Unavailable, "read an event of", plural, err, "")
		}
		version = next
	}
}
