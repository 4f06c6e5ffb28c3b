package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
	"github.com/autoecoops/autoecoops/deliver"
	"github.com/autoecoops/autoecoops/fault"
)

// Desk is how a person's commands reach the operator: through its custom
// resources, with the person's own rights. It keeps nothing.
type Desk struct{ Client *Client }

// forPeople replaces hints that are meant for the operator's log by ones for
// who sits at a terminal.
func forPeople(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	switch f.Kind {
	case fault.Denied:
		f.Hint = "ask for the right; `kubectl auth can-i --list` shows which ones you have"
	case fault.NotFound:
		f.Hint = "is the operator installed? its definitions are in charts/autoecoops and deploy/"
	case fault.Unavailable:
		f.Hint = "is the API server up, and does the kubeconfig name it? choose with --kubeconfig and --context"
	}
	return f
}

// pages reads a list, or what a query selects of it, in pages and hands each page's text
// to f, which returns the token of the next one. What is no list, and a list that does not end, is an error.
func (c *Client) pages(ctx context.Context, path string, query url.Values, subject string, f func(text []byte) (next string, err error)) error {
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", strconv.Itoa(pageSize))
	f = ending(f)
	for {
		text, err := c.page(ctx, request{verb: http.MethodGet, path: path, query: query}, maxPage)
		if err != nil {
			return classify(err, "list", subject, false)
		}
		next, err := f(text)
		if err != nil {
			return fault.Wrap(fault.Unavailable, "read the list of", subject, err, "do this program and the custom resource definitions have the same version?")
		}
		if next == "" {
			return nil
		}
		query.Set("continue", next)
	}
}

// page reads the answer to one question for a part of a list, of so many bytes at most.
func (c *Client) page(ctx context.Context, r request, most int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	body, err := c.build(r).Stream(ctx)
	if err != nil {
		c.calls(r.verb, r.path, statusOf(err))
		return nil, err
	}
	defer body.Close()
	c.calls(r.verb, r.path, http.StatusOK)
	text, err := io.ReadAll(io.LimitReader(body, int64(most)+1))
	if err == nil && len(text) > most {
		err = fault.New(fault.Unavailable, "read", r.path, fmt.Sprintf("a page of %d has more than %d bytes", pageSize, most), "is that address a Kubernetes API server, and does it know limit?")
	}
	return text, err
}

// statusOf is the code of an answer that is an error, 0 if there was none.
func statusOf(err error) int {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return int(status.Status().Code)
	}
	return 0
}

// maxPages bounds what is read of one list, maxPage the bytes of one page: objects have
// a megabyte and a half at most, and hardly any comes near.
const (
	maxPages = 1000
	maxPage  = 128 << 20
)

var errNoList = errors.New("it is no list")

// isList tells a list, which may be empty, from any other answer.
func isList(text []byte) bool {
	var list struct{ Items json.RawMessage }
	return json.Unmarshal(text, &list) == nil && list.Items != nil
}

// ending has a reader of pages refuse what is no list, which would be taken for an empty
// one, and a list that does not end.
func ending(read func(text []byte) (next string, err error)) func(text []byte) (next string, err error) {
	pages, last := 0, ""
	return func(text []byte) (string, error) {
		if !isList(text) {
			return "", errNoList
		}
		next, err := read(text)
		if pages++; err == nil && next != "" && (next == last || pages == maxPages) {
			return "", fmt.Errorf("it does not end: %d pages were read", pages)
		}
		last = next
		return next, err
	}
}

// Applications lists those of a namespace, or of all if it is "", and the
// resource version to watch from.
func (d Desk) Applications(ctx context.Context, namespace string) (apps []v1alpha1.Application, version string, err error) {
	err = d.Client.pages(ctx, appPath(namespace, "", ""), nil, "applications", func(text []byte) (string, error) {
		var page v1alpha1.ApplicationList
		err := json.Unmarshal(text, &page)
		apps, version = append(apps, page.Items...), page.ResourceVersion
		return page.Continue, err
	})
	for i := range apps {
		apps[i].TypeMeta, apps[i].ManagedFields = typeMeta(v1alpha1.ApplicationKind), nil
	}
	return apps, version, forPeople(err)
}

// Releases lists those of a namespace, or of all if it is "", the newest first.
func (d Desk) Releases(ctx context.Context, namespace string) ([]v1alpha1.Release, error) {
	all, err := (&Releases{Client: d.Client}).List(ctx, deliver.AppKey{Namespace: namespace})
	for i := range all {
		all[i].TypeMeta, all[i].ManagedFields = typeMeta(v1alpha1.ReleaseKind), nil
	}
	return all, forPeople(err)
}

// SLOs lists the Objectives of a namespace, or of all if it is "".
func (d Desk) SLOs(ctx context.Context, namespace string) (all []v1alpha1.Objective, err error) {
	err = d.Client.pages(ctx, objectivePath(namespace, "", ""), nil, "objectives", func(text []byte) (string, error) {
		var page v1alpha1.ObjectiveList
		err := json.Unmarshal(text, &page)
		all = append(all, page.Items...)
		return page.Continue, err
	})
	return all, forPeople(err)
}

// Change merges a change into an Application and returns what it is then.
func (d Desk) Change(ctx context.Context, k deliver.AppKey, change map[string]any) (*v1alpha1.Application, error) {
	patch, err := json.Marshal(change)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "write a change of", k.String(), err, "report this")
	}
	text, err := d.Client.do(ctx, request{
		verb: http.MethodPatch, path: appPath(k.Namespace, k.Name, ""), body: patch,
		patch: types.MergePatchType, query: url.Values{"fieldManager": {"aeo"}},
	})
	if err != nil {
		return nil, forPeople(classify(err, "change application", k.String(), false))
	}
	var app v1alpha1.Application
	if err := json.Unmarshal(text, &app); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read application", k.String(), err, "")
	}
	return &app, nil
}

// Watch tells every change of the Applications of a namespace since a resource
// version, until f says that it has seen enough, or ctx ends. An interrupted
// watch goes on where it was; one that expired begins with a new list, so that
// f sees the newest state of everything at least once.
func (d Desk) Watch(ctx context.Context, namespace, version string, f func(app *v1alpha1.Application, deleted bool) (enough bool)) error {
	failures := 0
	for {
		next, enough, err := d.watch(ctx, namespace, version, f)
		switch {
		case enough:
			return nil
		case ctx.Err() != nil:
			return fault.Wrap(fault.Interrupted, "watch", "applications", ctx.Err(), "")
		case fault.KindOf(err) == fault.Denied, fault.KindOf(err) == fault.NotFound:
			return forPeople(err)
		case err == nil && next != version:
			failures, version = 0, next
			continue
		}
		if failures++; failures > maxLookFailures {
			return forPeople(err)
		}
		pause(ctx, firstPause<<failures)
		apps, now, err := d.Applications(ctx, namespace)
		if err != nil {
			continue
		}
		for i := range apps {
			if f(&apps[i], false) {
				return nil
			}
		}
		version = now
	}
}

// How a watch that breaks is taken up again.
const (
	maxLookFailures = 6
	firstPause      = 50_000_000 // 50 ms, doubled each time
)

func (d Desk) watch(ctx context.Context, namespace, version string, f func(*v1alpha1.Application, bool) bool) (next string, enough bool, err error) {
	stream, err := d.Client.stream(ctx, request{verb: http.MethodGet, path: appPath(namespace, "", ""), query: url.Values{
		"watch": {"true"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {version},
	}})
	if err != nil {
		return version, false, classify(err, "watch", "applications", false)
	}
	defer stream.Close()
	dec := json.NewDecoder(stream)
	for {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := dec.Decode(&event); err != nil {
			if errors.Is(err, io.EOF) {
				return version, false, nil
			}
			return version, false, fault.Wrap(fault.Unavailable, "watch", "applications", err, "")
		}
		if event.Type == "ERROR" {
			var s metav1.Status
			if err := json.Unmarshal(event.Object, &s); err != nil {
				s.Message = "an error that cannot be read"
			}
			return version, false, fault.New(fault.Unavailable, "watch", "applications", s.Message, "")
		}
		var app v1alpha1.Application
		if err := json.Unmarshal(event.Object, &app); err != nil {
			return version, false, fault.Wrap(fault.Unavailable, "read an", "application", err, "")
		}
		version = app.ResourceVersion
		if event.Type != "BOOKMARK" && f(&app, event.Type == "DELETED") {
			return version, true, nil
		}
	}
}

// Person returns the name by which the API server knows the caller, "" if it
// does not tell.
func (d Desk) Person(ctx context.Context) string {
	body := []byte(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`)
	text, err := d.Client.do(ctx, request{verb: http.MethodPost, path: "/apis/authentication.k8s.io/v1/selfsubjectreviews", body: body})
	if err != nil {
		return ""
	}
	var review struct {
		Status struct{ UserInfo struct{ Username string } }
	}
	if json.Unmarshal(text, &review) != nil {
		return ""
	}
	return review.Status.UserInfo.Username
}
