package metrics

import (
	"bytes"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestCalm(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(calm{slog.NewTextHandler(&out, nil)}).With("part", "x").WithGroup("g")
	log.Info("ordinary")
	log.Warn("odd", "why", "y")
	target := &url.URL{Scheme: "http", Host: "a:1"}
	json := slog.New(calm{slog.NewJSONHandler(&out, nil)}).With("target", target)
	json.Warn("strange", "of", target, "took", time.Second)
	if text := out.String(); strings.Contains(text, "ordinary") || !strings.Contains(text, "level=WARN msg=odd part=x g.why=y") || !strings.Contains(text, `"target":"http://a:1","of":"http://a:1","took":1000000000`) {
		t.Error(text)
	}
}
