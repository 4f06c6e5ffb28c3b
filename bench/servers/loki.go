package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/autoecoops/autoecoops/bench/corpus"
	"github.com/autoecoops/autoecoops/test/lokitest"
)

// loki fills a Loki with lines of twenty pods over 25 minutes, in the last five minutes a
// new error among them, and has them read and compared.
func (b *bench) loki(ctx context.Context, lines int) error {
	address, tenant := lokitest.Address(), lokitest.Tenant()
	if address == "" {
		b.Skip("lines of a real Loki", lokitest.Variable+" names none")
		return nil
	}
	const (
		pods   = 20
		window = 25 * time.Minute
		recent = 5 * time.Minute
	)
	end := time.Now().Truncate(time.Second)
	all := corpus.LogLines(60_000)
	const chunk = 10_000 // Loki takes messages of 4 MiB
	wrong := 0
	for from := 0; from < lines; from += chunk {
		streams := make([]struct {
			Stream map[string]string `json:"stream"`
			Values [][2]string       `json:"values"`
		}, pods)
		for i := from; i < min(lines, from+chunk); i++ {
			at := end.Add(-window + time.Duration(float64(window)*float64(i)/float64(lines)))
			line := string(all[i%len(all)])
			if end.Sub(at) < recent && i%1000 == 0 {
				line = fmt.Sprintf("2026-01-02 03:04:05,000 ERROR [writer] c.e.shop.OrderStore - order %d is lost: no space left on device", i)
				wrong++
			}
			s := &streams[i%pods]
			s.Values = append(s.Values, [2]string{strconv.FormatInt(at.UnixNano(), 10), line})
		}
		for p := range streams {
			streams[p].Stream = map[string]string{"namespace": "shop", "app": "orders", "pod": fmt.Sprint("orders-", p)}
		}
		text, err := json.Marshal(map[string]any{"streams": streams})
		if err != nil {
			return err
		}
		if err := lokitest.Write(ctx, address, tenant, bytes.NewReader(text)); err != nil {
			return err
		}
	}
	var told struct {
		Changes []struct {
			Change, Template string
			After            int
		}
		Read struct {
			Lines  int
			Failed []string
		}
	}
	took, err := b.ask(ctx, &told, "1", "observe", "logs", "--loki", address, "--tenant", tenant, "-n", "shop", "--at", end.Format(time.RFC3339), "--since", recent.String(), "--before", (window - recent).String(), "--max-lines", fmt.Sprint(lines+1))
	if err != nil {
		return err
	}
	if len(told.Read.Failed) > 0 || len(told.Changes) == 0 || told.Changes[0].Change != "new" || told.Changes[0].After != wrong {
		return fmt.Errorf("of %d lines with a new error aeo tells %+v", wrong, told)
	}
	b.AtMost("lines of a real Loki that were not read, of "+fmt.Sprint(lines), float64(lines-told.Read.Lines), "", 0)
	b.Note("lines a second read from a real Loki and compared", float64(told.Read.Lines)/took.Seconds(), "/s")
	return nil
}
