package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
	"unicode/utf8"
)

// ErrInvalid means that a record cannot be kept: no kind, or a payload that is not JSON. Nothing
// was written, and the journal is as good as before.
var ErrInvalid = errors.New("record is not valid")

// maxKind bounds a kind, in bytes.
const maxKind = 255

// Seal makes the envelope in which r is kept under seq, with its checksum. The time is kept as UTC
// to the nanosecond; the payload loses insignificant white space, and an empty one becomes null.
// ErrInvalid when r cannot be kept.
func Seal(seq uint64, r Record) (Envelope, error) {
	if r.Kind == "" || len(r.Kind) > maxKind || !utf8.ValidString(r.Kind) {
		return Envelope{}, fmt.Errorf("seal record %d: %w: kind %q", seq, ErrInvalid, r.Kind)
	}
	at := r.Time.UTC().Round(0)
	if y := at.Year(); y < 1 || y > 9999 {
		return Envelope{}, fmt.Errorf("seal record %d (%s): %w: year %d", seq, r.Kind, ErrInvalid, y)
	}
	payload := r.Payload
	if len(payload) == 0 {
		payload = json.RawMessage("null")
	}
	var compact bytes.Buffer
	compact.Grow(len(payload))
	if err := json.Compact(&compact, payload); err != nil {
		return Envelope{}, fmt.Errorf("seal record %d (%s): %w: %w", seq, r.Kind, ErrInvalid, err)
	}
	e := Envelope{Seq: seq, Schema: Schema, Kind: r.Kind, Time: at, Payload: compact.Bytes()}
	e.CRC32C = e.checksum()
	return e, nil
}

// Verify checks an envelope that was read under seq: ErrNewer when a newer program wrote it,
// ErrCorrupt when it is not what Seal made for that number.
func (e Envelope) Verify(seq uint64) error {
	switch {
	case e.Seq != seq:
		return fmt.Errorf("verify record %d: %w: it says number %d", seq, ErrCorrupt, e.Seq)
	case e.CRC32C != e.checksum():
		return fmt.Errorf("verify record %d: %w: checksum does not fit", seq, ErrCorrupt)
	case e.Schema > Schema:
		return fmt.Errorf("verify record %d: %w: schema %d, known up to %d", seq, ErrNewer, e.Schema, Schema)
	case e.Schema < 1:
		return fmt.Errorf("verify record %d: %w: schema %d", seq, ErrCorrupt, e.Schema)
	}
	return nil
}

// Encode renders an envelope for a store that keeps the sequence number beside it. The form is
// checksum (4 bytes, big-endian), then what the checksum covers besides the number: schema and
// seconds since 1970 (varints), nanoseconds and length of kind (uvarints), kind, payload.
func (e Envelope) Encode() []byte {
	b := make([]byte, 4, 4+4*binary.MaxVarintLen64+len(e.Kind)+len(e.Payload))
	binary.BigEndian.PutUint32(b, e.CRC32C)
	return e.appendBody(b)
}

// DecodeEnvelope reads what Encode wrote and verifies it; it copies all that it keeps of raw.
func DecodeEnvelope(seq uint64, raw []byte) (Envelope, error) {
	if len(raw) < 4 {
		return Envelope{}, fmt.Errorf("decode record %d: %w: %d bytes", seq, ErrCorrupt, len(raw))
	}
	sum := binary.BigEndian.Uint32(raw)
	if checksum(seq, raw[4:]) != sum {
		return Envelope{}, fmt.Errorf("decode record %d: %w: checksum does not fit", seq, ErrCorrupt)
	}
	c := cursor{rest: raw[4:]}
	schema, sec, nsec, size := c.varint(), c.varint(), c.uvarint(), c.uvarint()
	if c.short || size > uint64(len(c.rest)) || nsec >= 1e9 {
		return Envelope{}, fmt.Errorf("decode record %d: %w: cut short", seq, ErrCorrupt)
	}
	e := Envelope{
		Seq: seq, Schema: int(schema), CRC32C: sum, Time: time.Unix(sec, int64(nsec)).UTC(),
		Kind: string(c.rest[:size]), Payload: bytes.Clone(c.rest[size:]),
	}
	return e, e.Verify(seq)
}

func (e Envelope) checksum() uint32 { return checksum(e.Seq, e.appendBody(nil)) }

func (e Envelope) appendBody(b []byte) []byte {
	b = binary.AppendVarint(b, int64(e.Schema))
	b = binary.AppendVarint(b, e.Time.Unix())
	b = binary.AppendUvarint(b, uint64(e.Time.Nanosecond()))
	b = binary.AppendUvarint(b, uint64(len(e.Kind)))
	b = append(b, e.Kind...)
	return append(b, e.Payload...)
}

// checksum is CRC-32C over the sequence number (8 bytes, big-endian) and the body, so that a record
// that strayed to another number shows.
func checksum(seq uint64, body []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], seq)
	return crc32.Update(crc32.Checksum(n[:], table), table, body)
}

// cursor reads numbers from the front of rest; short says that one was missing.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.rest)
	c.skip(n)
	return v
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	c.skip(n)
	return v
}

func (c *cursor) skip(n int) {
	if n <= 0 || c.short {
		c.short, c.rest = true, nil
		return
	}
	c.rest = c.rest[n:]
}
