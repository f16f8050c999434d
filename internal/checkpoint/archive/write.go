package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Writer writes an archive. Close it with the manifest; without, the file is no archive.
type Writer struct {
	zip     *zstd.Encoder
	tar     *tar.Writer
	entries []Entry
}

// NewWriter begins an archive.
func NewWriter(w io.Writer) (*Writer, error) {
	zip, err := zstd.NewWriter(w, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	return &Writer{zip: zip, tar: tar.NewWriter(zip)}, nil
}

// Add writes an entry of a known size.
func (w *Writer) Add(name string, size int64, content io.Reader) error {
	if _, err := ParseName(name); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	sum := sha256.New()
	if err := w.put(name, size, io.TeeReader(content, sum)); err != nil {
		return err
	}
	w.entries = append(w.entries, Entry{Name: name, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// AddBytes is Add of content at hand.
func (w *Writer) AddBytes(name string, content []byte) error {
	return w.Add(name, int64(len(content)), bytes.NewReader(content))
}

func (w *Writer) put(name string, size int64, content io.Reader) error {
	err := w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, Format: tar.FormatPAX})
	if err == nil {
		_, err = io.CopyN(w.tar, content, size)
	}
	if err != nil {
		return fmt.Errorf("write archive: %s: %w", name, err)
	}
	return nil
}

// Close writes the manifest, whose entries, format and version it fills in, and ends the archive. What
// it was written to stays open.
func (w *Writer) Close(m Manifest) error {
	m.Format, m.Version, m.Entries = Format, Version, w.entries
	raw, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err := w.put(manifestName, int64(len(raw)), bytes.NewReader(raw)); err != nil {
		return err
	}
	if err := errors.Join(w.tar.Close(), w.zip.Close()); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

// Abort lets go of an archive that comes to nothing.
func (w *Writer) Abort() { w.zip.Reset(nil) }
