package sqlite

// applicationID marks the file as a ledger of ours ("aeoL").
const applicationID = 0x61656f4c

// schemaVersion is PRAGMA user_version.
const schemaVersion = 1

// schema holds one ledger. Entries and tree are only ever added to; what can
// be erased lies apart.
const schema = `
CREATE TABLE ledger (
	id     INTEGER PRIMARY KEY CHECK (id = 1),
	origin TEXT NOT NULL,
	key    TEXT NOT NULL
) STRICT;
CREATE TABLE entries (
	idx      INTEGER PRIMARY KEY,
	source   TEXT NOT NULL,
	key      TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	body     BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_key ON entries (source, key);
CREATE UNIQUE INDEX entries_sequence ON entries (source, sequence);
CREATE TABLE tiles (
	id     INTEGER PRIMARY KEY, -- level << 48 | number
	hashes BLOB NOT NULL
) STRICT;
CREATE TABLE checkpoints (
	size INTEGER PRIMARY KEY,
	note BLOB NOT NULL
) STRICT;
CREATE TABLE subjects (
	id     TEXT PRIMARY KEY,
	name   TEXT NOT NULL UNIQUE,
	secret BLOB NOT NULL
) STRICT;
CREATE TABLE sealed (
	idx     INTEGER PRIMARY KEY,
	subject TEXT NOT NULL,
	box     BLOB NOT NULL
) STRICT;
CREATE INDEX sealed_subject ON sealed (subject);
`

// The statements of a transaction.
const (
	selectHead       = `SELECT origin, key FROM ledger WHERE id = 1`
	selectSize       = `SELECT coalesce(max(idx) + 1, 0) FROM entries`
	selectKnown      = `SELECT idx, body FROM entries WHERE source = ? AND key = ?`
	selectCount      = `SELECT coalesce(max(sequence), 0) FROM entries WHERE source = ?`
	selectSubject    = `SELECT id, secret FROM subjects WHERE name = ?`
	selectTile       = `SELECT hashes FROM tiles WHERE id = ?`
	selectLast       = `SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1`
	selectCheck      = `SELECT size, note FROM checkpoints WHERE size = ?`
	insertHead       = `INSERT INTO ledger (id, origin, key) VALUES (1, ?, ?)`
	insertEntry      = `INSERT INTO entries (idx, source, key, sequence, body) VALUES (?, ?, ?, ?, ?)`
	replaceTile      = `INSERT INTO tiles (id, hashes) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET hashes = excluded.hashes`
	insertCheckpoint = `INSERT INTO checkpoints (size, note) VALUES (?, ?) ON CONFLICT (size) DO UPDATE SET note = excluded.note`
	insertSubject    = `INSERT INTO subjects (id, name, secret) VALUES (?, ?, ?)`
	insertSealed     = `INSERT INTO sealed (idx, subject, box) VALUES (?, ?, ?)`
	deleteSubject    = `DELETE FROM subjects WHERE id = ?`
	deleteSealed     = `DELETE FROM sealed WHERE subject = ?`
	selectBodies     = `SELECT body FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx`
	selectChecks     = `SELECT size, note FROM checkpoints WHERE size >= ? ORDER BY size LIMIT ?`
	selectSealed     = `SELECT s.subject, s.box, p.secret FROM sealed s JOIN subjects p ON p.id = s.subject WHERE s.idx = ?`
)
