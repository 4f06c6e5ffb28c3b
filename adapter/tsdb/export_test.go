package tsdb

import "context"

// Missing returns the metrics of the storage that we would show and that it has not.
func (s *Store) Missing() (names []string) {
	inside := s.inside()
	for n := range insides {
		if _, ok := inside[n]; !ok {
			names = append(names, n)
		}
	}
	return names
}

// Compact moves what is old enough from memory to blocks.
func (s *Store) Compact(ctx context.Context) error { return s.db.Compact(ctx) }
