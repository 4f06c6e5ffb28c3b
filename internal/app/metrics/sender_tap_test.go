package metrics_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/util/compression"
)

// What a tap does with a message; anything else is a status that it answers with itself.
const (
	passes = 0
	cuts   = -1 // passes it on, and tells the sender nothing of the answer
)

// tap stands between a sender and a receiver, reads along, and fails as it is told.
type tap struct {
	*httptest.Server
	t  *testing.T
	to string

	mu   sync.Mutex
	does int
	// messages are how often each came, answers how many there were of each status.
	messages map[[32]byte]int
	answers  map[int]int
	// refused are the messages that the receiver refused in part.
	refused map[[32]byte]bool
	// sent are samples, histograms and exemplars that came, written those that the
	// receiver said that it wrote.
	sent, written [3]int
	// told are types, units and helps that came with them; started how many start times.
	told    map[string]bool
	started int
}

// tapped runs a tap in front of a receiver until the test ends.
func tapped(t *testing.T, to string) *tap {
	p := &tap{t: t, to: to, messages: map[[32]byte]int{}, answers: map[int]int{}, refused: map[[32]byte]bool{}, told: map[string]bool{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// now has it do something with what comes from now on.
func (p *tap) now(does int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does = does
}

// ServeHTTP implements http.Handler.
func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender went
	}
	if r.Header.Get("Content-Type") != "application/x-protobuf;proto=io.prometheus.write.v2.Request" || r.Header.Get("X-Prometheus-Remote-Write-Version") != "2.0.0" {
		p.t.Errorf("it sends no 2.0: %v", r.Header)
	}
	p.mu.Lock()
	does := p.does
	p.mu.Unlock()
	if does > 0 {
		p.answered(body, does, nil)
		http.Error(w, "not now", does)
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, p.to+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return
	}
	req.Header = r.Header.Clone()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.answered(body, http.StatusBadGateway, nil)
		http.Error(w, "nobody there", http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	why, err := io.ReadAll(res.Body)
	if err != nil || does == cuts {
		p.answered(body, cuts, nil)
		panic(http.ErrAbortHandler)
	}
	p.answered(body, res.StatusCode, res.Header)
	if res.StatusCode == http.StatusBadRequest {
		p.t.Logf("%.300s", why)
	}
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(why)
}

// answered notes a message, and what the receiver said of it.
func (p *tap) answered(body []byte, status int, h http.Header) {
	text, err := compression.Decode(compression.Snappy, body, compression.NewSyncDecodeBuffer())
	var m writev2.Request
	if err != nil || m.Unmarshal(text) != nil {
		p.t.Errorf("a message that cannot be read: %v", err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := sha256.Sum256(body)
	p.messages[key]++
	p.answers[status]++
	if status/100 == 4 && h != nil {
		p.refused[key] = true
	}
	var sent, written [3]int
	for _, s := range m.Timeseries {
		sent[0] += len(s.Samples)
		sent[1] += len(s.Histograms)
		sent[2] += len(s.Exemplars)
		if s.Metadata.Type != 0 || s.Metadata.HelpRef != 0 {
			p.told[fmt.Sprint(s.Metadata.Type, " ", m.Symbols[s.Metadata.UnitRef], " ", m.Symbols[s.Metadata.HelpRef])] = true
		}
		for _, v := range s.Samples {
			if v.StartTimestamp != 0 {
				p.started++
			}
		}
	}
	if status/100 != 2 && status != http.StatusBadRequest {
		return
	}
	for i, what := range []string{"Samples", "Histograms", "Exemplars"} {
		n, err := strconv.Atoi(h.Get("X-Prometheus-Remote-Write-" + what + "-Written"))
		if again := i == 2 && p.messages[key] > 1; err != nil || status/100 == 2 && n != sent[i] && !again {
			p.t.Errorf("status %d, %s written of %d: %d, %v", status, what, sent[i], n, err)
		}
		written[i] = n
		p.sent[i] += sent[i]
		p.written[i] += written[i]
	}
}
