package gitops

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// sampler says a sample of each of its series every second, as remote write, beginning
// some time ago.
type sampler struct {
	t *testing.T
	// of returns the values at a moment, by the labels of their series.
	of func(at time.Time) map[string]float64
	// to is whom it is said to; nil for nobody at the moment.
	mu   sync.Mutex
	to   *daemon
	next time.Time
	last error
	// due are samples that nobody took yet.
	due map[string][]byte
}

// sample begins to say samples, those of the past at once.
func sample(t *testing.T, to *daemon, past time.Duration, of func(time.Time) map[string]float64) *sampler {
	t.Helper()
	s := &sampler{t: t, of: of, to: to, due: map[string][]byte{}, next: time.Now().Add(-past).Truncate(time.Second)}
	await(t, time.Minute, "samples of the past are taken", func() string { return said(s.say()) })
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				s.mu.Lock()
				s.last = s.say() // what is not taken comes again
				s.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		<-ended
		if t.Failed() && s.last != nil {
			t.Logf("samples were not taken: %v", s.last)
		}
	})
	return s
}

// say says all up to now.
func (s *sampler) say() error {
	if s.to == nil {
		return nil
	}
	url := s.to.answers()
	if url == "" {
		return fmt.Errorf("it does not listen yet")
	}
	var body []byte
	for ; !s.next.After(time.Now()); s.next = s.next.Add(time.Second) {
		for name, v := range s.of(s.next) {
			s.due[name] = appendMessage(s.due[name], 2, func(b []byte) []byte {
				b = protowire.AppendTag(b, 1, protowire.Fixed64Type)
				b = protowire.AppendFixed64(b, math.Float64bits(v))
				b = protowire.AppendTag(b, 2, protowire.VarintType)
				return protowire.AppendVarint(b, uint64(s.next.UnixMilli()))
			})
		}
	}
	for name, samples := range s.due {
		body = appendMessage(body, 1, func(b []byte) []byte { return append(appendLabels(b, name), samples...) })
	}
	if len(body) == 0 {
		return nil
	}
	req, err := http.NewRequest(http.MethodPost, url+"/api/v1/write", bytes.NewReader(literal(body)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		why, _ := io.ReadAll(res.Body)
		return fmt.Errorf("%s: %s", res.Status, why)
	}
	clear(s.due)
	return nil
}

func appendMessage(b []byte, field protowire.Number, fill func([]byte) []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), fill(nil))
}

// appendLabels adds labels that are written as name=value;name=value.
func appendLabels(b []byte, text string) []byte {
	var all [][2]string
	for part := range bytes.SplitSeq([]byte(text), []byte(";")) {
		name, value, _ := bytes.Cut(part, []byte("="))
		all = append(all, [2]string{string(name), string(value)})
	}
	slices.SortFunc(all, func(a, b [2]string) int { return bytes.Compare([]byte(a[0]), []byte(b[0])) })
	for _, l := range all {
		b = appendMessage(b, 1, func(b []byte) []byte {
			for i, s := range l {
				b = protowire.AppendString(protowire.AppendTag(b, protowire.Number(i+1), protowire.BytesType), s)
			}
			return b
		})
	}
	return b
}

// literal packs for snappy without making anything smaller.
func literal(text []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(len(text)))
	for part := range slices.Chunk(text, 1<<16) {
		out = append(out, 61<<2) // the length less one follows in two bytes
		out = binary.LittleEndian.AppendUint16(out, uint16(len(part)-1))
		out = append(out, part...)
	}
	return out
}

// noise is a number about 0, the same for the same moment and series.
func noise(at time.Time, series int) float64 {
	x := uint64(at.Unix())*2654435761 + uint64(series)*40503
	x ^= x >> 13
	x *= 0x9E3779B97F4A7C15
	x ^= x >> 31
	return float64(x%2001)/1000 - 1
}
