package metrics

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestCalm(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(calm{slog.NewTextHandler(&out, nil)}).With("part", "x").WithGroup("g")
	log.Info("ordinary")
	log.Warn("odd", "why", "y")
	if text := out.String(); strings.Contains(text, "ordinary") || !strings.Contains(text, "level=WARN msg=odd part=x g.why=y") {
		t.Error(text)
	}
}
