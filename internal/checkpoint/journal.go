package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Schema is the newest form of envelopes and payloads that this program writes. Records only ever
// gain fields; a journal of a newer schema is refused with [ErrNewer].
const Schema = 2 // of 1, every outcome that changed a tree names a manifest

// Record is one fact to be appended.
type Record struct {
	Kind    string          // e.g. "call.intended"
	Time    time.Time       // wall clock of the writer, UTC
	Payload json.RawMessage // meaning is the writer's
}

// Envelope is a record as it is kept. Sequence numbers start at 1 and have no gaps.
type Envelope struct {
	Seq     uint64          `json:"seq"`
	Schema  int             `json:"schema"`
	Kind    string          `json:"kind"`
	Time    time.Time       `json:"time"`
	CRC32C  uint32          `json:"crc32c"` // Castagnoli, over seq, schema, kind, time and payload
	Payload json.RawMessage `json:"payload"`
}

// Snapshot is a state that was folded from all records up to and including Seq.
type Snapshot struct {
	Seq   uint64
	State json.RawMessage
}

// Journal is the append-only truth of one build. Implementations MUST be safe for concurrent use;
// there is one writer at a time in all processes.
type Journal interface {
	// Append adds records after sequence number last in one durable transaction: all or none. It
	// returns the new last sequence number. ErrFenced when last is not the journal's last.
	// Nothing was written and the journal is as good as before after ErrFenced, ErrInvalid,
	// ErrClosed, and the context's error when it had ended before the call; it is not watched
	// afterwards. Any other error is ambiguous: the journal is then poisoned, every later call
	// returns ErrPoisoned, and only a new open tells what was kept.
	Append(ctx context.Context, last uint64, recs []Record) (uint64, error)
	// Read calls fn for every envelope after sequence number from, in order, until fn returns an
	// error. fn may keep what it is given, and may append. A checksum that does not fit, or a gap, is
	// ErrCorrupt naming the number.
	Read(ctx context.Context, from uint64, fn func(Envelope) error) error
	// Last returns the sequence number of the newest record; 0 for an empty journal.
	Last(ctx context.Context) (uint64, error)
	// Save keeps a snapshot in place of the one before; ErrInvalid by the rules of CheckSnapshot.
	Save(ctx context.Context, s Snapshot) error
	// Snapshot returns the kept one; Seq 0 means none. ErrCorrupt when it is damaged: the records
	// then still tell everything.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Close lets the next writer in. It may be called more than once; calls after it get ErrClosed.
	Close() error
}

// Errors that a caller decides on.
var (
	// ErrFenced means that another writer appended first.
	ErrFenced = errors.New("journal has moved on")
	// ErrPoisoned means that an earlier write failed ambiguously; stop and open again.
	ErrPoisoned = errors.New("journal is poisoned by a failed write")
	// ErrCorrupt means that kept bytes are not what was written.
	ErrCorrupt = errors.New("checkpoint is corrupt")
	// ErrNewer means that a newer program wrote the journal.
	ErrNewer = errors.New("checkpoint was written by a newer builder")
	// ErrFull means that the disk, a quota or the journal's size limit is reached.
	ErrFull = errors.New("no space for the checkpoint")
	// ErrNotFound means that there is no journal, blob or spool of that name.
	ErrNotFound = errors.New("not found")
	// ErrExists means that there is a journal or spool of that name already.
	ErrExists = errors.New("exists already")
	// ErrClosed means that the journal or spool was closed before.
	ErrClosed = errors.New("closed")
)

// LockedError says who holds a build. It is found with errors.As.
type LockedError struct {
	PID   int // 0 when the holder did not leave its name
	Host  string
	Since time.Time
	Path  string
}

// Error names the holder.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return "held by another process"
	}
	return fmt.Sprintf("held by process %d on %s since %s", e.PID, e.Host, e.Since.Format(time.RFC3339))
}
