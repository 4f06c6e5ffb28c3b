// Package tsdb keeps metrics in a folder of this machine, in the blocks and the
// write-ahead log of Prometheus.
//
// What is kept is bounded: in time, in bytes on disk, in series in memory. What is
// over a bound is refused and counted by its reason, never dropped in silence. A log
// that broke off is repaired when it is opened, a damaged block is put aside; both are
// said. Before a disk is full nothing more is written, so that what was acknowledged
// can still be read after a restart.
package tsdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"golang.org/x/sys/unix"

	"github.com/autoecoops/autoecoops/fault"
)

// Options say where metrics are kept, and how many. What is 0 gets the value in
// brackets.
type Options struct {
	// Dir is the folder; it is made if it is not there, and is one store's alone.
	Dir string
	// Retention is how long samples are kept [15 days], RetentionBytes how much room
	// they may take on disk, logs included [2 GiB].
	Retention      time.Duration
	RetentionBytes int64
	// OutOfOrder is how late a sample may come after a newer one of its series
	// [10 minutes]; below 0 never.
	OutOfOrder time.Duration
	// MaxSeries is how many series there may be in memory, those of the last two to
	// three hours [200,000: about 1 GiB].
	MaxSeries int
	// MaxExemplars is how many exemplars all series share [20,000].
	MaxExemplars int
	// MinFree is how many bytes of the disk are left to others [256 MiB]. The library
	// ends the process where it finds no 128 MiB for a new file.
	MinFree int64
	// Free returns how many bytes the disk of a folder has left; nil asks the system.
	Free func(dir string) (int64, error)
	// Log is told what the store does; nil tells nobody.
	Log *slog.Logger
	// Now tells the time; nil is the clock.
	Now func() time.Time
}

func (o Options) complete() (Options, error) {
	bad := func(why, hint string) (Options, error) {
		return o, fault.New(fault.Invalid, "keep metrics in", o.Dir, why, hint)
	}
	if o.Dir == "" {
		return bad("no folder is given", "name one")
	}
	fill(&o.Retention, 15*24*time.Hour)
	fill(&o.RetentionBytes, 2<<30)
	fill(&o.OutOfOrder, 10*time.Minute)
	fill(&o.MaxSeries, 200_000)
	fill(&o.MaxExemplars, 20_000)
	fill(&o.MinFree, 256<<20)
	switch {
	case o.Retention < 2*time.Hour:
		return bad(fmt.Sprintf("%s is too short to keep metrics for", o.Retention), "a block holds two hours: keep at least 2h")
	case o.RetentionBytes < 256<<20:
		return bad(fmt.Sprintf("%d bytes are too few", o.RetentionBytes), "the files of the newest samples alone take 128 MiB: give at least 256MiB")
	case o.MaxSeries < 0 || o.MaxExemplars < 0 || o.MinFree < 0:
		return bad("a limit is negative", "leave it out for the usual one")
	}
	if o.Free == nil {
		o.Free = free
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

func fill[T int | int64 | time.Duration](v *T, standard T) {
	if *v == 0 {
		*v = standard
	}
}

// Store keeps metrics. It is safe for concurrent use; close it once.
type Store struct {
	options Options
	db      *tsdb.DB
	inner   *prometheus.Registry
	tally   *tally
	room    room
	// open is set when the log is read: what is in it is never refused.
	open    atomic.Bool
	damaged []string
	closing sync.Once
}

// Open opens a store. The error is of kind Blocked if another process has the folder,
// of kind Invalid for options that cannot be, Unavailable otherwise.
func Open(o Options) (*Store, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "keep metrics in", o.Dir, err, "may this user write there?")
	}
	s := &Store{options: o, tally: newTally(), room: room{now: o.Now}}
	if err := s.room.check(&s.options); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "keep metrics in", o.Dir, err, "make room on that disk")
	}
	if err = s.try(); err != nil && !locked(err) {
		s.damaged = putAside(o.Dir, o.Log)
		if len(s.damaged) > 0 {
			err = s.try()
		}
	}
	switch {
	case err == nil:
	case locked(err):
		return nil, fault.Wrap(fault.Blocked, "keep metrics in", o.Dir, err, "another process keeps metrics there: give each a folder of its own")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return nil, fault.Wrap(fault.Unavailable, "keep metrics in", o.Dir, err, "may this user write there?")
	default:
		return nil, fault.Wrap(fault.Unavailable, "keep metrics in", o.Dir, err, "if it is damaged beyond repair, move the folder away and start anew")
	}
	if n := s.inside()["prometheus_tsdb_wal_corruptions_total"]; n > 0 {
		o.Log.Warn("the log of the newest metrics was broken; it was cut there", "dir", o.Dir, "times", n)
	}
	s.open.Store(true)
	return s, nil
}

// Room is why no more is kept: the disk is full. It is nil while there is room.
func (s *Store) Room() error {
	if err := s.room.check(&s.options); err != nil {
		return fault.Wrap(fault.Unavailable, "keep metrics in", s.options.Dir, err, "make room on that disk")
	}
	return nil
}

// locked tells whether opening failed because somebody else has the folder.
func locked(err error) bool { return err != nil && errors.Is(err, errLocked) }

var errLocked = errors.New("the folder is in use")

func (s *Store) try() error {
	o := s.options
	lock, err := lockDir(o.Dir)
	if err != nil {
		return err
	}
	s.inner = prometheus.NewRegistry()
	t := tsdb.DefaultOptions()
	t.NoLockfile = true // ours is tied to the process, and not left behind by one that was killed
	t.RetentionDuration = o.Retention.Milliseconds()
	t.MaxBytes = o.RetentionBytes
	t.MaxBlockDuration = max(t.MinBlockDuration, min(31*24*time.Hour.Milliseconds(), t.RetentionDuration/10))
	t.OutOfOrderTimeWindow = max(0, o.OutOfOrder.Milliseconds())
	t.EnableExemplarStorage, t.MaxExemplars = true, int64(o.MaxExemplars)
	t.WALSegmentSize = 32 << 20
	t.StripeSize = 1 << 12
	t.EnableOverlappingCompaction = true
	t.SeriesLifecycleCallback = limit{s}
	db, err := tsdb.Open(o.Dir, o.Log.With("part", "metrics"), s.inner, t, nil)
	if err != nil {
		lock.Close()
		return err
	}
	s.db, s.room.lock = db, lock
	return nil
}

// block is how the folders of blocks are named.
var block = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)

// putAside moves blocks that cannot be opened out of the way and returns their names.
func putAside(dir string, log *slog.Logger) (moved []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !e.IsDir() || !block.MatchString(e.Name()) {
			continue
		}
		b, err := tsdb.OpenBlock(log, path, nil, nil)
		if err == nil {
			_ = b.Close()
			continue
		}
		aside := filepath.Join(dir, Damaged)
		if mkdir, move := os.MkdirAll(aside, 0o750), os.Rename(path, filepath.Join(aside, e.Name())); mkdir != nil || move != nil {
			log.Error("a damaged block of metrics could not be put aside", "block", e.Name(), "error", errors.Join(mkdir, move).Error())
			continue
		}
		log.Error("a block of metrics is damaged and was put aside: its time is missing", "block", e.Name(), "to", aside, "error", err.Error())
		moved = append(moved, e.Name())
	}
	return moved
}

// Damaged is the folder, in that of the store, for blocks that could not be opened.
const Damaged = "damaged"

// Close ends the store. What was appended stays.
func (s *Store) Close() (err error) {
	s.closing.Do(func() {
		s.open.Store(false)
		err = errors.Join(s.db.Close(), s.room.lock.Close())
	})
	return err
}

// Querier implements storage.Queryable.
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) { return s.db.Querier(mint, maxt) }

// ExemplarQuerier implements storage.ExemplarQueryable.
func (s *Store) ExemplarQuerier(ctx context.Context) (storage.ExemplarQuerier, error) {
	return s.db.ExemplarQuerier(ctx)
}

// Cardinality tells of the series in memory: which names and labels have most, at most
// n of each.
func (s *Store) Cardinality(n int) *tsdb.Stats { return s.db.Head().Stats(model.MetricNameLabel, n) }

// Chunks is how many chunks the series in memory have.
func (s *Store) Chunks() int64 { return int64(s.inside()["prometheus_tsdb_head_chunks"]) }

// maxLabels is how many bytes the labels of a series have together.
const maxLabels = 4096

// limit refuses series above the bounds.
type limit struct{ s *Store }

// PreCreation implements tsdb.SeriesLifecycleCallback.
func (l limit) PreCreation(set labels.Labels) error {
	if !l.s.open.Load() {
		return nil
	}
	size := 0
	set.Range(func(l labels.Label) { size += len(l.Name) + len(l.Value) })
	if size > maxLabels {
		return ErrLabels
	}
	if l.s.db.Head().NumSeries() >= uint64(l.s.options.MaxSeries) {
		return ErrSeries
	}
	return nil
}

// PostCreation implements tsdb.SeriesLifecycleCallback.
func (limit) PostCreation(labels.Labels) {}

// PostDeletion implements tsdb.SeriesLifecycleCallback.
func (limit) PostDeletion(map[chunks.HeadSeriesRef]labels.Labels) {}
