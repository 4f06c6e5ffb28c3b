package slo

import (
	"strings"
	"testing"
	"time"
)

func TestTotalOutagePagesAfterAMinute(t *testing.T) {
	s := newStory(t, ofErrors(), 30*time.Second)
	s.tell(`
		6h   100/s
		10m  100/s bad 100%
		12h  100/s
	`)
	t.Log("\n" + strings.Join(s.log, "\n"))
}
