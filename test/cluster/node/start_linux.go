package node

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/autoecoops/autoecoops/test/cluster/process"
)

// Node is a running node.
type Node struct {
	plan   Plan
	first  *process.Program // the first process of the namespaces
	orders io.WriteCloser
	fail   func(error)

	mu      sync.Mutex
	states  map[string]string
	waiting map[int]chan error
	next    int
}

// message is a line that goes between a node and the one who started it.
type message struct {
	// ID pairs an order with its answer; 0 is none.
	ID int `json:"id,omitempty"`
	// Verb is an order: start or stop.
	Verb string `json:"verb,omitempty"`
	// Program is meant, or has changed its state.
	Program string `json:"program,omitempty"`
	// State is the program's new one.
	State string `json:"state,omitempty"`
	// Error is why an order, or the node, failed.
	Error string `json:"error,omitempty"`
}

// Start makes the namespaces of a node and links them to this machine. The
// node's number has been reserved. No program runs in it yet: see Order. fail
// is called when the node ends by itself.
func Start(ctx context.Context, l *process.Launcher, p Plan, fail func(error)) (*Node, error) {
	if err := p.writeFiles(); err != nil {
		return nil, err
	}
	orders, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the node: %w", err)
	}
	defer orders.Close()
	heard, tells, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("start the node: %w", err)
	}
	defer tells.Close()
	cmd := exec.Command("/proc/self/exe", "node")
	cmd.Stdin, cmd.ExtraFiles = orders, []*os.File{tells}
	cmd.Env, cmd.Dir = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + p.at()}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setpgid: true}
	first, err := l.Launch("the node", cmd, filepath.Join(p.Dir, "log", "node.log"))
	if err != nil {
		return nil, errors.Join(err, in.Close(), heard.Close())
	}
	n := &Node{plan: p, first: first, orders: in, fail: fail, states: map[string]string{}, waiting: map[int]chan error{}}
	go n.listen(heard)
	if err := p.connect(ctx, first.PID()); err != nil {
		n.Kill()
		return nil, err
	}
	if err := json.NewEncoder(in).Encode(p); err != nil {
		n.Kill()
		return nil, fmt.Errorf("start the node: %w", err)
	}
	return n, nil
}

// namespaces are what a node has of its own.
const namespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC

// connect puts a link between this machine and the network namespace of the
// process pid.
func (p Plan) connect(ctx context.Context, pid int) error {
	n := p.Number
	for _, args := range [][]string{
		{"link", "add", n.link(), "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(pid)},
		{"address", "add", n.Host() + "/30", "dev", n.link()},
		{"link", "set", n.link(), "up"},
		{"route", "add", n.Network(), "via", n.Node()},
	} {
		if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("link the node to this machine: ip %s %s: %w: %s", args[0], args[1], err, out)
		}
	}
	return nil
}

// listen hears what the node says until it ends.
func (n *Node) listen(heard io.ReadCloser) {
	defer heard.Close()
	lines := bufio.NewScanner(heard)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			m = message{Error: fmt.Sprintf("it said %.100q", lines.Text())}
		}
		n.hear(m)
	}
	<-n.first.Done()
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, answer := range n.waiting {
		answer <- n.first.Exit()
		delete(n.waiting, id)
	}
	for name := range n.states {
		n.states[name] = "ended"
	}
	n.fail(n.first.Exit())
}

func (n *Node) hear(m message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.State != "" {
		n.states[m.Program] = m.State
	}
	var err error
	if m.Error != "" {
		err = errors.New(m.Error)
	}
	if answer := n.waiting[m.ID]; answer != nil {
		answer <- err
		delete(n.waiting, m.ID)
	} else if err != nil {
		n.fail(fmt.Errorf("the node: %w", err))
	}
}

// Order has the node start or stop one of its programs: containerd, kubelet or
// kube-proxy. When containerd has been started it answers.
func (n *Node) Order(ctx context.Context, verb, program string) error {
	answer := make(chan error, 1)
	n.mu.Lock()
	n.next++
	id := n.next
	n.waiting[id] = answer
	err := json.NewEncoder(n.orders).Encode(message{ID: id, Verb: verb, Program: program})
	if err != nil {
		delete(n.waiting, id)
	}
	n.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s %s in the node: %w", verb, program, err)
	}
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s %s in the node: %w", verb, program, err)
	}
	return nil
}

// Programs are the names of the programs that run in a node.
func Programs() []string { return []string{"containerd", "kubelet", "kube-proxy"} }

// State is how one of the node's programs is: running, stopped or ended; "" if
// it never ran.
func (n *Node) State(program string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.states[program]
}

// Import imports the image archive at path. containerd unpacks it.
func (n *Node) Import(ctx context.Context, path string) error {
	// The socket lies in the node's own /run.
	address := fmt.Sprintf("/proc/%d/root%s", n.first.PID(), socket)
	out, err := exec.CommandContext(ctx, "ctr", "--address", address, "--namespace", "k8s.io", "images", "import", path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("import the images of %s: %w: %s", path, err, out)
	}
	return nil
}

// Kill ends the node with everything in it, at once.
func (n *Node) Kill() {
	n.first.Kill()
	n.orders.Close()
}
