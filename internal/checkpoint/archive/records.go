package archive

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// WriteRecords writes all records of a journal, one envelope a line, and says how many.
func WriteRecords(ctx context.Context, j checkpoint.Journal, w io.Writer) (uint64, error) {
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	n := uint64(0)
	err := j.Read(ctx, 0, func(e checkpoint.Envelope) error {
		n++
		return enc.Encode(e)
	})
	if err := errors.Join(err, buf.Flush()); err != nil {
		return n, fmt.Errorf("write records: %w", err)
	}
	return n, nil
}

// ReadRecords reads what WriteRecords wrote: whole lines, numbered from 1 without gaps, each with its
// checksum. checkpoint.ErrCorrupt for anything else.
func ReadRecords(r io.Reader) ([]checkpoint.Record, error) {
	var recs []checkpoint.Record
	dec := json.NewDecoder(bufio.NewReader(r))
	for {
		var e checkpoint.Envelope
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return recs, nil
		}
		if err != nil {
			return nil, bad("record %d: %s", len(recs)+1, err)
		}
		seq := uint64(len(recs)) + 1
		if err := e.Verify(seq); err != nil {
			return nil, err
		}
		rec := checkpoint.Record{Kind: e.Kind, Time: e.Time, Payload: e.Payload}
		again, err := checkpoint.Seal(seq, rec)
		if err != nil || again.CRC32C != e.CRC32C {
			return nil, bad("record %d cannot be kept as it is: %v", seq, err)
		}
		recs = append(recs, rec)
	}
}
