package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Identity names one process for good: a process id is used again, but not
// with the same start time in the same boot.
type Identity struct {
	// PID is the process id.
	PID int `json:"pid"`
	// Start is the time the process started, in clock ticks since boot.
	Start uint64 `json:"start"`
	// Boot is the id of the boot of the machine it runs on.
	Boot string `json:"boot"`
}

// ErrGone says that the process that an identity names runs no more.
var ErrGone = errors.New("the process has ended")

// Identify returns the identity of the process pid. The error is ErrGone if
// there is none.
func Identify(pid int) (Identity, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return Identity{}, ErrGone
	}
	if err != nil {
		return Identity{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	start, err := startTime(string(stat))
	if err != nil {
		return Identity{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Identity{}, fmt.Errorf("read the id of this boot: %w", err)
	}
	return Identity{PID: pid, Start: start, Boot: strings.TrimSpace(string(boot))}, nil
}

// startTime reads field 22 of /proc/PID/stat. The second field, the command's
// name, may hold blanks and parentheses, so fields count from the last ")". A
// dead process that nobody has waited for counts as gone.
func startTime(stat string) (uint64, error) {
	_, rest, ok := cutLast(stat, ")")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, errors.New("its stat file has too few fields")
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0, ErrGone
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Alive reports whether the very process that id names runs.
func (id Identity) Alive() bool {
	now, err := Identify(id.PID)
	return err == nil && now == id
}

// Kill ends the process that id names, never another that has its number by
// now, and waits until it is gone. The error is ErrGone if it was gone before.
func (id Identity) Kill(wait time.Duration) error {
	if id.PID <= 1 {
		return fmt.Errorf("end process %d: refused, it is none of ours", id.PID)
	}
	// The handle is taken first: from here on it names one process, and what
	// is verified below is that process or a dead one.
	p, err := os.FindProcess(id.PID)
	if err != nil {
		return ErrGone
	}
	defer p.Release()
	if !id.Alive() {
		return ErrGone
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end process %d: %w", id.PID, err)
	}
	for deadline := time.Now().Add(wait); id.Alive(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("end process %d: it still runs %s after the kill", id.PID, wait)
		}
		time.Sleep(2 * time.Millisecond) // it is no child of ours: there is nothing to wait on
	}
	return nil
}

// Tail returns the last lines of the file at path, at most 16 KiB of it.
func Tail(path string, lines int) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	return TailOf(f, lines)
}

// TailOf is Tail for an open file.
func TailOf(f *os.File, lines int) string {
	const most = 16 << 10
	from := int64(0)
	if info, err := f.Stat(); err == nil && info.Size() > most {
		from = info.Size() - most
	}
	text, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
