package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/prove/ledger"
)

// Update implements ledger.Store.
func (s *Store) Update(ctx context.Context, need ledger.Need, plan func(ledger.State) (ledger.Batch, error)) error {
	const op = "write the ledger"
	return s.write.use(ctx, s, op, func(c *pgx.Conn) error {
		tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
		if err != nil {
			return s.failed(op, err)
		}
		state, err := read(ctx, tx, need)
		if err != nil {
			return errors.Join(s.failed(op, err), abandon(ctx, tx))
		}
		b, err := plan(state)
		if err != nil || b.Empty() {
			if failed := abandon(ctx, tx); err == nil && failed != nil {
				return s.failed(op, failed)
			}
			return err
		}
		if err := write(ctx, tx, &b); err != nil {
			failed := s.failed(op, err)
			_ = abandon(ctx, tx) // the connection goes if it cannot be
			return failed
		}
		if err := tx.Commit(ctx); err != nil {
			failed := s.failed(op, err)
			if unknownOutcome(err) {
				return fmt.Errorf("%w: %w", ledger.ErrUnknownOutcome, failed)
			}
			return failed
		}
		if b.Erase != "" {
			// What was deleted is still in the tables' pages. If this fails the
			// server's own cleaning does it later.
			_, _ = c.Exec(ctx, scrubErased)
		}
		return nil
	})
}

// abandon rolls back, even if the caller has gone: the connection is used
// again.
func abandon(ctx context.Context, tx pgx.Tx) error {
	return tx.Rollback(context.WithoutCancel(ctx))
}

// read locks the ledger and reads its state, in one exchange.
func read(ctx context.Context, tx pgx.Tx, need ledger.Need) (ledger.State, error) {
	st := ledger.State{Known: map[ledger.KeyRef]ledger.Known{}, Counts: map[string]int64{}, Subjects: map[string]ledger.Subject{}}
	var b pgx.Batch
	b.Queue(lockHead).QueryRow(func(row pgx.Row) error { return row.Scan(&st.Origin, &st.Key) })
	b.Queue(selectSize).QueryRow(func(row pgx.Row) error { return row.Scan(&st.Size) })
	b.Queue(selectLast).QueryRow(func(row pgx.Row) error { return checkpoint(row, &st.Last) })
	edge := map[tlog.Tile][]byte{}
	b.Queue(selectEdge).Query(func(rows pgx.Rows) error {
		t, hashes := tlog.Tile{H: ledger.TileHeight}, []byte(nil)
		_, err := pgx.ForEachRow(rows, []any{&t.L, &t.N, &hashes}, func() error { edge[t] = append([]byte(nil), hashes...); return nil })
		return err
	})
	if need.Checkpoint > 0 {
		b.Queue(selectCheck, need.Checkpoint).QueryRow(func(row pgx.Row) error { return checkpoint(row, &st.Checkpoint) })
	}
	needed(&b, need, &st)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return st, err
	}
	for _, t := range ledger.EdgeTiles(st.Size) {
		for len(st.Edge) <= t.L {
			st.Edge = append(st.Edge, nil)
		}
		n := t.W * tlog.HashSize
		t.W = 0
		if hashes := edge[t]; len(hashes) >= n {
			st.Edge[t.L] = hashes[:n]
		}
	}
	return st, nil
}

// checkpoint reads a checkpoint, if there is one.
func checkpoint(row pgx.Row, to **ledger.Signed) error {
	var c ledger.Signed
	err := row.Scan(&c.Size, &c.Note)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		*to = &c
	}
	return err
}

// needed asks for what the records of a transaction refer to.
func needed(b *pgx.Batch, need ledger.Need, st *ledger.State) {
	if len(need.Keys) > 0 {
		var sources, keys []string
		for _, k := range need.Keys {
			sources, keys = append(sources, k.Source), append(keys, k.Key)
		}
		b.Queue(selectKnown, sources, keys).Query(func(rows pgx.Rows) error {
			var k ledger.KeyRef
			var e ledger.Known
			_, err := pgx.ForEachRow(rows, []any{&k.Source, &k.Key, &e.Index, &e.Body}, func() error {
				st.Known[k] = ledger.Known{Index: e.Index, Body: append([]byte(nil), e.Body...)}
				return nil
			})
			return err
		})
	}
	if len(need.Sources) > 0 {
		b.Queue(selectCounts, need.Sources).Query(func(rows pgx.Rows) error {
			var source string
			var n int64
			_, err := pgx.ForEachRow(rows, []any{&source, &n}, func() error { st.Counts[source] = n; return nil })
			return err
		})
	}
	if len(need.Subjects) > 0 {
		b.Queue(selectPeople, need.Subjects).Query(func(rows pgx.Rows) error {
			var p ledger.Subject
			_, err := pgx.ForEachRow(rows, []any{&p.ID, &p.Name, &p.Secret}, func() error {
				p.Secret = append([]byte(nil), p.Secret...)
				st.Subjects[p.Name] = p
				return nil
			})
			return err
		})
	}
}

// write writes a batch, in one exchange.
func write(ctx context.Context, tx pgx.Tx, b *ledger.Batch) error {
	var q pgx.Batch
	if id := b.Identity; id != nil {
		q.Queue(updateHead, id.Origin, id.Key)
	}
	for _, p := range b.Subjects {
		q.Queue(insertPerson, p.ID, p.Name, p.Secret)
	}
	if len(b.Rows) > 0 {
		entries(&q, b.Rows)
	}
	if n := len(b.Tiles); n > 0 {
		levels, numbers, hashes := make([]int32, n), make([]int64, n), make([][]byte, n)
		for i, t := range b.Tiles {
			levels[i], numbers[i], hashes[i] = int32(t.L), t.N, t.Data
		}
		q.Queue(replaceTiles, levels, numbers, hashes)
	}
	if b.Erase != "" {
		q.Queue(deleteSealed, b.Erase)
		q.Queue(deletePerson, b.Erase)
	}
	if c := b.Checkpoint; c != nil {
		q.Queue(replaceCheck, c.Size, c.Note)
	}
	return tx.SendBatch(ctx, &q).Close()
}

func entries(q *pgx.Batch, rows []ledger.Row) {
	n := len(rows)
	indexes, sequences := make([]int64, n), make([]int64, n)
	sources, keys := make([]string, n), make([]string, n)
	bodies := make([][]byte, n)
	var sealedAt []int64
	var subjects []string
	var boxes [][]byte
	for i, r := range rows {
		indexes[i], sources[i], keys[i], sequences[i], bodies[i] = r.Index, r.Source, r.Key, r.Sequence, r.Body
		if r.Sealed != nil {
			sealedAt, subjects, boxes = append(sealedAt, r.Index), append(subjects, r.Sealed.Subject), append(boxes, r.Sealed.Box)
		}
	}
	q.Queue(insertEntries, indexes, sources, keys, sequences, bodies)
	if len(sealedAt) > 0 {
		q.Queue(insertSealed, sealedAt, subjects, boxes)
	}
}
