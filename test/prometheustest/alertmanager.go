package prometheustest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// NeedAlertmanager returns the path of the Alertmanager to a test. Where it is not
// installed Debian's package is unpacked into the user's cache, but not in the
// quick tests: those are skipped.
func NeedAlertmanager(t testing.TB) string {
	t.Helper()
	const name = "prometheus-alertmanager"
	target := filepath.Join(filepath.Dir(unpacked()), name)
	for _, dir := range []string{"", target} {
		if path, err := look(dir, name); err == nil {
			return path
		}
	}
	if testing.Short() {
		t.Skip("there is no " + name)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(target), "fetch-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := fetch(t.Context(), dir, name); err != nil {
		t.Fatal(err)
	}
	if err := relocate(filepath.Join(dir, "root", "usr", "bin", name)); err != nil {
		t.Fatal(err)
	}
	moved := os.Rename(filepath.Join(dir, "root"), target)
	path, err := look(target, name) // another test may have been faster
	if err != nil {
		t.Fatal(errors.Join(moved, err))
	}
	return path
}

// relocate has Debian's program look for its templates where it is unpacked to, if
// that is its working directory, and not where it would be installed. The path has
// to keep its length.
func relocate(program string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	return os.WriteFile(program, bytes.ReplaceAll(text, []byte("/usr/share/prometheus/alertmanager"), []byte("usr//share/prometheus/alertmanager")), 0o755)
}

// Alertmanager is a running Alertmanager that only this machine reaches. It
// delivers to nobody.
type Alertmanager struct {
	// URL is its address, which it keeps over a restart.
	URL string
	server
	args []string
}

// StartAlertmanager runs an Alertmanager in a folder, and waits until it is ready.
func StartAlertmanager(ctx context.Context, program, dir string) (*Alertmanager, error) {
	file := filepath.Join(dir, "alertmanager.yaml")
	config := "route: {receiver: nobody, group_by: [namespace, objective], group_wait: 1s, group_interval: 1s}\nreceivers: [{name: nobody}]\n"
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	address, err := free()
	if err != nil {
		return nil, err
	}
	a := &Alertmanager{URL: "http://" + address, args: []string{
		program, "--config.file=" + file, "--storage.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address, "--cluster.listen-address=",
	}}
	return a, a.Start(ctx, dir)
}

// Start starts it again, after Stop, where it was.
func (a *Alertmanager) Start(ctx context.Context, dir string) error {
	log, err := os.OpenFile(filepath.Join(dir, "alertmanager.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	a.log = log
	a.cmd = exec.Command(a.args[0], a.args[1:]...)
	a.cmd.Dir = filepath.Dir(filepath.Dir(filepath.Dir(a.args[0])))
	a.cmd.Stdout, a.cmd.Stderr = log, log
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := a.cmd.Start(); err != nil {
		return err
	}
	if err := ready(ctx, a.URL); err != nil {
		return errors.Join(fmt.Errorf("alertmanager is not ready: %w", err), a.Stop())
	}
	return nil
}

// Told is an alert as the Alertmanager has it.
type Told struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
	Fingerprint         string
}

// Alerts are those that fire, whether silenced or not.
func (a *Alertmanager) Alerts(ctx context.Context) ([]Told, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/api/v2/alerts", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("alertmanager answered with status %d", response.StatusCode)
	}
	var all []Told
	return all, json.NewDecoder(response.Body).Decode(&all)
}
