package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/autoecoops/autoecoops/test/cluster/keeper"
)

// AuditEvent is one request as the API server's audit log has it.
type AuditEvent struct {
	// ID is the request's; it is also in the response header Audit-Id.
	ID string `json:"auditID"`
	// Verb is get, list, watch, create, update, patch, delete or
	// deletecollection.
	Verb string `json:"verb"`
	// RequestURI is the path and the query.
	RequestURI string `json:"requestURI"`
	// User is who asked.
	User AuditUser `json:"user"`
	// Impersonated is as whom it was asked, if that was another.
	Impersonated *AuditUser `json:"impersonatedUser"`
	// UserAgent is what the client calls itself.
	UserAgent string `json:"userAgent"`
	// Object is what it was asked of; nil for paths that are no resources.
	Object *AuditObject `json:"objectRef"`
	// Response is how the request ended.
	Response struct {
		// Code is the HTTP status.
		Code int `json:"code"`
		// Reason is the reason of a failure.
		Reason string `json:"reason"`
	} `json:"responseStatus"`
	// Stage is "ResponseComplete", "ResponseStarted" for a running watch, or
	// "Panic".
	Stage string `json:"stage"`
	// Received is when the API server got the request.
	Received time.Time `json:"requestReceivedTimestamp"`
	// Annotations say what admission and authorisation noted.
	Annotations map[string]string `json:"annotations"`
}

// AuditUser is a user as the audit log has it.
type AuditUser struct {
	// Name is the user's.
	Name string `json:"username"`
	// Groups are the user's.
	Groups []string `json:"groups"`
}

// AuditObject is the object of a request.
type AuditObject struct {
	// Group is the API group, "" for the core.
	Group string `json:"apiGroup"`
	// Version is the API version.
	Version string `json:"apiVersion"`
	// Resource is the plural of the kind, in lower case.
	Resource string `json:"resource"`
	// Subresource is "status", "scale" or the like.
	Subresource string `json:"subresource"`
	// Namespace is the object's.
	Namespace string `json:"namespace"`
	// Name is the object's; "" for lists and refused creations.
	Name string `json:"name"`
}

// Changed reports whether the request was one that changes something and the
// API server did it. A dry run changes nothing, but only the query tells.
func (e AuditEvent) Changed() bool {
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, e.Verb) &&
		e.Response.Code >= 200 && e.Response.Code < 300
}

// AuditLog reads the API server's audit log from a place in it onwards.
type AuditLog struct {
	path   string
	offset int64
}

// AuditLog returns a reader at the beginning of the audit log. An event may
// come a moment after its request was answered.
func (c *Cluster) AuditLog() *AuditLog { return &AuditLog{path: keeper.AuditLogPath(c.RunDir())} }

// SkipToEnd lets Next return only what comes from now on.
func (l *AuditLog) SkipToEnd() error {
	info, err := os.Stat(l.path)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	l.offset = info.Size()
	return nil
}

// Next returns the events since the last call that keep wants; nil wants all.
func (l *AuditLog) Next(keep func(AuditEvent) bool) ([]AuditEvent, error) {
	f, err := os.Open(l.path)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(l.offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	var events []AuditEvent
	lines := bufio.NewReaderSize(f, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return events, nil // an unfinished line is read when it is whole
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		var e AuditEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read the audit log at byte %d: %w", l.offset, err)
		}
		l.offset += int64(len(line))
		if keep == nil || keep(e) {
			events = append(events, e)
		}
	}
}

// Await calls Next until it has returned at least n events that keep wants,
// and returns them. The error says what came until ctx ended.
func (l *AuditLog) Await(ctx context.Context, n int, keep func(AuditEvent) bool) ([]AuditEvent, error) {
	var events []AuditEvent
	for {
		more, err := l.Next(keep)
		events = append(events, more...)
		if err != nil || len(events) >= n {
			return events, err
		}
		select {
		case <-ctx.Done():
			return events, fmt.Errorf("wait for %d audit events: %d came: %w", n, len(events), context.Cause(ctx))
		case <-time.After(20 * time.Millisecond): // a file tells nobody that it grew
		}
	}
}
