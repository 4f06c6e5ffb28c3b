package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/programs"
)

// Status is what a keeper says about its cluster.
type Status struct {
	// Name is the cluster's.
	Name string `json:"name"`
	// Ready says whether the cluster has been ready once.
	Ready bool `json:"ready"`
	// Nodes says what runs pods.
	Nodes Nodes `json:"nodes"`
	// Simulated is the number of simulated nodes.
	Simulated int `json:"simulated,omitempty"`
	// Why says why the nodes are other than was wished for, "" if they are not.
	Why string `json:"why,omitempty"`
	// Server is the API server's URL.
	Server string `json:"server"`
	// Host is the address by which pods reach this machine; "" without a real
	// node.
	Host string `json:"host,omitempty"`
	// Servers are the programs.
	Servers []Server `json:"servers"`
}

// serveControl opens the control socket. Only this user can connect: the run
// directory is closed to others.
func (k *keeper) serveControl() error {
	l, err := net.Listen("unix", Socket(k.dir))
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { answer(w, k.status(), nil) })
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, nil, nil)
		k.end(errors.New("asked to"))
	})
	mux.HandleFunc("POST /programs/{name}/{verb}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, nil, k.order(r.Context(), r.PathValue("name"), r.PathValue("verb")))
	})
	mux.HandleFunc("POST /images", func(w http.ResponseWriter, r *http.Request) {
		answer(w, nil, k.loadImage(r.Context(), r.URL.Query().Get("archive")))
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := srv.Serve(l); err != nil {
			k.log.Error("control socket closed", "error", err)
		}
	}()
	return nil
}

func answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the asker may have gone
}

func (k *keeper) status() Status {
	k.mu.Lock()
	ready := k.ready
	k.mu.Unlock()
	s := Status{Name: k.spec.Name, Ready: ready, Nodes: k.spec.Nodes(), Simulated: k.spec.Simulated, Why: k.spec.Why, Server: k.net.url()}
	if k.node != nil {
		s.Host = k.net.address
	}
	if !ready {
		return s // the list of servers still grows
	}
	for _, server := range k.servers {
		s.Servers = append(s.Servers, server.describe())
	}
	if k.node != nil {
		s.Servers = append(s.Servers, k.node.describe()...)
	}
	return s
}

// order does verb to a program: stop, start, freeze or thaw.
func (k *keeper) order(ctx context.Context, name, verb string) error {
	k.mu.Lock()
	ready := k.ready
	k.mu.Unlock()
	if !ready {
		return errors.New("the cluster is not ready yet")
	}
	if k.node != nil {
		if known, err := k.node.order(ctx, name, verb); known {
			return err
		}
	}
	for _, s := range k.servers {
		if s.name != name {
			continue
		}
		switch verb {
		case "stop":
			s.kill()
			return nil
		case "start":
			return k.restart(ctx, s)
		case "freeze":
			return s.freeze()
		case "thaw":
			return s.thaw()
		}
		return fmt.Errorf("%s %s: the verbs are stop, start, freeze and thaw", verb, name)
	}
	return fmt.Errorf("%s %s: %w", verb, name, errUnknown)
}

// restart starts a program that was stopped; for the API server it returns
// when that is ready.
func (k *keeper) restart(ctx context.Context, s *server) error {
	if err := s.start(k.launcher); err != nil {
		return err
	}
	if s.name != programs.APIServer {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("the API server was not ready after %s", startLimit))
	defer cancel()
	return poll(ctx, "the API server", func(ctx context.Context) error {
		if err := s.failed(); err != nil {
			return err
		}
		return k.apiReady(ctx)
	})
}

func (k *keeper) loadImage(ctx context.Context, archive string) error {
	if k.node == nil {
		return errors.New("load an image: this cluster has no real node that could run it")
	}
	return k.node.loadImage(ctx, archive)
}
