package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// webhookSecret is what this bench signs its messages with.
const webhookSecret = "a bench's"

// serveGit serves the repository over HTTP by Git's own server, until the
// returned function is called.
func (b *bench) serveGit(ctx context.Context) (stop func(), err error) {
	where, err := exec.CommandContext(ctx, "git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("git --exec-path: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(where)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + b.dir, "GIT_HTTP_EXPORT_ALL=1"},
	}}
	go func() { _ = s.Serve(l) }() // it ends with Close
	b.remote = "http://" + l.Addr().String() + "/repo/.git"
	return func() { _ = s.Close() }, nil
}

// pushed commits, tells aeod by a signed webhook message, and takes the time
// until a watch shows the change applied.
func (b *bench) pushed(ctx context.Context) error {
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "aeod-webhook", "namespace": "autoecoops"},
		"stringData": map[string]any{"github": webhookSecret},
	}}
	if _, err := b.client.Resource(secrets).Namespace("autoecoops").Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return err
	}
	var all []time.Duration
	for n := range b.settings.pushes {
		i := n * 7 % b.apps
		name, value := fmt.Sprintf("app-%04d", i), fmt.Sprintf("push %d", n)
		objects := ten(i)
		objects[1]["data"].(map[string]any)["value"] = value
		if err := b.write(i, objects); err != nil {
			return err
		}
		if err := b.commit(ctx); err != nil {
			return err
		}
		w, err := b.client.Resource(configMaps).Namespace(space).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
		if err != nil {
			return err
		}
		began := time.Now()
		if err := b.tell(ctx); err != nil {
			return err
		}
		took, err := until(ctx, w.ResultChan(), time.Minute, func(o *unstructured.Unstructured) bool {
			got, _, _ := unstructured.NestedString(o.Object, "data", "value")
			return got == value
		})
		w.Stop()
		if err != nil {
			return fmt.Errorf("push %d: %w", n, err)
		}
		all = append(all, took.Sub(began))
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	what := fmt.Sprintf("webhook to applied, one repository for %d applications", b.apps)
	b.results.Note(what+", median", ms(all[len(all)/2]), "ms")
	b.results.AtMost(what+", 95th percentile", ms(all[len(all)*95/100]), "ms", 2000)
	return nil
}

// tell sends the message that GitHub sends after a push.
func (b *bench) tell(ctx context.Context) error {
	head, err := exec.CommandContext(ctx, "git", "-C", b.repo, "rev-parse", "HEAD").Output()
	if err != nil {
		return err
	}
	body := asJSON(map[string]any{"ref": "refs/heads/main", "after": strings.TrimSpace(string(head)), "repository": map[string]any{"clone_url": b.remote}})
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write(body)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.pages+"/webhook/github", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("X-GitHub-Event", "push")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the webhook answers %s", answer.Status)
	}
	return nil
}
