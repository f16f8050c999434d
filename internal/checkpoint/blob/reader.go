package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// reader hashes what passes and compares at the end.
type reader struct {
	want  checkpoint.Hash
	src   io.Reader
	sum   hash.Hash
	close func() error
}

func newReader(want checkpoint.Hash, src io.Reader, closeAll func() error) *reader {
	return &reader{want: want, src: src, sum: sha256.New(), close: closeAll}
}

// Read gives ErrCorrupt instead of io.EOF when the content does not fit its hash.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	r.sum.Write(p[:n])
	switch {
	case errors.Is(err, io.EOF):
		if hex.EncodeToString(r.sum.Sum(nil)) != string(r.want) {
			return n, fmt.Errorf("read blob %s: %w: content does not fit", r.want, checkpoint.ErrCorrupt)
		}
		return n, io.EOF
	case err != nil:
		return n, fmt.Errorf("read blob %s: %w", r.want, damage(err))
	}
	return n, nil
}

// Close closes the file.
func (r *reader) Close() error { return r.close() }

// damage adds ErrCorrupt to what the decompressor says of bytes that are not its own.
func damage(err error) error {
	for _, e := range []error{
		zstd.ErrMagicMismatch, zstd.ErrCRCMismatch, zstd.ErrWindowSizeExceeded, zstd.ErrFrameSizeMismatch, zstd.ErrReservedBlockType,
		zstd.ErrCompressedSizeTooBig, zstd.ErrBlockTooSmall, zstd.ErrUnexpectedBlockSize, zstd.ErrUnknownDictionary, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %w", checkpoint.ErrCorrupt, err)
		}
	}
	return err
}
