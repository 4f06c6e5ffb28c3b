package keeper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

// startLimit is how long a cluster may take until it is ready.
const startLimit = 2 * time.Minute

// Event is one line of what a keeper tells its starter.
type Event struct {
	// Say is progress, for people.
	Say string `json:"say,omitempty"`
	// Ready is set once: the cluster can be used.
	Ready bool `json:"ready,omitempty"`
	// Error says why the cluster could not be started, or was not kept.
	Error string `json:"error,omitempty"`
	// Kept is set when Error is that another keeper has the run directory.
	Kept bool `json:"kept,omitempty"`
}

// stay is the line by which a starter lets the cluster outlive it.
const stay = "stay"

// keeper is the state of one kept cluster.
type keeper struct {
	layout
	spec     Spec
	net      network
	tell     func(Event)
	log      *slog.Logger
	launcher *process.Launcher
	kube     *kube
	// credentials hold the authority that signs for the node, too.
	credentials credentials
	servers     []*server
	node        *realNode // nil without one
	end         context.CancelCauseFunc

	mu    sync.Mutex
	ready bool
}

// Run keeps the cluster that the first line of in specifies, until in ends
// (unless it says to stay), ctx ends, or the control socket asks for it. Then
// everything is ended and the run directory removed. Events go to out.
func Run(ctx context.Context, in io.Reader, out io.Writer, log *slog.Logger) error {
	tell := events(out)
	lines := bufio.NewReader(in)
	spec, err := readSpec(lines)
	if err != nil {
		tell(Event{Error: err.Error()})
		return err
	}
	l := layout{spec.Dir}
	held, err := takeFirmly(ctx, l)
	if err != nil {
		tell(Event{Error: err.Error(), Kept: errors.Is(err, ErrKept)})
		return err
	}
	defer held.release()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	k := &keeper{layout: l, spec: spec, tell: tell, log: log, launcher: process.NewLauncher(), end: end}
	go k.watchStarter(lines)
	defer k.clear()
	if err := k.start(ctx); err != nil {
		log.Error("cluster not started", "error", err)
		tell(Event{Error: err.Error()})
		return err
	}
	tell(Event{Ready: true})
	<-ctx.Done()
	log.Info("ending", "why", context.Cause(ctx))
	return nil
}

func events(out io.Writer) func(Event) {
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		// A starter that has gone reads no more; that is no concern of ours.
		_ = json.NewEncoder(out).Encode(e)
	}
}

func readSpec(lines *bufio.Reader) (Spec, error) {
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return Spec{}, fmt.Errorf("read what to keep: %w", err)
	}
	var s Spec
	if err := json.Unmarshal(line, &s); err != nil {
		return Spec{}, fmt.Errorf("read what to keep: %w", err)
	}
	return s, s.Validate()
}

// watchStarter ends the cluster when its starter ends, unless the starter said
// before that the cluster is to stay.
func (k *keeper) watchStarter(lines *bufio.Reader) {
	for {
		line, err := lines.ReadString('\n')
		if line == stay+"\n" {
			return
		}
		if err != nil {
			k.end(errors.New("the starter has ended"))
			return
		}
	}
}

// start brings everything up and returns when the cluster is ready.
func (k *keeper) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("the cluster was not ready after %s", startLimit))
	defer cancel()
	if err := k.prepare(ctx); err != nil {
		return err
	}
	if err := k.serveControl(); err != nil {
		return err
	}
	for _, c := range controlPlane(k.layout, k.spec, k.net) {
		k.servers = append(k.servers, &server{command: c, path: k.spec.Programs[c.name], log: k.layout.log(c.name)})
	}
	// Each wants the one before it to answer.
	store, api, late := k.servers[:1], k.servers[1:2], k.servers[2:]
	if err := k.launch(store); err != nil {
		return err
	}
	if err := k.wait(ctx, "etcd", k.storeReady); err != nil {
		return err
	}
	if err := k.launch(api); err != nil {
		return err
	}
	if err := k.wait(ctx, "the API server", k.apiReady); err != nil {
		return err
	}
	k.tell(Event{Say: "the API server is ready"})
	if err := k.launch(late); err != nil {
		return err
	}
	if err := k.populate(ctx); err != nil {
		return err
	}
	k.mu.Lock()
	k.ready = true
	k.mu.Unlock()
	return nil
}

// prepare makes the run directory's content, and the node's namespaces: the
// API server listens on the link between this machine and the node.
func (k *keeper) prepare(ctx context.Context) error {
	if err := record(k.layout); err != nil {
		return err
	}
	if err := os.MkdirAll(k.at("log"), 0o700); err != nil {
		return fmt.Errorf("make the folder of logs: %w", err)
	}
	policy := k.spec.AuditPolicy
	if policy == "" {
		policy = defaultAuditPolicy
	}
	if err := os.WriteFile(k.at("audit-policy.yaml"), []byte(policy), 0o600); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	if err := os.WriteFile(k.at("stages.yaml"), stages, 0o600); err != nil {
		return fmt.Errorf("write the stages of simulated pods: %w", err)
	}
	var err error
	if k.net, err = k.connect(ctx); err != nil {
		return err
	}
	if k.credentials, err = writeCredentials(k.layout, k.spec, k.net, time.Now()); err != nil {
		return err
	}
	k.kube, err = newKube(k.net.url(), k.credentials)
	return err
}

// connect finds addresses for the cluster.
func (k *keeper) connect(ctx context.Context) (network, error) {
	n := network{address: "127.0.0.1", services: "10.96.0.0/16", kubeIP: "10.96.0.1", dns: "10.96.0.10"}
	if k.spec.Real {
		node, err := newRealNode(ctx, k)
		if err != nil {
			return network{}, err
		}
		k.node, n = node, node.network()
	}
	port, err := freePort(n.address)
	n.port = port
	return n, err
}

func (k *keeper) launch(servers []*server) error {
	for _, s := range servers {
		if err := s.start(k.launcher); err != nil {
			return err
		}
	}
	return nil
}

// wait polls check, and gives up early when a program has ended.
func (k *keeper) wait(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return poll(ctx, what, func(ctx context.Context) error {
		err := errAny(k.servers)
		if err == nil && k.node != nil {
			err = k.node.failure()
		}
		if err != nil {
			cancel(err)
			return err
		}
		return check(ctx)
	})
}

// storeReady asks etcd itself: it accepts connections before it serves them.
func (k *keeper) storeReady(ctx context.Context) error {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", k.at("etcd.sock"))
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://etcd/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask etcd: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask etcd: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask etcd: it answered %s", resp.Status)
	}
	return nil
}

func (k *keeper) apiReady(ctx context.Context) error {
	return k.kube.do(ctx, "GET", "/readyz", "", nil, nil)
}

// clear ends everything and removes the run directory. The data are
// throw-away, so nothing is asked to end gracefully.
func (k *keeper) clear() {
	var all sync.WaitGroup
	if k.node != nil {
		all.Go(k.node.kill)
	}
	for _, s := range k.servers {
		all.Go(s.kill)
	}
	all.Wait()
	if err := remove(k.dir); err != nil {
		k.log.Error("run directory not removed", "dir", k.dir, "error", err)
	}
}

// remove removes a run directory, trying for a while: the kernel lets go of
// the mounts of a dead node a little after its last process.
func remove(dir string) error {
	var err error
	for range 50 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("remove the run directory: %w", err)
}

// The ports of API servers. They lie below those that the system gives to
// outgoing connections, so a server that is stopped finds its port free again.
const (
	firstPort = 20000
	lastPort  = 30000
)

// freePort returns a port of address on which nothing listens.
func freePort(address string) (int, error) {
	start := os.Getpid() % (lastPort - firstPort) // keepers that start together look at different ones
	for i := range lastPort - firstPort {
		port := firstPort + (start*7+i)%(lastPort-firstPort)
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(address), Port: port})
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port on %s: all from %d to %d are taken", address, firstPort, lastPort)
}
