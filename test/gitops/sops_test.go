package gitops

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/autoecoops/autoecoops/api/v1alpha1"
)

// word is an entry of a Secret.
type word struct{ key, value string }

// identity makes an age key.
func (w *world) identity() *age.X25519Identity {
	w.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// sealer encrypts values as SOPS does: AES-256-GCM with 32 bytes of nonce, and
// where the value stands as additional data.
type sealer struct{ cipher.AEAD }

func (s sealer) seal(value, where string) string {
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce) // never fails
	sealed := s.Seal(nil, nonce, []byte(value), []byte(where))
	text := base64.StdEncoding.EncodeToString
	data, tag := sealed[:len(value)], sealed[len(value):]
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:str]", text(data), text(nonce), text(tag))
}

// sealed is the manifest of a Secret as SOPS writes it for an age key.
func (w *world) sealed(name string, to age.Recipient, words ...word) string {
	w.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		w.Fatal(err)
	}
	aead, err := cipher.NewGCMWithNonceSize(block, 32)
	if err != nil {
		w.Fatal(err)
	}
	s := sealer{aead}
	var wrapped, text bytes.Buffer
	armored := armor.NewWriter(&wrapped)
	body, err := age.Encrypt(armored, to)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := body.Write(key); err != nil {
		w.Fatal(err)
	}
	if err := body.Close(); err != nil {
		w.Fatal(err)
	}
	if err := armored.Close(); err != nil {
		w.Fatal(err)
	}
	mac := sha512.New()
	fmt.Fprintf(mac, "v1Secret%s", name)
	fmt.Fprintf(&text, "apiVersion: v1\nkind: Secret\nmetadata:\n    name: %s\nstringData:\n", name)
	for _, x := range words {
		fmt.Fprint(mac, x.value)
		fmt.Fprintf(&text, "    %s: %s\n", x.key, s.seal(x.value, "stringData:"+x.key+":"))
	}
	const at = "2026-11-25T17:02:00Z"
	fmt.Fprintf(&text, "sops:\n    age:\n        - recipient: %s\n          enc: |\n            %s\n", to, strings.ReplaceAll(strings.TrimSpace(wrapped.String()), "\n", "\n            "))
	fmt.Fprintf(&text, "    lastmodified: %q\n    mac: %s\n    encrypted_regex: ^(data|stringData)$\n    version: 3.13.3\n", at, s.seal(fmt.Sprintf("%X", mac.Sum(nil)), at))
	return text.String()
}

// bare is the same manifest as it is to be in the cluster.
func bare(name string, words ...word) string {
	text := "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\nstringData:\n"
	for _, x := range words {
		text += fmt.Sprintf("  %s: %q\n", x.key, x.value)
	}
	return text
}

// keySecret has the Application decrypt with a key.
func (w *world) keySecret(id *age.X25519Identity) {
	w.Helper()
	o := obj("v1", "Secret", w.home, "age")
	o.Object["stringData"] = map[string]any{"age.agekey": id.String() + "\n"}
	w.create(w.T, resources["Secret"], w.home, o)
}

func decrypting(a *v1alpha1.Application) {
	a.Spec.Decryption = &v1alpha1.LocalReference{Name: "age"}
	a.Spec.Gate.FailOn = "high"
}

// secrets have values come out of Git that only the cluster may know. Each has
// an aeod of its own, so that all of what it writes can be searched.
func secrets() []scenario {
	all := []scenario{{name: "the age key is another one", quick: true, own: true, raw: true, tune: decrypting, run: wrongKey}}
	for _, kustomized := range []bool{false, true} {
		name := "an encrypted Secret arrives in the clear"
		if kustomized {
			name += ", through Kustomize"
		}
		all = append(all, scenario{name: name, quick: true, own: true, raw: true, tune: decrypting, run: func(w *world) { arrives(w, kustomized) }})
	}
	return all
}

func arrives(w *world, kustomized bool) {
	id := w.identity()
	w.keySecret(id)
	encrypted, plain := files{"a.yaml": configMap("a", "1")}, files{"a.yaml": configMap("a", "1")}
	if kustomized {
		encrypted["kustomization.yaml"] = "resources: [a.yaml, k.yaml]\n"
	}
	words := []word{{"password", "n7Gqx29LwFirst"}, {"url", "postgres://app:n7Gqx29LwFirst@db/shop"}}
	encrypted["k.yaml"], plain["k.yaml"] = w.sealed("k", id.Recipient(), words...), bare("k", words...)
	w.repo.commit(encrypted)
	w.learn(plain)
	d := w.ownDaemon("", "--leader-elect=false", "--listen", "127.0.0.1:0", "--debug")
	w.synced()
	w.note()
	w.judge(plain)

	// What somebody edits is put back, to the value that is nowhere in the clear.
	w.edit("Secret", "k", `{"stringData":{"password":"by hand"}}`)
	w.judge(plain)

	words[0].value = "n7Gqx29LwSecond"
	encrypted["k.yaml"], plain["k.yaml"] = w.sealed("k", id.Recipient(), words...), bare("k", words...)
	w.commitSealed(encrypted)
	w.judge(plain)

	// A value that is moved to another key is found out.
	moved := strings.NewReplacer("    password:", "    url:", "    url:", "    password:").Replace(encrypted["k.yaml"])
	w.commitSealed(encrypted.with(files{"k.yaml": moved}))
	w.refused(plain, "Ready", "False", "Held", `decrypt k\.yaml: .*(changed|moved)`)

	// The gate would see a value in the clear, if there were one: this one is.
	w.commitSealed(encrypted.with(files{"k.yaml": bare("k", word{"password", "n7Gqx29LwBare"}, words[1])}))
	w.refused(plain, "Ready", "False", "Held", `refused.*k\.yaml:\d+: .*\(high, k8s-secret-in-git\)`)

	for _, secret := range []string{"n7Gqx29LwFirst", "n7Gqx29LwSecond", strings.TrimPrefix(id.String(), "AGE-SECRET-KEY-")} {
		w.nowhere(d, secret)
	}
}

// commitSealed commits what the oracle cannot read.
func (w *world) commitSealed(content files) {
	w.Helper()
	w.repo.commit(content)
	w.poke()
}

func wrongKey(w *world) {
	id := w.identity()
	w.keySecret(w.identity())
	content := files{"a.yaml": configMap("a", "1"), "k.yaml": w.sealed("k", id.Recipient(), word{"password", "n7Gqx29LwFirst"})}
	plain := files{"a.yaml": configMap("a", "1"), "k.yaml": bare("k", word{"password", "n7Gqx29LwFirst"})}
	w.repo.commit(content)
	d := w.ownDaemon("", "--leader-elect=false", "--listen", "127.0.0.1:0", "--debug")
	w.refused(files{}, "Ready", "False", "Held", `decrypt k\.yaml: .*none of the 1 age keys fits its 1 recipients`)
	w.condition("Stalled", "True", "Held", "a person or a new commit has to act")
	w.nowhere(d, "n7Gqx29LwFirst")

	// The right key is all that is needed.
	change, err := json.Marshal(map[string]any{"stringData": map[string]any{"age.agekey": id.String()}})
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.client.Resource(resources["Secret"]).Namespace(w.home).Patch(w.Context(), "age", "application/merge-patch+json", change, metav1.PatchOptions{}); err != nil {
		w.Fatal(err)
	}
	w.learn(plain)
	w.poke()
	w.judge(plain)
	w.nowhere(d, "n7Gqx29LwFirst")
}

// nowhere checks that a value stands in nothing that aeod writes, as it is or in
// base64: its log, ledger and caches, its metrics, events, Applications and
// Releases.
func (w *world) nowhere(d *daemon, secret string) {
	w.Helper()
	places := map[string][]byte{}
	err := filepath.WalkDir(filepath.Dir(d.log), func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		places[name], err = os.ReadFile(name)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	places["the metrics"] = w.page(d.address(w.T) + "/metrics")
	for _, kind := range []string{"Application", "Release", "Event"} {
		for _, ns := range []string{w.home, w.ns} {
			places[kind+"s in "+ns] = w.listed(kind, ns)
		}
	}
	places["the ledger"] = bytes.Join(bodies(w.T, d.ledger), []byte("\n"))
	// A search that finds nothing at all says nothing.
	for place, known := range map[string]string{
		d.log: `"working"`, "the ledger": w.ns, "the metrics": `application="` + w.ns + `"`,
		"Applications in " + w.home: w.ns, "Releases in " + w.home: w.ns, "Events in " + w.home: w.ns,
	} {
		if !bytes.Contains(places[place], []byte(known)) {
			w.Errorf("%s does not even have %q", place, known)
		}
	}
	for place, text := range places {
		for _, form := range forms(secret) {
			if bytes.Contains(text, []byte(form)) {
				w.Errorf("%q stands in %s", form, place)
			}
		}
	}
}

// forms are a text, and what is in its base64 wherever in a value it stands.
func forms(secret string) []string {
	out := []string{secret}
	for shift := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		out = append(out, text[(shift*8+5)/6:len(text)-1])
	}
	return out
}

func (w *world) page(url string) []byte {
	w.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		w.Fatalf("%s: %s %v", url, answer.Status, err)
	}
	return text
}

// listed reads what there is of a kind, as the API server has it.
func (w *world) listed(kind, ns string) []byte {
	w.Helper()
	r, ok := resources[kind]
	if !ok {
		r = schema.GroupVersionResource{Group: "events.k8s.io", Version: "v1", Resource: "events"}
	}
	var list *unstructured.UnstructuredList
	await(w.T, 30*time.Second, "list "+r.Resource, func() string {
		var err error
		list, err = w.client.Resource(r).Namespace(ns).List(w.Context(), metav1.ListOptions{})
		return said(err)
	})
	text, err := list.MarshalJSON()
	if err != nil {
		w.Fatal(err)
	}
	return text
}
