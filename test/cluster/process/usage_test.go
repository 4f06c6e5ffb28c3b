package process

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	own := os.Getpid()
	if now, most := Memory(own, "VmRSS"), Memory(own, "VmHWM"); now < 1 || most < now || Memory(own, "none") != 0 {
		t.Errorf("%g of at most %g MiB", now, most)
	}
	before := Processor(own)
	for end := time.Now().Add(10 * time.Second); Processor(own) < before+50*time.Millisecond; {
		if time.Now().After(end) {
			t.Fatalf("%s before, %s after being busy", before, Processor(own))
		}
	}
	if Memory(-1, "VmRSS") != 0 || Processor(-1) != 0 {
		t.Error("what is no process uses something")
	}
}
