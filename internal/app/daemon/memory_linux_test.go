package daemon

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

func TestProgramPages(t *testing.T) {
	const smaps = `00400000-04000000 r-xp 00000000 fe:00 42 /usr/bin/aeod
Size:              61440 kB
Rss:               40000 kB
Private_Dirty:       128 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
04000000-07000000 r--p 03c00000 fe:00 42 /usr/bin/aeod
Private_Dirty:         0 kB
Anonymous:             0 kB
07000000-07100000 rw-p 06c00000 fe:00 42 /usr/bin/aeod
Private_Dirty:         0 kB
07100000-07200000 r--p 06d00000 fe:00 42 /usr/bin/aeod
Private_Dirty:        16 kB
Anonymous:            16 kB
07200000-07300000 r--p 06e00000 fe:00 42 /usr/bin/aeod (deleted)
Private_Dirty:         0 kB
c000000000-c004000000 rw-p 00000000 00:00 0 
Private_Dirty:         0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 43 /lib/libc.so.6
Private_Dirty:         0 kB
nonsense
zz-yy r-xp 00000000 fe:00 42 /usr/bin/aeod
`
	got := programPages(bufio.NewScanner(strings.NewReader(smaps)), "/usr/bin/aeod")
	want := []span{{0x00400000, 0x04000000}, {0x04000000, 0x07000000}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Fatalf("got %x, want %x: only what is clean, not writable and the program's own", got, want)
	}
}

func TestDropProgramLeavesTheProgramRunning(t *testing.T) {
	before := residentFile(t)
	dropProgram()
	after := residentFile(t)
	if after >= before {
		t.Errorf("%d kB of files resident before, %d after", before, after)
	}
	// What was dropped works when it is called again.
	if got := strings.ToUpper("still here"); got != "STILL HERE" {
		t.Error(got)
	}
}

func residentFile(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("this machine has no /proc/self/status")
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssFile:"); ok {
			n := 0
			for _, c := range strings.Fields(rest)[0] {
				n = 10*n + int(c-'0')
			}
			return n
		}
	}
	t.Skip("this kernel doesn't tell files from other memory")
	return 0
}
