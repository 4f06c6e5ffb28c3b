package logs_test

import (
	"testing"
	"time"

	"github.com/autoecoops/autoecoops/observe/logs"
)

func TestSplitPrefix(t *testing.T) {
	for _, c := range []struct{ line, source, rest string }{
		{"[pod/web-1/app] 2026-03-01T12:00:00Z ready", "web-1/app", "2026-03-01T12:00:00Z ready"},
		{"[pod/web-1/app]no space", "", "[pod/web-1/app]no space"},
		{"[pod/with space/app] x", "", "[pod/with space/app] x"},
		{"[pod/] x", "", "[pod/] x"},
		{"web-1  | 2026-03-01T12:00:00Z ready", "web-1", "2026-03-01T12:00:00Z ready"},
		{"\x1b[36mweb_1  |\x1b[0m ready | steady", "web_1", "ready | steady"},
		{"web-1  |   at frame", "web-1", "  at frame"},
		{"a|b", "", "a|b"},
		{"two words | x", "", "two words | x"},
		{" | x", "", " | x"},
		{"plain", "", "plain"},
		{"", "", ""},
	} {
		source, rest := logs.SplitPrefix([]byte(c.line))
		if source != c.source || string(rest) != c.rest {
			t.Errorf("%q: %q, %q", c.line, source, rest)
		}
	}
	_, rest := logs.SplitPrefix([]byte("[pod/web-1/app] 2026-03-01T12:00:00Z ready"))
	if at, ok := logs.MomentOf(rest, time.Now()); !ok || at != time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli() {
		t.Errorf("%d %v", at, ok)
	}
}
