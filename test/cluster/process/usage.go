package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Memory is one of the kinds of memory of proc_pid_status(5) that a process has, in MiB:
// VmRSS is what is resident, VmHWM the most of that so far, RssAnon what is its own. It is 0
// for a process that is gone, and where there is no /proc.
func Memory(pid int, kind string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, kind+":"); ok {
			if kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64); err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}

// Processor is the processor time that a process has used, in user and in system mode; 0
// for one that is gone, and where there is no /proc.
func Processor(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// After the name, which ends with the last parenthesis, the 12th and 13th fields are
	// the ticks in user and in system mode, of which there are 100 a second.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var used time.Duration
	for _, f := range fields[min(11, len(fields)):min(13, len(fields))] {
		if n, err := strconv.ParseInt(f, 10, 64); err == nil {
			used += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return used
}
