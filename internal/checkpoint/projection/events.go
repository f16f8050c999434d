package projection

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// Event is one line of events.ndjson.
type Event struct {
	Seq     uint64          `json:"seq"` // from 1, without gaps
	Time    time.Time       `json:"time"`
	Kind    string          `json:"kind"`
	Payload json.RawMessage `json:"payload"`
	CRC32C  uint32          `json:"crc32c,omitempty"` // the record's own; lines of older builders have none
}

// Events appends records to an ndjson file. It belongs to the journal's one writer and is not safe
// for concurrent use.
type Events struct {
	file *os.File
	last uint64
}

// OpenEvents opens or makes the file at path and cuts it back to the longest start that can be
// right: whole lines, numbered from 1 without gaps, none after last, the journal's newest record.
func OpenEvents(path string, last uint64) (*Events, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	seq, size, err := wholeLines(f, last)
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open events %s: %w", path, err), f.Close())
	}
	return &Events{file: f, last: seq}, nil
}

// wholeLines returns the number of the last line that can stay and where it ends.
func wholeLines(r io.Reader, last uint64) (seq uint64, size int64, err error) {
	br := bufio.NewReaderSize(r, 1<<16)
	var newest []byte
	for seq < last {
		raw, err := br.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, 0, err
		}
		if !whole(raw, seq+1) {
			break
		}
		seq, size, newest = seq+1, size+int64(len(raw)), raw
	}
	var e Event
	if seq > 0 && json.Unmarshal(newest, &e) != nil { // a line that was cut, and something behind it
		seq, size = seq-1, size-int64(len(newest))
	}
	return seq, size, nil
}

// whole says whether raw is the line of that number as Append writes it, and has no hole of
// zeros. Only the newest line is parsed: every start reads the whole file.
func whole(raw []byte, seq uint64) bool {
	start := append(strconv.AppendUint([]byte(`{"seq":`), seq, 10), ',')
	return bytes.HasPrefix(raw, start) && bytes.HasSuffix(raw, []byte("}\n")) && bytes.IndexByte(raw, 0) < 0
}

// Last returns the number of the newest line; 0 when there is none.
func (e *Events) Last() uint64 { return e.last }

// CatchUp writes the lines that the journal has and the file has not.
func (e *Events) CatchUp(ctx context.Context, j checkpoint.Journal) error {
	var batch []checkpoint.Envelope
	err := j.Read(ctx, e.last, func(env checkpoint.Envelope) error {
		batch = append(batch, env)
		if len(batch) < 256 {
			return nil
		}
		defer func() { batch = batch[:0] }()
		return e.Append(batch...)
	})
	if err == nil {
		err = e.Append(batch...)
	}
	if err != nil {
		return fmt.Errorf("catch up with journal: %w", err)
	}
	return nil
}

// Append writes one line an envelope, in one write. Envelopes that are there already are passed
// over; one that leaves a gap is an error. After an error the file is torn until the next OpenEvents.
func (e *Events) Append(envs ...checkpoint.Envelope) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	next := e.last
	for _, env := range envs {
		if env.Seq <= next {
			continue
		}
		if env.Seq != next+1 {
			return fmt.Errorf("append event %d: it follows %d", env.Seq, next)
		}
		sealed, err := checkpoint.Seal(env.Seq, checkpoint.Record{Kind: env.Kind, Time: env.Time, Payload: env.Payload})
		if err == nil {
			err = enc.Encode(Event{Seq: env.Seq, Time: sealed.Time, Kind: env.Kind, Payload: sealed.Payload, CRC32C: sealed.CRC32C})
		}
		if err != nil {
			return fmt.Errorf("append event %d: %w", env.Seq, err)
		}
		next = env.Seq
	}
	if b.Len() == 0 {
		return nil
	}
	if _, err := faultpoint.Write("events.append", e.file, b.Bytes()); err != nil {
		return fmt.Errorf("append event %d: %w", next, err)
	}
	e.last = next
	return nil
}

// Close closes the file.
func (e *Events) Close() error {
	if err := e.file.Close(); err != nil {
		return fmt.Errorf("close events: %w", err)
	}
	return nil
}
