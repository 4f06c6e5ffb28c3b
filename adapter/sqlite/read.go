package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/autoecoops/autoecoops/prove/ledger"
)

// Head implements ledger.Store.
func (s *Store) Head(ctx context.Context) (ledger.Head, error) {
	var h ledger.Head
	err := s.read.QueryRowContext(ctx, selectHead).Scan(&h.Origin, &h.Key)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	if err == nil {
		err = s.read.QueryRowContext(ctx, selectSize).Scan(&h.Size)
	}
	if err != nil {
		return ledger.Head{}, s.failed("read the ledger", err)
	}
	return h, nil
}

// Bodies implements ledger.Store.
func (s *Store) Bodies(ctx context.Context, from, to int64) ([][]byte, error) {
	var out [][]byte
	err := s.each(ctx, selectBodies, []any{from, to}, func(rows *sql.Rows) error {
		var body []byte
		err := rows.Scan(&body)
		out = append(out, body)
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

// each calls scan for every row of a query.
func (s *Store) each(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) (err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return s.failed("read the ledger", err)
	}
	defer func() {
		if cerr := rows.Close(); err == nil && cerr != nil {
			err = s.failed("read the ledger", cerr)
		}
	}()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return s.failed("read the ledger", err)
		}
	}
	if err := rows.Err(); err != nil {
		return s.failed("read the ledger", err)
	}
	return nil
}

// Tiles implements ledger.Store.
func (s *Store) Tiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		var hashes []byte
		err := s.read.QueryRowContext(ctx, selectTile, tileID(t)).Scan(&hashes)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && len(hashes) < t.W*tlog.HashSize:
			return nil, ledger.MissingTile(t)
		case err != nil:
			return nil, s.failed("read the ledger", err)
		}
		out[i] = hashes[:t.W*tlog.HashSize]
	}
	return out, nil
}

// Checkpoints implements ledger.Store.
func (s *Store) Checkpoints(ctx context.Context, from int64, limit int) ([]ledger.Signed, error) {
	var out []ledger.Signed
	err := s.each(ctx, selectChecks, []any{from, limit}, func(rows *sql.Rows) error {
		var c ledger.Signed
		err := rows.Scan(&c.Size, &c.Note)
		out = append(out, c)
		return err
	})
	return out, err
}

// Sealed implements ledger.Store.
func (s *Store) Sealed(ctx context.Context, index int64) (ledger.Sealed, bool, error) {
	var x ledger.Sealed
	err := s.read.QueryRowContext(ctx, selectSealed, index).Scan(&x.Subject, &x.Box, &x.Secret)
	if errors.Is(err, sql.ErrNoRows) {
		// Nothing aside is an answer only where there is an entry.
		_, err := s.Bodies(ctx, index, index+1)
		return ledger.Sealed{}, false, err
	}
	if err != nil {
		return ledger.Sealed{}, false, s.failed("read the ledger", err)
	}
	return x, true, nil
}
