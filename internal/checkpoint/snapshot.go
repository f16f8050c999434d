package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// CheckSnapshot says whether s may be saved in a journal whose newest record is last: it names a
// record that exists and its state is JSON; else ErrInvalid.
func CheckSnapshot(s Snapshot, last uint64) error {
	if s.Seq == 0 || s.Seq > last {
		return fmt.Errorf("save snapshot at %d: %w: newest record is %d", s.Seq, ErrInvalid, last)
	}
	if !json.Valid(s.State) {
		return fmt.Errorf("save snapshot at %d: %w: state is not JSON", s.Seq, ErrInvalid)
	}
	return nil
}

// Encode renders a snapshot for a store: checksum (4 bytes), sequence number (8 bytes), state.
func (s Snapshot) Encode() []byte {
	b := make([]byte, 12, 12+len(s.State))
	binary.BigEndian.PutUint32(b, checksum(s.Seq, s.State))
	binary.BigEndian.PutUint64(b[4:], s.Seq)
	return append(b, s.State...)
}

// DecodeSnapshot reads what Encode wrote and copies what it keeps of raw; ErrCorrupt when it does
// not fit its checksum. A caller that gets ErrCorrupt can still fold the records from the start.
func DecodeSnapshot(raw []byte) (Snapshot, error) {
	if len(raw) < 12 {
		return Snapshot{}, fmt.Errorf("decode snapshot: %w: %d bytes", ErrCorrupt, len(raw))
	}
	s := Snapshot{Seq: binary.BigEndian.Uint64(raw[4:]), State: append(json.RawMessage(nil), raw[12:]...)}
	if binary.BigEndian.Uint32(raw) != checksum(s.Seq, s.State) {
		return Snapshot{}, fmt.Errorf("decode snapshot: %w: checksum does not fit", ErrCorrupt)
	}
	return s, nil
}
