package sops_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/autoecoops/autoecoops/adapter/sops"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func keys(t *testing.T, name string) *sops.Keys {
	t.Helper()
	k, err := sops.ParseKeys(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func value(t *testing.T, text []byte) any {
	t.Helper()
	// As the API server's clients read it, if it can be JSON at all.
	var v any
	if err := yaml.Unmarshal(text, &v); err == nil {
		return v
	}
	if err := yamlv3.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// The files were encrypted with sops 3.13.3.
func TestDecrypts(t *testing.T) {
	for encrypted, plain := range map[string]string{"all.yaml": "plain.yaml", "data.yaml": "plain.yaml", "suffix.yaml": "plain.yaml", "all.json": "j.json", "types.yaml": "types.plain.yaml", "maconly.yaml": "types.plain.yaml"} {
		got, err := keys(t, "key.txt").File(encrypted, read(t, encrypted))
		if err != nil {
			t.Errorf("%s: %v", encrypted, err)
			continue
		}
		if !reflect.DeepEqual(value(t, got), value(t, read(t, plain))) {
			t.Errorf("%s:\n%s", encrypted, got)
		}
	}
	got, err := keys(t, "key.txt").YAML("two.yaml", read(t, "two.yaml"))
	if err != nil || strings.Count(string(got), "hunter2") != 2 || strings.Contains(string(got), "sops") {
		t.Errorf("two.yaml: %v\n%s", err, got)
	}
}

// TestOtherFiles decrypts what is no YAML or JSON, and refuses it changed.
func TestOtherFiles(t *testing.T) {
	k := keys(t, "key.txt")
	for name, want := range map[string]string{"values.env": "A=1\nB=two words\nC=\nD=x=y\nE=line\\nline\nF_unencrypted=plain\n", "blob.bin": "\x00\x01binary\xff\n"} {
		text := read(t, name)
		got, err := k.File(name, text)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if _, err := keys(t, "other.txt").File(name, text); err == nil || !strings.Contains(err.Error(), "age keys") {
			t.Errorf("%s: %v", name, err)
		}
		i := bytes.Index(text, []byte("data:")) + len("data:")
		text[i] ^= 1
		if _, err := k.File(name, text); err == nil {
			t.Errorf("%s was taken changed", name)
		}
	}
	text := bytes.Replace(read(t, "values.env"), []byte("plain"), []byte("other"), 1)
	if _, err := k.File("values.env", text); err == nil || !strings.Contains(err.Error(), "MAC does not fit") {
		t.Error(err)
	}
	// A value that is passed off as a comment is missed.
	types := read(t, "types.yaml")
	i := bytes.Index(types, []byte("- ENC[AES256_GCM"))
	end := i + bytes.Index(types[i:], []byte("type:int]"))
	changed := bytes.Join([][]byte{types[:end], []byte("type:comment]"), types[end+len("type:int]"):]}, nil)
	if _, err := k.File("types.yaml", changed); err == nil || !strings.Contains(err.Error(), "MAC does not fit") {
		t.Error(err)
	}
}

func TestLeavesWhatIsNotEncrypted(t *testing.T) {
	text := []byte("a: 1\nsops: {x: y}\n")
	got, err := keys(t, "key.txt").YAML("a.yaml", text)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%s %v", got, err)
	}
	if sops.Encrypted(text) || !sops.Encrypted(read(t, "data.yaml")) {
		t.Error("what is encrypted?")
	}
}

func TestRefuses(t *testing.T) {
	good := string(read(t, "data.yaml"))
	swap := func(old, new string) []byte {
		if !strings.Contains(good, old) {
			t.Fatalf("no %q", old)
		}
		return []byte(strings.Replace(good, old, new, 1))
	}
	password := good[strings.Index(good, "password: ")+10:]
	password = password[:strings.Index(password, "\n")]
	for name, c := range map[string]struct {
		text []byte
		key  string
		want string
	}{
		"wrong key":      {[]byte(good), "other.txt", "none of the 1 age keys"},
		"plain changed":  {swap("kind: Secret", "kind: Other"), "key.txt", "MAC does not fit"},
		"value left out": {swap("    password: "+password+"\n", ""), "key.txt", "MAC does not fit"},
		"value moved":    {swap("    password: ", "    passwort: "), "key.txt", "stringData.passwort"},
		"value in plain": {swap(password, "hunter3"), "key.txt", "stringData.password"},
		"other tag":      {swap(",type:str]", ",type:nope]"), "key.txt", "cannot be decrypted"},
		"no age":         {swap("    age:\n", "    pgp: []\n    agf:\n"), "key.txt", "other kinds than age"},
		"key groups":     {swap("    age:\n", "    key_groups: [{age: []}]\n    age:\n"), "key.txt", "several keys"},
		"bad regex":      {swap("^(data|stringData)$", "("), "key.txt", "encrypted_regex"},
		"no yaml":        {[]byte("a: [\n"), "key.txt", "decrypt"},
	} {
		_, err := keys(t, c.key).YAML("secret.yaml", c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s shows the value: %v", name, err)
		}
	}
	if _, err := sops.ParseKeys([]byte("AGE-SECRET-KEY-1NOTAKEY")); err == nil || strings.Contains(err.Error(), "NOTAKEY") {
		t.Errorf("%v", err)
	}
	none, _ := sops.ParseKeys()
	if _, err := none.YAML("x", []byte(good)); err == nil || !strings.Contains(err.Error(), "no age key") {
		t.Error(err)
	}
}

func FuzzYAML(f *testing.F) {
	for _, n := range []string{"data.yaml", "all.json", "two.yaml", "values.env", "blob.bin", "types.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	key, err := os.ReadFile(filepath.Join("testdata", "key.txt"))
	if err != nil {
		f.Fatal(err)
	}
	k, err := sops.ParseKeys(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range []string{"x.yaml", "x.json", "x.env", "x"} {
			_, _ = k.File(name, text) // it must not panic
		}
	})
}
