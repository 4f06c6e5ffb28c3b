package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Where the daemon keeps and serves what the shop says of itself.
const (
	metricsAddress = "127.0.0.1:28090"
	logsAddress    = "127.0.0.1:28100"
	tracesPort     = "28318"
)

// scrape is how far apart samples are. The detector learns by samples, so that a story
// of minutes needs them closer together than a cluster does.
const scrape = time.Second

// told is what the services need to be asked by the daemon's scraper and to send their
// traces to it; %s is the collector's address.
const told = `patches:
  - target: {kind: Deployment}
    patch: |-
      - op: add
        path: /spec/template/metadata/annotations
        value: {prometheus.io/scrape: "true", prometheus.io/port: "8080"}
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "%s"}
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: OTEL_RESOURCE_ATTRIBUTES, value: service.namespace=` + namespace + `}
images:
`

// observeStory tells what happens when a change makes a service slow: it is seen,
// explained, and its cause is named.
func observeStory(ctx context.Context) error {
	s, err := begin(ctx)
	if err != nil {
		return err
	}
	return s.tell(ctx, []func(context.Context) error{
		s.startCluster, s.needContainers, s.startGit, s.speak, s.startObserving, s.firstSync, s.visitors, s.learn, s.slowRevision, s.whatIsWrong, s.why, s.explained, s.recovery,
	}, s.endObserving)
}

func (s *story) needContainers(context.Context) error {
	if !s.real {
		return errors.New("this machine allows no containers, and on simulated nodes there is nothing to observe")
	}
	return nil
}

// speak has the services say where they are to be asked, and whom to send traces to.
func (s *story) speak(ctx context.Context) error {
	host, err := s.hostAddress(ctx)
	if err != nil {
		return err
	}
	s.collector = host + ":" + tracesPort
	_, err = s.repo.change(ctx, "overlays/local/kustomization.yaml", "images:\n", fmt.Sprintf(told, "http://"+s.collector), "shop: metrics and traces")
	return err
}

// hostAddress is where pods reach this machine: that of the API server.
func (s *story) hostAddress(ctx context.Context) (string, error) {
	text, err := s.api.do(ctx, http.MethodGet, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes", "", nil)
	if err != nil {
		return "", err
	}
	var slice struct {
		Endpoints []struct{ Addresses []string }
	}
	if err := json.Unmarshal(text, &slice); err != nil {
		return "", err
	}
	if len(slice.Endpoints) == 0 || len(slice.Endpoints[0].Addresses) == 0 {
		return "", errors.New("the API server has no address for pods")
	}
	return slice.Endpoints[0].Addresses[0], nil
}

func (s *story) startObserving(ctx context.Context) error {
	s.operatorFlags = []string{
		"--metrics-dir", filepath.Join(s.dir, "metrics"), "--metrics-listen", metricsAddress, "--metrics-pods", "--metrics-namespace", namespace, "--metrics-interval", scrape.String(),
		"--logs-listen", logsAddress, "--logs-namespace", namespace, "--otlp-http", s.collector,
	}
	if err := s.startOperator(ctx); err != nil {
		return err
	}
	s.say("It also scrapes the pods, follows their logs and takes their traces, and lets\nitself be asked as a Prometheus, a Loki and a Jaeger: nothing else is installed.")
	return nil
}

// visitors ask the storefront, for half an hour at most.
func (s *story) visitors(ctx context.Context) error {
	address, err := s.api.field(ctx, "/api/v1/namespaces/"+namespace+"/services/storefront", "spec", "clusterIP")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s.title("Visitors")
	s.say("About twenty requests a second, each of which asks all three services.")
	return background(s.dir, "visitors", self, "visit", fmt.Sprintf("http://%v/", address))
}

// visit asks an address again and again, half an hour at most.
func visit(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	c := &http.Client{Timeout: 10 * time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	busy := make(chan struct{}, 40)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		select {
		case busy <- struct{}{}:
			go func() {
				defer func() { <-busy }()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
				if err != nil {
					return
				}
				if res, err := c.Do(req); err == nil {
					res.Body.Close()
				}
			}()
		default: // too slow to take more
		}
	}
}

// learning is how long the detector is given to learn what is normal.
const learning = 6 * time.Minute

func (s *story) learn(ctx context.Context) error {
	s.title("What is normal")
	s.say("The detector learns from what it sees: %s here, with a sample a second.\nOn a cluster it reads the history that there is.", learning)
	if err := pause(ctx, learning); err != nil {
		return err
	}
	v, _, err := s.survey(ctx)
	if err != nil {
		return err
	}
	if v.Survey.Normal == 0 {
		return fmt.Errorf("of %d signals none is known to be normal", v.Survey.Signals)
	}
	s.say("%d signals of the shop's workloads are followed, %d are normal, %d still learn,\n%d are abnormal.", v.Survey.Signals, v.Survey.Normal, v.Survey.Learning, v.Survey.Abnormal)
	text, err := s.observe(ctx, "top")
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), namespace+"/"+application+" ") {
		return fmt.Errorf("the monitor of the Application is not followed:\n%s", text)
	}
	s.say("aeo observe top; of %s/%s itself a monitor is followed, PromQL of its own:\n\n%s", namespace, application, text)
	return nil
}

func (s *story) slowRevision(ctx context.Context) error {
	s.title("A revision that passes every check and every probe, and is slow")
	rev, err := s.repo.change(ctx, "overlays/local/kustomization.yaml", "- CURRENCY=EUR\n", "- CURRENCY=EUR\n      - LATENCY=300ms\n", "orders: look prices up in the archive")
	if err != nil {
		return err
	}
	s.began, s.slow = time.Now(), rev
	s.say("Revision %s has orders take 300 ms more for each request.", rev[:8])
	if _, err := s.api.waitRelease(ctx, rev, 3*time.Minute, "Good"); err != nil {
		return err
	}
	s.say("Rolled out and healthy %s after the push, as far as Kubernetes can tell.", since(s.began))
	return nil
}

// observe runs a command of `aeo observe` on what the daemon keeps. Codes that tell
// that something was found are no failure.
func (s *story) observe(ctx context.Context, args ...string) ([]byte, error) {
	all := append([]string{"observe", args[0], "--prometheus", "http://" + metricsAddress, "--scrape", scrape.String(), "--history", "30m", "--since", "15m", "-n", namespace,
		"--applications", "--kubeconfig", s.cluster.kubeconfig}, args[1:]...)
	text, err := command(ctx, "bin/aeo", all...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		err = nil
	}
	return text, err
}

// survey is what `aeo observe anomalies` says, as far as the story needs it.
type survey struct {
	Anomalies []struct {
		Signal struct{ ID, What, Workload string }
		Until  *time.Time
	}
	Survey struct{ Signals, Abnormal, Normal, Learning int }
}

// of returns the id of what is abnormal about a workload: that quantity, if it is
// among it.
func (v survey) of(workload, what string) (id string) {
	for _, a := range v.Anomalies {
		if a.Signal.Workload == workload && (id == "" || a.Signal.What == what) {
			id = a.Signal.ID
		}
	}
	return id
}

// over tells whether nothing of a workload is abnormal any more.
func (v survey) over(workload string) bool {
	for _, a := range v.Anomalies {
		if a.Signal.Workload == workload && a.Until == nil {
			return false
		}
	}
	return true
}

func (s *story) survey(ctx context.Context) (v survey, text []byte, err error) {
	if text, err = s.observe(ctx, "anomalies", "-o", "json"); err != nil {
		return v, text, err
	}
	// What it says of its progress comes behind.
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&v); err != nil {
		return v, text, fmt.Errorf("read what aeo observe anomalies says: %w\n%s", err, firstLine(text))
	}
	return v, text, nil
}

func (s *story) whatIsWrong(ctx context.Context) error {
	s.title("Something is wrong")
	for {
		v, text, err := s.survey(ctx)
		if err != nil {
			return err
		}
		if s.abnormal = v.of("orders", "95th percentile of the durations of requests"); s.abnormal != "" {
			if text, err = s.observe(ctx, "anomalies"); err != nil {
				return err
			}
			s.say("aeo observe anomalies, %s after the push:\n\n%s", since(s.began), text)
			return nil
		}
		if time.Since(s.began) > 4*time.Minute {
			return fmt.Errorf("nothing of orders is abnormal four minutes after the change:\n%s", text)
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
}

// sources are where the evidence for a cause is.
func (s *story) sources() []string {
	return []string{"--releases", "--kubeconfig", s.cluster.kubeconfig, "--jaeger", "http://" + s.collector, "--loki", "http://" + logsAddress}
}

func (s *story) why(ctx context.Context) error {
	s.title("Why")
	text, err := s.observe(ctx, append([]string{"causes", "--events"}, s.sources()...)...)
	if err != nil {
		return err
	}
	s.say("aeo observe causes:\n\n%s", text)
	for what, word := range map[string]string{"the workload": "1. " + namespace + "/orders", "the release": s.slow[:8], "the log's template": "slow query"} {
		if !strings.Contains(string(text), word) {
			return fmt.Errorf("it does not name %s, %q", what, word)
		}
	}
	return nil
}

func (s *story) explained(ctx context.Context) error {
	s.title("How it looks")
	picture := filepath.Join(s.dir, "orders.svg")
	text, err := s.observe(ctx, append([]string{"explain", s.abnormal, "--plot", picture}, s.sources()[:5]...)...)
	if err != nil {
		return err
	}
	s.say("aeo observe explain:\n\n%s\nThe picture: %s", text, relative(picture))
	if !strings.Contains(string(text), "Traces of that time") {
		return errors.New("it names no trace")
	}
	return nil
}

func (s *story) recovery(ctx context.Context) error {
	s.title("It is taken back")
	rev, err := s.repo.change(ctx, "overlays/local/kustomization.yaml", "      - LATENCY=300ms\n", "", "Revert \"orders: look prices up in the archive\"")
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := s.api.waitRelease(ctx, rev, 3*time.Minute, "Good"); err != nil {
		return err
	}
	for time.Since(began) < 4*time.Minute {
		v, _, err := s.survey(ctx)
		if err != nil {
			return err
		}
		if v.over("orders") {
			s.say("%s after the revert nothing of orders is abnormal any more.", since(began))
			return nil
		}
		if err := pause(ctx, 3*time.Second); err != nil {
			return err
		}
	}
	return errors.New("four minutes after the revert some signals of orders still are abnormal")
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (s *story) endObserving() {
	fmt.Printf(`
The visitors stay for half an hour; look further:

   export AEO_PROMETHEUS=http://%s AEO_LOKI=http://%s AEO_JAEGER=http://%s
   bin/aeo observe top --scrape %s --history 30m -n %s --watch
   bin/aeo observe graph
   bin/aeo observe logs --loki $AEO_LOKI -n %s

   make demo-down     ends everything and leaves nothing behind
`, metricsAddress, logsAddress, s.collector, scrape, namespace, namespace)
}
