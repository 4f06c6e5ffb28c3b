package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/autoecoops/autoecoops/bench/corpus"
	"github.com/autoecoops/autoecoops/internal/app/traces"
	"github.com/autoecoops/autoecoops/test/jaegertest"
)

// called is what aeo tells of who calls whom.
type called struct {
	Calls []struct {
		Caller, Callee json.RawMessage
		Operation      string
	}
	TracesAfter int
}

// jaeger sends the same spans to a Jaeger and to what aeod keeps them in, and has both
// asked for who calls whom.
func (b *bench) jaeger(ctx context.Context, rounds int) error {
	if err := jaegertest.Program.Build(ctx); err != nil {
		return err
	}
	dir, err := b.folder("jaeger")
	if err != nil {
		return err
	}
	j, err := jaegertest.Run(ctx, dir)
	if err != nil {
		return err
	}
	defer j.Stop()
	r, err := traces.New(traces.Settings{}, time.Now)
	if err != nil {
		return err
	}
	ours := httptest.NewServer(r.Handler())
	defer ours.Close()
	load, err := corpus.NewSpans(time.Now().Add(-time.Minute))
	if err != nil {
		return err
	}
	var intake [2]time.Duration
	for i := range rounds * load.Round() {
		text := load.Next(i)
		for k, to := range [...]string{"http://" + j.OTLP, ours.URL} {
			began := time.Now()
			if err := export(ctx, to, text); err != nil {
				return err
			}
			intake[k] += time.Since(began)
		}
	}
	spans := float64(rounds * load.Round() * corpus.SpansPerMessage)
	b.Note("spans a second that aeod takes over HTTP", spans/intake[1].Seconds(), "/s")
	b.Note("spans a second that Jaeger takes over HTTP", spans/intake[0].Seconds(), "/s")
	var graphs [2]called
	for k, of := range [...]struct{ name, url string }{{"a real Jaeger", "http://" + j.Query}, {"what aeod keeps", ours.URL}} {
		took, err := b.ask(ctx, &graphs[k], "0", "observe", "graph", "--jaeger", of.url, "--since", "10m", "--before", "10m", "--sample", "1000")
		if err != nil {
			return err
		}
		b.Note("the graph of calls from 1,000 traces of each service of "+of.name, took.Seconds(), "s")
	}
	if len(graphs[0].Calls) == 0 || graphs[0].TracesAfter == 0 {
		return fmt.Errorf("of Jaeger aeo tells %+v", graphs[0])
	}
	missing := 0
	for _, c := range graphs[0].Calls {
		found := false
		for _, x := range graphs[1].Calls {
			found = found || bytes.Equal(x.Caller, c.Caller) && bytes.Equal(x.Callee, c.Callee) && x.Operation == c.Operation
		}
		if !found {
			missing++
		}
	}
	b.AtMost(fmt.Sprintf("calls that are seen in one store only, of %d", len(graphs[0].Calls)), float64(missing+max(0, len(graphs[1].Calls)-len(graphs[0].Calls))), "", 0)
	return nil
}

// export sends a message of OTLP over HTTP.
func export(ctx context.Context, to string, text []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to+"/v1/traces", bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	why, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d: %s", to, res.StatusCode, why)
	}
	return nil
}
