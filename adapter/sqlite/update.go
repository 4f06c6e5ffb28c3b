package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/prove/ledger"
)

// Update implements ledger.Store.
func (s *Store) Update(ctx context.Context, need ledger.Need, plan func(ledger.State) (ledger.Batch, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.transact(ctx, func(ctx context.Context) error {
		state, err := s.state(ctx, need)
		if err != nil {
			return err
		}
		b, err := plan(state)
		if err != nil || b.Empty() {
			return err
		}
		s.scrub = s.scrub || b.Erase != ""
		return s.store(ctx, &b)
	})
	if err == nil && s.scrub {
		s.clean(ctx)
	}
	return err
}

// clean moves the write-ahead log into the file, so that what was erased is in
// neither. If a reader is in the way it is done after the next transaction, or
// when the ledger is closed.
func (s *Store) clean(ctx context.Context) {
	var busy, frames, moved int64
	row := s.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := row.Scan(&busy, &frames, &moved); err == nil && busy == 0 {
		s.scrub = false
	}
}

// get runs a query of one row; false if there is none.
func (s *Store) get(ctx context.Context, query string, args []any, to ...any) (bool, error) {
	st, err := s.stmt(ctx, query)
	if err != nil {
		return false, err
	}
	err = st.QueryRowContext(ctx, args...).Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, s.failed("read the ledger", err)
	}
	return true, nil
}

func (s *Store) state(ctx context.Context, need ledger.Need) (ledger.State, error) {
	st := ledger.State{Known: map[ledger.KeyRef]ledger.Known{}, Counts: map[string]int64{}, Subjects: map[string]ledger.Subject{}}
	if _, err := s.get(ctx, selectHead, nil, &st.Origin, &st.Key); err != nil {
		return st, err
	}
	if _, err := s.get(ctx, selectSize, nil, &st.Size); err != nil {
		return st, err
	}
	var last ledger.Signed
	if ok, err := s.get(ctx, selectLast, nil, &last.Size, &last.Note); err != nil {
		return st, err
	} else if ok {
		st.Last = &last
	}
	if need.Checkpoint > 0 {
		var c ledger.Signed
		if ok, err := s.get(ctx, selectCheck, []any{need.Checkpoint}, &c.Size, &c.Note); err != nil {
			return st, err
		} else if ok {
			st.Checkpoint = &c
		}
	}
	for _, t := range ledger.EdgeTiles(st.Size) {
		for len(st.Edge) <= t.L {
			st.Edge = append(st.Edge, nil)
		}
		var hashes []byte
		if ok, err := s.get(ctx, selectTile, []any{tileID(t)}, &hashes); err != nil {
			return st, err
		} else if ok && len(hashes) >= t.W*tlog.HashSize {
			st.Edge[t.L] = hashes[:t.W*tlog.HashSize]
		}
	}
	return st, s.needed(ctx, need, &st)
}

// needed reads what the records of a transaction refer to.
func (s *Store) needed(ctx context.Context, need ledger.Need, st *ledger.State) error {
	for _, k := range need.Keys {
		var known ledger.Known
		if ok, err := s.get(ctx, selectKnown, []any{k.Source, k.Key}, &known.Index, &known.Body); err != nil {
			return err
		} else if ok {
			st.Known[k] = known
		}
	}
	for _, source := range need.Sources {
		var n int64
		if _, err := s.get(ctx, selectCount, []any{source}, &n); err != nil {
			return err
		}
		st.Counts[source] = n
	}
	for _, name := range need.Subjects {
		p := ledger.Subject{Name: name}
		if ok, err := s.get(ctx, selectSubject, []any{name}, &p.ID, &p.Secret); err != nil {
			return err
		} else if ok {
			st.Subjects[name] = p
		}
	}
	return nil
}

// tileID packs a tile's level and number.
func tileID(t tlog.Tile) int64 { return int64(t.L)<<48 | t.N }

func (s *Store) put(ctx context.Context, query string, args ...any) error {
	st, err := s.stmt(ctx, query)
	if err != nil {
		return err
	}
	if _, err := st.ExecContext(ctx, args...); err != nil {
		return s.failed("write the ledger", err)
	}
	return nil
}

// store writes a batch within the transaction.
func (s *Store) store(ctx context.Context, b *ledger.Batch) error {
	if id := b.Identity; id != nil {
		if err := s.put(ctx, insertHead, id.Origin, id.Key); err != nil {
			return err
		}
	}
	for _, p := range b.Subjects {
		if err := s.put(ctx, insertSubject, p.ID, p.Name, p.Secret); err != nil {
			return err
		}
	}
	for i := range b.Rows {
		r := &b.Rows[i]
		if err := s.put(ctx, insertEntry, r.Index, r.Source, r.Key, r.Sequence, r.Body); err != nil {
			return err
		}
		if r.Sealed != nil {
			if err := s.put(ctx, insertSealed, r.Index, r.Sealed.Subject, r.Sealed.Box); err != nil {
				return err
			}
		}
	}
	for _, t := range b.Tiles {
		if err := s.put(ctx, replaceTile, tileID(t.Tile), t.Data); err != nil {
			return err
		}
	}
	if b.Erase != "" {
		if err := errors.Join(s.put(ctx, deleteSealed, b.Erase), s.put(ctx, deleteSubject, b.Erase)); err != nil {
			return err
		}
	}
	if c := b.Checkpoint; c != nil {
		return s.put(ctx, insertCheckpoint, c.Size, c.Note)
	}
	return nil
}
