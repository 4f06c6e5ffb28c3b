package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/prove/ledger"
)

// query reads with the connection for reading. A read may be repeated: if the
// connection was lost meanwhile, it is, once.
func (s *Store) query(ctx context.Context, f func(*pgx.Conn) error) error {
	const op = "read the ledger"
	for try := 0; ; try++ {
		lost := false
		err := s.read.use(ctx, s, op, func(c *pgx.Conn) error {
			err := f(c)
			lost = err != nil && c.IsClosed()
			return err
		})
		if err == nil {
			return nil
		}
		if !lost || try > 0 || ctx.Err() != nil {
			return s.failed(op, err)
		}
	}
}

// Head implements ledger.Store.
func (s *Store) Head(ctx context.Context) (h ledger.Head, err error) {
	err = s.query(ctx, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, selectHead).Scan(&h.Origin, &h.Key, &h.Size)
	})
	return h, err
}

// Bodies implements ledger.Store.
func (s *Store) Bodies(ctx context.Context, from, to int64) (out [][]byte, err error) {
	err = s.query(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, selectBodies, from, to)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[[]byte])
		return err
	})
	if err != nil {
		return nil, err
	}
	if from < 0 || int64(len(out)) != to-from {
		h, err := s.Head(ctx)
		if err != nil {
			return nil, err
		}
		return nil, ledger.Beyond(from, to, h.Size)
	}
	return out, nil
}

// Tiles implements ledger.Store.
func (s *Store) Tiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error) {
	levels, numbers := make([]int32, len(tiles)), make([]int64, len(tiles))
	for i, t := range tiles {
		levels[i], numbers[i] = int32(t.L), t.N
	}
	out := make([][]byte, len(tiles))
	err := s.query(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, selectTiles, levels, numbers)
		if err != nil {
			return err
		}
		var i int64
		var hashes []byte
		_, err = pgx.ForEachRow(rows, []any{&i, &hashes}, func() error { out[i-1] = append([]byte(nil), hashes...); return nil })
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, t := range tiles {
		if len(out[i]) < t.W*tlog.HashSize {
			return nil, ledger.MissingTile(t)
		}
		out[i] = out[i][:t.W*tlog.HashSize]
	}
	return out, nil
}

// Checkpoints implements ledger.Store.
func (s *Store) Checkpoints(ctx context.Context, from int64, limit int) (out []ledger.Signed, err error) {
	err = s.query(ctx, func(c *pgx.Conn) error {
		rows, err := c.Query(ctx, selectChecks, from, limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ledger.Signed])
		return err
	})
	return out, err
}

// Sealed implements ledger.Store.
func (s *Store) Sealed(ctx context.Context, index int64) (ledger.Sealed, bool, error) {
	var x ledger.Sealed
	err := s.query(ctx, func(c *pgx.Conn) error {
		err := c.QueryRow(ctx, selectSealed, index).Scan(&x.Subject, &x.Box, &x.Secret)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return ledger.Sealed{}, false, err
	}
	if x.Subject == "" {
		// Nothing aside is an answer only where there is an entry.
		_, err := s.Bodies(ctx, index, index+1)
		return ledger.Sealed{}, false, err
	}
	return x, true, nil
}
