package delivery

import (
	"slices"

	"github.com/autoecoops/autoecoops/deliver"
)

// Reads returns the files and folders that the newest render of an application
// found and read; ok is false if nothing was rendered since the start.
func (r *Renderer) Reads(app deliver.AppKey) (read []string, ok bool) {
	r.mu.Lock()
	last := r.last[app]
	r.mu.Unlock()
	if last == nil {
		return nil, false
	}
	last.read.mu.Lock()
	defer last.read.mu.Unlock()
	for name, id := range last.read.read {
		if id != "" {
			read = append(read, name)
		}
	}
	slices.Sort(read)
	return read, true
}
