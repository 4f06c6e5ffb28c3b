package sops_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/adapter/sops"
)

// oracle runs the sops program; the test is left out where there is none.
type oracle struct {
	t         *testing.T
	dir, prog string
	recipient string
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	prog, err := exec.LookPath("sops")
	if err != nil {
		t.Skip("sops is not installed")
	}
	o := &oracle{t: t, dir: t.TempDir(), prog: prog}
	for line := range strings.Lines(string(read(t, "key.txt"))) {
		if _, key, ok := strings.Cut(line, "public key: "); ok {
			o.recipient = strings.TrimSpace(key)
		}
	}
	return o
}

func (o *oracle) run(args ...string) []byte {
	o.t.Helper()
	key, err := filepath.Abs("testdata/key.txt")
	if err != nil {
		o.t.Fatal(err)
	}
	cmd := exec.Command(o.prog, args...)
	cmd.Dir, cmd.Env = o.dir, append(os.Environ(), "SOPS_AGE_KEY_FILE="+key)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("sops %v: %v\n%s", args, err, complaint.String())
	}
	return out
}

// encrypt lets sops encrypt a text by rules of .sops.yaml, and returns what it
// makes and what it decrypts that to.
func (o *oracle) encrypt(name, text, rules string) (encrypted, plain []byte) {
	o.t.Helper()
	for file, content := range map[string]string{name: text, ".sops.yaml": "creation_rules:\n  - age: " + o.recipient + "\n" + rules} {
		if err := os.WriteFile(filepath.Join(o.dir, file), []byte(content), 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	encrypted = o.run("encrypt", name)
	if err := os.WriteFile(filepath.Join(o.dir, "enc-"+name), encrypted, 0o600); err != nil {
		o.t.Fatal(err)
	}
	return encrypted, o.run("decrypt", "enc-"+name)
}

var oracleRules = []string{"", "    mac_only_encrypted: true\n", "    encrypted_regex: '^(data|x.*)$'\n", "    unencrypted_regex: '^(kind|y.*)$'\n", "    encrypted_suffix: z\n", "    unencrypted_suffix: k\n"}

// TestRandomFiles compares with sops on files of random content.
func TestRandomFiles(t *testing.T) {
	o := newOracle(t)
	k := keys(t, "key.txt")
	rounds := 30
	if testing.Short() {
		rounds = 3
	}
	random := rand.New(rand.NewPCG(7, 7))
	for i := range rounds {
		doc := map[string]any{"kind": "Secret", "data": randomValue(random, 0), "x": randomValue(random, 1), "yy": "plain", "zz": randomValue(random, 1)}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		rules := oracleRules[i%len(oracleRules)]
		for _, name := range []string{"a.json", "a.yaml"} {
			body := string(text)
			if name == "a.yaml" {
				body = "# top\n" + body + "\n"
			}
			encrypted, want := o.encrypt(name, body, rules)
			got, err := k.File(name, encrypted)
			if err != nil {
				t.Errorf("%s by %q: %v\n%s", name, rules, err, text)
				continue
			}
			if !reflect.DeepEqual(value(t, got), value(t, want)) {
				t.Errorf("%s by %q:\n%s\nwant\n%s", name, rules, got, want)
			}
			if name == "a.json" && !json.Valid(got) {
				t.Errorf("no JSON: %s", got)
			}
		}
	}
}

func randomValue(r *rand.Rand, depth int) any {
	switch n := r.IntN(12); {
	case n < 2 && depth < 4:
		m := map[string]any{}
		for range r.IntN(4) {
			m[fmt.Sprintf("%c%c", 'w'+r.IntN(4), 'w'+r.IntN(4))] = randomValue(r, depth+1)
		}
		return m
	case n < 4 && depth < 4:
		l := []any{}
		for range r.IntN(4) {
			l = append(l, randomValue(r, depth+1))
		}
		return l
	case n == 5:
		return r.IntN(1 << 40)
	case n == 6:
		return float64(r.IntN(1000)) / 8
	case n == 7:
		return r.IntN(2) == 0
	case n == 8:
		return nil
	}
	texts := []string{"", "hunter2", "123", "true", "null", "~", "a: b", "two\nlines\n", " spaces ", "grüße 🎉", "2024-01-02", "0x10", "1e3", "- x", "#no", "${x}", "'\"", "\t", "yes"}
	return texts[r.IntN(len(texts))]
}

// TestOtherForms compares dotenv and binary files.
func TestOtherForms(t *testing.T) {
	o := newOracle(t)
	k := keys(t, "key.txt")
	for name, text := range map[string]string{"a.env": "# c\nA=1\nB=two words\nC=\nD=x=y\nE=line\\nline\nF_unencrypted=plain\n", "a.bin": "\x00\x01binary\xff\n", "a.txt": "text\nlines\n"} {
		encrypted, want := o.encrypt(name, text, "")
		got, err := k.File(name, encrypted)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, encrypted)
			continue
		}
		if name == "a.env" {
			want = bytes.TrimPrefix(want, []byte("# c\n"))
			want = bytes.TrimPrefix(want, []byte("#c\n"))
			want = bytes.TrimPrefix(want, []byte("# c\n"))
			if i := bytes.IndexByte(want, 'A'); i > 0 {
				want = want[i:]
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestFormsThatAreNone(t *testing.T) {
	k, err := sops.ParseKeys(read(t, "key.txt"))
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("hello")
	if got, err := k.File("a.bin", plain); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	marked := "sops ENC[AES256_GCM,data:hunter2"
	for name, text := range map[string]string{"a.ini": marked, "a.env": marked, "b.env": "A=" + marked + "\n", "c.env": "A=" + marked + "\nsops_mac=x\n", "a.json": marked, "a.bin": marked, "b.bin": `{"data":"` + marked + `"}`,
		"c.bin": `{"a":"` + marked + `","b":1,"sops":{"mac":"x"}}`, "d.bin": `{"data":"` + marked + `","sops":{"mac":"x"}}`, "a.yaml": "a: [" + marked, "huge.bin": strings.Repeat(marked, 1<<20)} {
		if out, err := k.File(name, []byte(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %.40q, %v", name, out, err)
		}
	}
}
