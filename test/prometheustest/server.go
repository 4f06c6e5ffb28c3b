package prometheustest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Server is a running Prometheus that only this machine reaches.
type Server struct {
	// URL is its address.
	URL string
	server
}

// server is a process with its log.
type server struct {
	cmd *exec.Cmd
	log *os.File
}

// Start runs Prometheus in a folder with a configuration, and more arguments if
// given, and waits until it is ready.
func Start(ctx context.Context, p Programs, dir, config string, more ...string) (*Server, error) {
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	address, err := free()
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + address}
	if s.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	args := append([]string{"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address}, more...)
	s.cmd = exec.Command(p.Prometheus, args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := ready(ctx, s.URL); err != nil {
		text, _ := os.ReadFile(s.log.Name())
		return nil, errors.Join(fmt.Errorf("prometheus is not ready: %w: %s", err, bytes.TrimSpace(text)), s.Stop())
	}
	return s, nil
}

// free returns an address of the loopback that nobody listens at.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready waits until a server says that it is.
func ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/-/ready", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stop ends the server.
func (s *server) Stop() error {
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if wait := s.cmd.Wait(); wait != nil {
		if _, exited := errors.AsType[*exec.ExitError](wait); !exited {
			err = errors.Join(err, wait)
		}
	}
	return errors.Join(err, s.log.Close())
}

// Series are the samples of one series.
type Series struct {
	Labels map[string]string
	// Times are milliseconds since 1970.
	Times  []int64
	Values []float64
}

// Query returns the answer to an instant query, a vector or a matrix.
func (s *Server) Query(ctx context.Context, expr string) ([]Series, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/query?query="+url.QueryEscape(expr), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Status != "success" {
		return nil, fmt.Errorf("%s: %s: %w", expr, text, errors.Join(err, errors.New(answer.Error)))
	}
	var all []Series
	for _, r := range answer.Data.Result {
		x := Series{Labels: r.Metric}
		if r.Value[0] != nil {
			r.Values = append(r.Values, r.Value)
		}
		for _, v := range r.Values {
			at, _ := v[0].(float64)
			word, _ := v[1].(string)
			value, err := strconv.ParseFloat(word, 64)
			if err != nil {
				return nil, err
			}
			x.Times, x.Values = append(x.Times, int64(at*1000+0.5)), append(x.Values, value)
		}
		all = append(all, x)
	}
	return all, nil
}
