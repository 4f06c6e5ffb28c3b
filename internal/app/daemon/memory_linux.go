package daemon

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// dropProgram lets go of the pages of the program's file that are in memory: most
// served the start and work that is over. Those still needed come back from the
// page cache when they are touched, at the cost of a microsecond. Only mappings
// that the program cannot write to and that differ in nothing from the file are
// dropped; without /proc it does nothing.
func dropProgram() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	for _, m := range programPages(bufio.NewScanner(f), self) {
		// A refusal leaves the pages where they are.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED)
	}
}

// span is a range of addresses.
type span struct{ start, end uintptr }

// programPages reads smaps (proc(5)) for the mappings of a file that can be read
// but not written, and of which no page is the process's own.
func programPages(lines *bufio.Scanner, file string) []span {
	var found []span
	var now span
	ours, clean := false, true
	end := func() {
		if ours && clean && now.end > now.start {
			found = append(found, now)
		}
		ours, clean = false, true
	}
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		if strings.HasSuffix(fields[0], ":") {
			switch fields[0] {
			case "Anonymous:", "Swap:", "Locked:": // dirty ones may be a file's that was just written
				clean = clean && fields[1] == "0"
			}
			continue
		}
		end()
		from, to, ok := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		stop, err2 := strconv.ParseUint(to, 16, 64)
		if !ok || err1 != nil || err2 != nil || len(fields) < 6 {
			continue
		}
		now = span{uintptr(start), uintptr(stop)}
		ours = strings.HasPrefix(fields[1], "r-") && strings.Join(fields[5:], " ") == file
	}
	end()
	return found
}
