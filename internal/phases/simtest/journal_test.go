package simtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
)

// journal is a checkpoint.Journal in one file that only grows: each Append is one frame, written at
// once and synced. A frame that is torn at the end was never acknowledged and is cut off by the next
// open; one that is damaged in the middle is corruption.
type journal struct {
	m   mount
	dir string

	mu       sync.Mutex // never held while the disk is waited for by two: there is one writer
	log      blob.File
	records  []checkpoint.Envelope
	snapshot checkpoint.Snapshot
	badSnap  error
	broken   error // of a record that was read
	poisoned error
	closed   bool
}

const (
	logName  = "log"
	mark     = "doubt" // a sync of the log failed: what is read of it may not be on the disk
	snapName = "snapshot"
	frameLen = 8 // length and checksum
)

// openJournal opens the journal in a folder and makes it where there is none.
func openJournal(m mount, dir string) (*journal, error) {
	j := &journal{m: m, dir: dir}
	if err := m.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", spaceError(err))
	}
	if err := errors.Join(m.syncName(path.Dir(dir)), m.syncName("/")); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	raw, err := m.ReadFile(j.path(logName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	whole := j.read(raw)
	doubted := m.has(j.path(mark))
	if errors.Is(err, fs.ErrNotExist) || whole < len(raw) || doubted {
		if err := m.replace(j.path(logName), raw[:whole]); err != nil {
			return nil, fmt.Errorf("open journal: %w", spaceError(err))
		}
	}
	// what a killed process wrote may not be safe yet
	if err := errors.Join(m.syncName(j.path(logName)), m.syncName(dir)); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if doubted {
		if err := m.Remove(j.path(mark)); err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
	}
	j.readSnapshot()
	f, err := m.OpenFile(j.path(logName), os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	f.(*file).at = whole
	j.log = f
	return j, nil
}

func (j *journal) path(name string) string { return path.Join(j.dir, name) }

// read takes in all whole frames and says how many bytes they are.
func (j *journal) read(raw []byte) int {
	at := 0
	for {
		rest := raw[at:]
		if len(rest) < frameLen {
			return at
		}
		n := int(binary.BigEndian.Uint32(rest))
		if n == 0 || len(rest) < frameLen+n || crc32.ChecksumIEEE(rest[frameLen:frameLen+n]) != binary.BigEndian.Uint32(rest[4:]) {
			return at
		}
		j.take(rest[frameLen : frameLen+n])
		at += frameLen + n
	}
}

// take reads the records of a frame.
func (j *journal) take(body []byte) {
	for len(body) > 0 && j.broken == nil {
		n, k := binary.Uvarint(body)
		e, err := checkpoint.DecodeEnvelope(uint64(len(j.records))+1, body[k:k+int(n)])
		if err != nil {
			j.broken = fmt.Errorf("read record %d: %w", len(j.records)+1, err)
			return
		}
		j.records = append(j.records, e)
		body = body[k+int(n):]
	}
}

func (j *journal) readSnapshot() {
	raw, err := j.m.ReadFile(j.path(snapName))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		j.snapshot, err = checkpoint.DecodeSnapshot(raw)
	}
	j.badSnap = err
}

func frame(envs []checkpoint.Envelope) []byte {
	body := make([]byte, frameLen)
	for _, e := range envs {
		raw := e.Encode()
		body = append(binary.AppendUvarint(body, uint64(len(raw))), raw...)
	}
	binary.BigEndian.PutUint32(body, uint32(len(body)-frameLen))
	binary.BigEndian.PutUint32(body[4:], crc32.ChecksumIEEE(body[frameLen:]))
	return body
}

// Append implements checkpoint.Journal.
func (j *journal) Append(ctx context.Context, last uint64, recs []checkpoint.Record) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(ctx); err != nil {
		return 0, err
	}
	if have := uint64(len(j.records)); have != last {
		return 0, fmt.Errorf("append after %d: %w to %d", last, checkpoint.ErrFenced, have)
	}
	var envs []checkpoint.Envelope
	for i, r := range recs {
		e, err := checkpoint.Seal(last+uint64(i)+1, r)
		if err != nil {
			return 0, err
		}
		envs = append(envs, e)
	}
	if len(envs) == 0 {
		return last, nil
	}
	_, err := j.log.Write(frame(envs))
	if err == nil {
		err = j.log.Sync()
	}
	if err != nil {
		j.poisoned = errors.Join(err, j.m.touch(j.path(mark)))
		return 0, fmt.Errorf("append after %d: %w", last, spaceError(err))
	}
	j.records = append(j.records, envs...)
	return uint64(len(j.records)), nil
}

// Read implements checkpoint.Journal.
func (j *journal) Read(ctx context.Context, from uint64, fn func(checkpoint.Envelope) error) error {
	for seq := from + 1; ; seq++ {
		e, ok, err := j.at(ctx, seq)
		if err != nil || !ok {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

func (j *journal) at(ctx context.Context, seq uint64) (checkpoint.Envelope, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(ctx); err != nil {
		return checkpoint.Envelope{}, false, err
	}
	if seq > uint64(len(j.records)) {
		return checkpoint.Envelope{}, false, j.broken
	}
	e := j.records[seq-1]
	e.Payload = bytes.Clone(e.Payload)
	return e, true, nil
}

// Last implements checkpoint.Journal.
func (j *journal) Last(ctx context.Context) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return uint64(len(j.records)), j.usable(ctx)
}

// Save implements checkpoint.Journal.
func (j *journal) Save(ctx context.Context, s checkpoint.Snapshot) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(ctx); err != nil {
		return err
	}
	if err := checkpoint.CheckSnapshot(s, uint64(len(j.records))); err != nil {
		return err
	}
	if err := j.m.replace(j.path(snapName), s.Encode()); err != nil {
		j.poisoned = err
		return fmt.Errorf("save snapshot: %w", spaceError(err))
	}
	j.snapshot, j.badSnap = checkpoint.Snapshot{Seq: s.Seq, State: bytes.Clone(s.State)}, nil
	return nil
}

// Snapshot implements checkpoint.Journal.
func (j *journal) Snapshot(ctx context.Context) (checkpoint.Snapshot, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := errors.Join(j.usable(ctx), j.badSnap); err != nil {
		return checkpoint.Snapshot{}, err
	}
	return checkpoint.Snapshot{Seq: j.snapshot.Seq, State: bytes.Clone(j.snapshot.State)}, nil
}

// Close implements checkpoint.Journal.
func (j *journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	return nil
}

func (j *journal) usable(ctx context.Context) error {
	switch {
	case j.closed:
		return checkpoint.ErrClosed
	case j.poisoned != nil:
		return fmt.Errorf("%w: %w", checkpoint.ErrPoisoned, j.poisoned)
	}
	return ctx.Err()
}

// spaceError adds ErrFull to an error that means it.
func spaceError(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", checkpoint.ErrFull, err)
	}
	return err
}
