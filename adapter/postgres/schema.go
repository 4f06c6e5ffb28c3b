package postgres

// schemaVersion is the version of the tables.
const schemaVersion = 1

// schema holds one ledger. Entries and tree are only ever added to; what can
// be erased lies apart.
const schema = `
CREATE TABLE ledger (
	id      int PRIMARY KEY CHECK (id = 1),
	version int NOT NULL,
	origin  text NOT NULL,
	key     text NOT NULL
);
CREATE TABLE ledger_entries (
	idx      bigint PRIMARY KEY,
	source   text NOT NULL,
	key      text NOT NULL,
	sequence bigint NOT NULL,
	body     bytea NOT NULL,
	UNIQUE (source, key),
	UNIQUE (source, sequence)
);
CREATE TABLE ledger_tiles (
	level  int NOT NULL,
	n      bigint NOT NULL,
	hashes bytea NOT NULL,
	PRIMARY KEY (level, n)
);
CREATE TABLE ledger_checkpoints (
	size bigint PRIMARY KEY,
	note bytea NOT NULL
);
CREATE TABLE ledger_subjects (
	id     text PRIMARY KEY,
	name   text NOT NULL UNIQUE,
	secret bytea NOT NULL
);
CREATE TABLE ledger_sealed (
	idx     bigint PRIMARY KEY,
	subject text NOT NULL,
	box     bytea NOT NULL
);
CREATE INDEX ON ledger_sealed (subject);
INSERT INTO ledger (id, version, origin, key) VALUES (1, 1, '', '');
`

// migrationLock is the advisory lock that is held while the tables are made.
const migrationLock = 0x61656f4c

// The statements of a transaction.
const (
	lockHead      = `SELECT origin, key FROM ledger WHERE id = 1 FOR UPDATE`
	selectHead    = `SELECT origin, key, (SELECT coalesce(max(idx) + 1, 0) FROM ledger_entries) FROM ledger WHERE id = 1`
	selectSize    = `SELECT coalesce(max(idx) + 1, 0) FROM ledger_entries`
	selectLast    = `SELECT size, note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1`
	selectEdge    = `SELECT t.level, t.n, t.hashes FROM generate_series(0, 7) l CROSS JOIN LATERAL (SELECT level, n, hashes FROM ledger_tiles WHERE level = l ORDER BY n DESC LIMIT 1) t`
	selectCheck   = `SELECT size, note FROM ledger_checkpoints WHERE size = $1`
	selectKnown   = `SELECT e.source, e.key, e.idx, e.body FROM unnest($1::text[], $2::text[]) AS k (source, key) JOIN ledger_entries e USING (source, key)`
	selectCounts  = `SELECT s, coalesce((SELECT max(sequence) FROM ledger_entries WHERE source = s), 0) FROM unnest($1::text[]) AS s`
	selectPeople  = `SELECT id, name, secret FROM ledger_subjects WHERE name = ANY ($1)`
	updateHead    = `UPDATE ledger SET origin = $1, key = $2 WHERE id = 1`
	insertPerson  = `INSERT INTO ledger_subjects (id, name, secret) VALUES ($1, $2, $3)`
	insertEntries = `INSERT INTO ledger_entries (idx, source, key, sequence, body) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])`
	insertSealed  = `INSERT INTO ledger_sealed (idx, subject, box) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])`
	replaceTiles  = `INSERT INTO ledger_tiles (level, n, hashes) SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[]) ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes`
	replaceCheck  = `INSERT INTO ledger_checkpoints (size, note) VALUES ($1, $2) ON CONFLICT (size) DO UPDATE SET note = excluded.note`
	deleteSealed  = `DELETE FROM ledger_sealed WHERE subject = $1`
	deletePerson  = `DELETE FROM ledger_subjects WHERE id = $1`
	scrubErased   = `VACUUM ledger_sealed, ledger_subjects`
	selectBodies  = `SELECT body FROM ledger_entries WHERE idx >= $1 AND idx < $2 ORDER BY idx`
	selectChecks  = `SELECT size, note FROM ledger_checkpoints WHERE size >= $1 ORDER BY size LIMIT $2`
	selectTiles   = `SELECT k.i, t.hashes FROM unnest($1::int[], $2::bigint[]) WITH ORDINALITY AS k (level, n, i) JOIN ledger_tiles t USING (level, n)`
	selectSealed  = `SELECT s.subject, s.box, p.secret FROM ledger_sealed s JOIN ledger_subjects p ON p.id = s.subject WHERE s.idx = $1`
)
