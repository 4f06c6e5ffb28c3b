package app

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/internal/cli"
	"github.com/autoecoops/autoecoops/test/lokitest"
)

// TestLogsOfARealLoki writes the shop's log to a real Loki and reads it back: all of
// it, and as much of it as --max-lines allows.
func TestLogsOfARealLoki(t *testing.T) {
	address, tenant := lokitest.Start(t)
	end := time.Now().Truncate(time.Minute)
	var values [][]any
	lines := 0
	shopLog(func(at time.Time, line string) {
		for i, part := range strings.Split(line, "\n") {
			u := at.Add(end.Sub(logNoon)).UnixNano() + int64(lines%5)*1000 + int64(i)
			values = append(values, []any{strconv.FormatInt(u, 10), part, map[string]string{"detected_level": "unknown"}})
		}
		lines++
	})
	text, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": map[string]string{"namespace": "shop", "app": "orders", "pod": "orders-1"}, "values": values}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := lokitest.Write(t.Context(), address, tenant, bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args        []string
		least, most int
		changes     int
	}{
		{nil, 900, 1400, 2},
		{[]string{"--max-lines", "200"}, 250, 400, 1},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"observe", "logs", "--loki", address, "--tenant", tenant, "-n", "shop", "-o", "json"}, c.args...)
		code := cli.Main(t.Context(), backend{clock: func() time.Time { return end }}, &cli.Streams{Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, cli.Build{}, args)
		var told toldLogs
		if err := json.Unmarshal(out.Bytes(), &told); err != nil {
			t.Fatalf("%d %v %s%s", code, err, &out, &errs)
		}
		r := told.Read
		if code != 1 || r.Lines < c.least || r.Lines > c.most || len(r.Failed) > 0 || len(told.Changes) < c.changes || strings.Contains(out.String(), "hunter2") {
			t.Fatalf("%d\n%s%s", code, &out, &errs)
		}
		if x := told.Changes[0]; x.Change != "new" || x.Source != "shop/orders" || x.Level != "error" || !strings.Contains(x.Template, "was lost") || len(x.Traces) != 3 {
			t.Errorf("%+v", x)
		}
		if narrowed := len(r.Notes) > 0; narrowed != (c.args != nil) {
			t.Errorf("%v", r.Notes)
		}
	}
}
