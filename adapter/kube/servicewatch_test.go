package kube

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"
	"time"
)

// TestServiceWatch lists two pages, follows what comes and goes, and finds after a watch
// that expired what went unseen.
func TestServiceWatch(t *testing.T) {
	const web = `{"metadata":{"namespace":"shop","name":"web","resourceVersion":"5","annotations":{"prometheus.io/scrape":"true","prometheus.io/port":"9090","other":"x"}},
		"spec":{"selector":{"app":"web"},"ports":[{"name":"http","port":80,"targetPort":"http"},{"port":81,"targetPort":8081,"protocol":"TCP"},{"port":82},{"port":53,"protocol":"UDP"}]}}`
	var lists atomic.Int64
	c := logClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		q := r.URL.Query()
		switch {
		case r.URL.Path != "/api/v1/namespaces/shop/services":
			http.NotFound(w, r)
		case q.Get("watch") != "" && lists.Load() == 1:
			if q.Get("resourceVersion") != "7" {
				t.Errorf("followed from %s", q.Get("resourceVersion"))
			}
			fmt.Fprintln(w, `{"type":"ADDED","object":{"metadata":{"namespace":"shop","name":"late","resourceVersion":"8"},"spec":{"type":"ExternalName"}}}`)
			fmt.Fprintln(w, `{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}`)
			fmt.Fprintln(w, `{"type":"DELETED","object":`+web+`}`)
			fmt.Fprintln(w, `{"type":"ERROR","object":{"kind":"Status","code":410}}`)
		case q.Get("watch") != "":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case lists.Load() > 0:
			lists.Add(1)
			fmt.Fprint(w, `{"metadata":{"resourceVersion":"12"},"items":[]}`)
		case q.Get("continue") == "":
			fmt.Fprint(w, `{"metadata":{"continue":"more"},"items":[`+web+`]}`)
		default:
			lists.Add(1)
			fmt.Fprint(w, `{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"namespace":"shop","name":"quiet"}}]}`)
		}
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var told []string
	var first Service
	w := &ServiceWatch{
		Client: c, Namespace: "shop",
		Changed: func(s Service) {
			if s.Name == "web" {
				first = s
			}
			told = append(told, s.Name)
		},
		Gone: func(namespace, name string) {
			told = append(told, "-"+namespace+"/"+name)
			if len(told) == 6 {
				cancel()
			}
		},
		Trouble: func(err error) { t.Error(err) },
	}
	w.Run(ctx)
	if len(told) != 6 || !reflect.DeepEqual(told[:4], []string{"web", "quiet", "late", "-shop/web"}) {
		t.Errorf("told %q", told)
	}
	want := Service{Namespace: "shop", Name: "web", Notes: map[string]string{"scrape": "true", "port": "9090"}, Selector: map[string]string{"app": "web"},
		Ports: []ServicePort{{"http", 80, "http"}, {"", 81, "8081"}, {"", 82, ""}}}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("%+v", first)
	}
}
