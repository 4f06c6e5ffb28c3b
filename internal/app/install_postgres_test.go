package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/internal/cli"
)

// chartWith copies the chart with an address and a Secret of a PostgreSQL.
func chartWith(t *testing.T, url, secret string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "autoecoops")
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "values.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `    url: ""`, `    url: "`+url+`"`, 1)
	changed = strings.Replace(changed, `    secret: ""`, `    secret: "`+secret+`"`, 1)
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestInstallWithPostgreSQL renders and judges the chart with its ledger in a
// database.
func TestInstallWithPostgreSQL(t *testing.T) {
	dir := chartWith(t, "postgres://aeod@db.example.com:5432/aeod?sslmode=verify-full", "aeod-ledger")
	var out bytes.Buffer
	if err := (backend{}).Render(context.Background(), dir, cli.RenderOptions{KubeVersion: "v1.37"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"--ledger=postgres://aeod@db.example.com:5432/aeod?sslmode=verify-full\n", "--ledger-key=/etc/aeod/ledger/ledger.key\n",
		"--ledger-password-file=/etc/aeod/ledger/password\n", "secret: {secretName: aeod-ledger, defaultMode: 0440}\n", "ports: [{port: 5432, protocol: TCP}]\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the installation lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "volumeClaimTemplates") {
		t.Error("a volume is claimed for a file that there is not")
	}
	mustPass(t, dir)
}

// TestPostgreSQLValues holds passwords out of values, and asks for the Secret.
func TestPostgreSQLValues(t *testing.T) {
	for _, x := range []struct {
		url, secret string
		fine        bool
	}{
		{"", "", true},
		{"postgres://aeod@db.example.com/aeod", "aeod-ledger", true},
		{"postgresql://aeod@db.example.com/aeod", "aeod-ledger", true},
		{"postgres://aeod@db.example.com/aeod", "", false},
		{"postgres://aeod:pw@db.example.com/aeod", "aeod-ledger", false},
		{"postgres://aeod@db.example.com/aeod?password=pw", "aeod-ledger", false},
		{"mysql://aeod@db.example.com/aeod", "aeod-ledger", false},
	} {
		var out bytes.Buffer
		err := (backend{}).Render(context.Background(), chartWith(t, x.url, x.secret), cli.RenderOptions{KubeVersion: "v1.37"}, &out)
		if (err == nil) != x.fine {
			t.Errorf("%q with %q: %v", x.url, x.secret, err)
		}
	}
}
