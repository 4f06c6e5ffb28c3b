package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/fault"
	"github.com/autoecoops/autoecoops/prove/ledger"
)

func TestLedgerKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.key")
	run := func() (string, error) {
		var out bytes.Buffer
		c := command(&bytes.Buffer{})
		c.SetOut(&out)
		c.SetArgs([]string{"ledger-key", file})
		err := c.ExecuteContext(t.Context())
		return strings.TrimSpace(out.String()), err
	}
	public, err := run()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.ParseSigningKey(string(text))
	if err != nil || key.Public() != public {
		t.Errorf("%q, %v", public, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := run(); fault.KindOf(err) != fault.Conflict {
		t.Errorf("over another: %v", err)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, text) {
		t.Errorf("the key has changed: %v", err)
	}
}
