package corpus

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInstallIsAsLargeAsItSays holds the manifest to the size that the goals
// are about: 20,000 lines and 1.9 MB.
func TestInstallIsAsLargeAsItSays(t *testing.T) {
	text := Install(20_000)
	if lines := bytes.Count(text, []byte("\n")); lines < 20_000 || lines > 20_500 {
		t.Errorf("%d lines", lines)
	}
	if len(text) < 1_850_000 || len(text) > 2_000_000 {
		t.Errorf("%d bytes", len(text))
	}
}

// TestTheSameNumbersGiveTheSameBytes writes the trees twice.
func TestTheSameNumbersGiveTheSameBytes(t *testing.T) {
	for name, write := range map[string]func(string, int) error{"plain": Write, "rendered": WriteRendered} {
		var all [2]string
		for i := range all {
			dir := t.TempDir()
			if err := write(dir, 20); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				text, err := os.ReadFile(p)
				b.WriteString(strings.TrimPrefix(p, dir) + "\n" + string(text))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			all[i] = b.String()
		}
		if all[0] != all[1] || strings.Count(all[0], "kind: Deployment") < 20 {
			t.Errorf("%s: %d and %d bytes", name, len(all[0]), len(all[1]))
		}
	}
}
