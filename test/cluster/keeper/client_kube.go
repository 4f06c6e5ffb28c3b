package keeper

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// kube is as much of a Kubernetes client as a keeper needs. The keeper starts
// with every test, so it stays small.
type kube struct {
	url  string
	http *http.Client
}

func newKube(url string, c credentials) (*kube, error) {
	pair, err := tls.X509KeyPair(c.self.Cert, c.self.Key)
	if err != nil {
		return nil, fmt.Errorf("use the keeper's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.ca.Pair().Cert)
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}},
		MaxIdleConnsPerHost: 32,
		ForceAttemptHTTP2:   true,
	}
	return &kube{url, &http.Client{Transport: transport, Timeout: 20 * time.Second}}, nil
}

// statusError is an answer of the API server that is none of success.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the API server answered %d: %s", e.code, e.text)
}

// do sends body and decodes the answer into out, unless it is nil.
func (k *kube) do(ctx context.Context, method, path, contentType string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, k.url+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := k.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, &statusError{resp.StatusCode, string(text[:min(len(text), 300)])})
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: decode the answer: %w", method, path, err)
	}
	return nil
}

func (k *kube) get(ctx context.Context, path string, out any) error {
	return k.do(ctx, http.MethodGet, path, "", nil, out)
}

// create creates an object; that it exists already is no error.
func (k *kube) create(ctx context.Context, path string, object any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode an object: %w", err)
	}
	err = k.do(ctx, http.MethodPost, path, "application/json", body, nil)
	if e, ok := errors.AsType[*statusError](err); ok && e.code == http.StatusConflict {
		return nil
	}
	return err
}

// poll calls check until it returns nil, and returns its last error when ctx
// ends. What is polled tells nobody when it is ready, or not before it is.
func poll(ctx context.Context, what string, check func(context.Context) error) error {
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); cause != err {
				err = fmt.Errorf("%w (the last try: %w)", cause, err)
			}
			return fmt.Errorf("wait for %s: %w", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
