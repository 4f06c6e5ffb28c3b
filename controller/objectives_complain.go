package controller

import (
	"log/slog"
	"time"
)

// complaints keeps a source that is down from filling the log: there may be as many
// failures at once as there are objectives.
type complaints struct {
	since        time.Time
	logged, more int
}

// mostComplaints is how many failures are logged one by one in a minute.
const mostComplaints = 20

// complain logs that an objective could not be asked about.
func (d *desk) complain(log *slog.Logger, about string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, now := &d.complaints, d.now()
	if now.Sub(c.since) >= time.Minute || now.Before(c.since) {
		if c.more > 0 {
			log.Warn("more objectives could not be asked about", "objectives", c.more, "since", c.since)
		}
		*c = complaints{since: now}
	}
	if c.logged++; c.logged > mostComplaints {
		c.more++
		return
	}
	log.Warn("an objective could not be asked about", "objective", about, "error", err.Error())
}
