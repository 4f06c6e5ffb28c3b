package kube

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestScrapeOfPods reads of a pod where its metrics are, and nothing else of its
// annotations.
func TestScrapeOfPods(t *testing.T) {
	var item podItem
	err := json.Unmarshal([]byte(`{"metadata":{"namespace":"shop","name":"cart-1","annotations":{"prometheus.io/scrape":"true","prometheus.io/port":"8080","kubectl.kubernetes.io/last-applied-configuration":"{}"}},
		"spec":{"nodeName":"n1","containers":[{"name":"app","ports":[{"name":"metrics","containerPort":9090},{"name":"dns","containerPort":53,"protocol":"UDP"}]}]},
		"status":{"podIP":"10.0.0.1","hostIP":"192.0.2.1"}}`), &item)
	if err != nil {
		t.Fatal(err)
	}
	want := Scrape{Address: "10.0.0.1", NodeAddress: "192.0.2.1", Notes: map[string]string{"scrape": "true", "port": "8080"}, Ports: []Port{{"app", "metrics", 9090}}}
	if got := item.pod().Scrape; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if err := json.Unmarshal([]byte(`{"metadata":{"annotations":3}}`), &item); err == nil {
		t.Error("annotations that are none are read")
	}
}
