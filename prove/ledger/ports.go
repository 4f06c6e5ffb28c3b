package ledger

import (
	"context"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// Store keeps one ledger. Its errors are of kind fault.Unavailable if trying
// again can help, and ErrUnknownOutcome is in their chain if it is not known
// whether a transaction was committed.
type Store interface {
	Updater
	Reader
	io.Closer
}

// Updater changes a ledger.
type Updater interface {
	// Update runs one transaction. No other Update of the same ledger, by any
	// process, runs between its reading of State and its end. plan is called
	// once or, if the store has to begin anew, several times; what it returns
	// last is written whole and durably, or not at all. An error of plan ends
	// the transaction and is returned as it is.
	Update(ctx context.Context, need Need, plan func(State) (Batch, error)) error
}

// Reader reads a ledger. What it returns is committed.
type Reader interface {
	// Head returns the ledger's identity and size; zero if it is new.
	Head(ctx context.Context) (Head, error)
	// Bodies returns the entries from index from up to but not including to.
	Bodies(ctx context.Context, from, to int64) ([][]byte, error)
	// Tiles returns the first W hashes of each tile, all of height TileHeight.
	Tiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error)
	// Checkpoints returns up to limit checkpoints of at least size from, in
	// order of their size.
	Checkpoints(ctx context.Context, from int64, limit int) ([]Signed, error)
	// Sealed returns the personal data of an entry; false if there is none or
	// it was erased.
	Sealed(ctx context.Context, index int64) (Sealed, bool, error)
}

// Source holds an export, or something that looks like one.
type Source interface {
	// Read returns a file whole. The error's chain has fs.ErrNotExist if there is
	// none; a file of more than max bytes is an error.
	Read(ctx context.Context, path string, max int64) ([]byte, error)
}

// Folder takes the files of an export.
type Folder interface {
	// Write makes a file whose path has slashes, and the folders it needs.
	Write(ctx context.Context, path string, data []byte) error
}

// Head is what a ledger is and how far it goes.
type Head struct {
	// Origin is the log's name, Key its public key in the form of C2SP
	// signed notes ("name+hash+base64").
	Origin, Key string
	Size        int64
}

// KeyRef names a record by its source and idempotency key.
type KeyRef struct{ Source, Key string }

// Need says what an Update has to read besides the head.
type Need struct {
	// Keys are the records that are perhaps there already.
	Keys []KeyRef
	// Sources are the writers whose count is needed.
	Sources []string
	// Subjects are names of people.
	Subjects []string
	// Checkpoint is the size of a checkpoint that is needed; 0 for none.
	Checkpoint int64
}

// State is what an Update finds.
type State struct {
	Head
	// Edge are the hashes of the rightmost tile of each level, as far as it is
	// not full.
	Edge [][]byte
	// Known are the entries of the needed keys that exist.
	Known map[KeyRef]Known
	// Counts are the highest sequence numbers of the needed sources.
	Counts map[string]int64
	// Last is the newest checkpoint, nil if there is none.
	Last *Signed
	// Subjects are the people asked for who are known.
	Subjects map[string]Subject
	// Checkpoint is the one that was asked for, nil if there is none.
	Checkpoint *Signed
}

// Known is an entry that exists.
type Known struct {
	Index int64
	Body  []byte
}

// Signed is a checkpoint as it is kept.
type Signed struct {
	Size int64
	Note []byte
}

// Subject is a person whose data the ledger keeps aside.
type Subject struct {
	// ID is the pseudonym that stands in the log.
	ID string
	// Name is who it is. It is kept so that the same person gets the same
	// pseudonym, and removed when the person is erased.
	Name string
	// Secret is the key that the person's data is encrypted with.
	Secret []byte
}

// Sealed is the encrypted personal data of one entry.
type Sealed struct {
	// Subject is whose it is; Secret is that person's key, set when read.
	Subject string
	Secret  []byte
	// Box is a nonce and what AES-256-GCM made of the data.
	Box []byte
}

// Row is one entry to be written.
type Row struct {
	Index    int64
	Source   string
	Key      string
	Sequence int64
	Body     []byte
	// Sealed is nil if there is no personal data.
	Sealed *Sealed
}

// TileData is one tile to be written: all its hashes, old and new.
type TileData struct {
	tlog.Tile
	Data []byte
}

// Batch is what an Update writes.
type Batch struct {
	// Identity is set once, for a new ledger.
	Identity *Head
	Rows     []Row
	Tiles    []TileData
	// Checkpoint replaces one of the same size.
	Checkpoint *Signed
	Subjects   []Subject
	// Erase is the pseudonym of a person whose key and data are removed, beyond
	// recovery as far as the store can; "" for none.
	Erase string
}

// Empty reports whether there is nothing to write.
func (b *Batch) Empty() bool {
	return b.Identity == nil && len(b.Rows) == 0 && len(b.Tiles) == 0 && b.Checkpoint == nil && len(b.Subjects) == 0 && b.Erase == ""
}
