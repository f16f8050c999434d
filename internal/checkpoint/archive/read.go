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

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// The rules of reading are:
//   - the bytes are a stranger's: names, sizes and the number of entries are bounded before anything
//     is done with an entry, and its kind is a regular file's;
//   - the journal comes first, no name comes twice, and nothing comes behind the manifest;
//   - whoever is given entries keeps them aside until Read has returned without an error: only then
//     do all of them fit the manifest.

// window is that of the compression, in bytes: what a reader must hold.
const window = 4 << 20

// Limits bound what is read. The zero value is right for real builds.
type Limits struct {
	Entries int   // default 4,000,000
	Entry   int64 // bytes of one entry; default 1 GiB
	Total   int64 // bytes of all entries; default 64 GiB
}

func (l Limits) withDefaults() Limits {
	if l.Entries <= 0 {
		l.Entries = 4_000_000
	}
	if l.Entry <= 0 {
		l.Entry = 1 << 30
	}
	if l.Total <= 0 {
		l.Total = 64 << 30
	}
	return l
}

// Read calls fn for every entry, in order, with its content, which it need not read to the end. It
// returns the manifest after everything was held against it. checkpoint.ErrCorrupt when the file is no
// whole archive, checkpoint.ErrNewer when a newer program wrote it, else the first error of fn.
func Read(r io.Reader, l Limits, fn func(Name, int64, io.Reader) error) (Manifest, error) {
	zip, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return Manifest{}, fmt.Errorf("read archive: %w", err)
	}
	defer zip.Close()
	rd := &reader{tar: tar.NewReader(zip), limits: l.withDefaults(), seen: map[string]Entry{}, fn: fn}
	m, err := rd.all()
	if err == nil {
		err = ended(zip)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read archive: %w", err)
	}
	return m, nil
}

// ended reads what stands behind the last entry: the zeros that end a tar, and nothing else that can be read.
func ended(rest io.Reader) error {
	const mostZeros = 1 << 20
	zeros, err := io.ReadAll(io.LimitReader(rest, mostZeros+1))
	switch {
	case err != nil:
		return bad("behind its end: %s", err)
	case len(zeros) > mostZeros || len(bytes.Trim(zeros, "\x00")) > 0:
		return bad("something stands behind its end")
	}
	return nil
}

type reader struct {
	tar    *tar.Reader
	limits Limits
	fn     func(Name, int64, io.Reader) error
	seen   map[string]Entry
	order  []string
	total  int64
}

// bad is what a stranger's bytes are wrong in.
func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", checkpoint.ErrCorrupt, fmt.Sprintf(format, args...))
}

func (r *reader) all() (Manifest, error) {
	for {
		h, err := r.tar.Next()
		if errors.Is(err, io.EOF) {
			return Manifest{}, bad("it ends without its manifest")
		}
		if err != nil {
			return Manifest{}, bad("%s", err)
		}
		if h.Typeflag != tar.TypeReg || h.Size < 0 {
			return Manifest{}, bad("%.100q is no plain file", h.Name)
		}
		if h.Size > r.limits.Entry || r.total+h.Size > r.limits.Total {
			return Manifest{}, bad("%.100q has %d bytes: that is too much", h.Name, h.Size)
		}
		r.total += h.Size
		if h.Name == manifestName {
			return r.manifest()
		}
		if err := r.entry(h); err != nil {
			return Manifest{}, err
		}
	}
}

func (r *reader) entry(h *tar.Header) error {
	name, err := ParseName(h.Name)
	if err != nil {
		return bad("%s", err)
	}
	if _, twice := r.seen[h.Name]; twice {
		return bad("%s comes twice", h.Name)
	}
	if first := len(r.order) == 0; first != (name.Kind == Journal) {
		return bad("%s stands at the wrong place", h.Name)
	}
	if len(r.order) >= r.limits.Entries {
		return bad("there are more than %d entries", r.limits.Entries)
	}
	sum := sha256.New()
	content := &strict{r: io.TeeReader(r.tar, sum)}
	if err := r.fn(name, h.Size, content); err != nil {
		if content.err != nil {
			return bad("%s: %s", h.Name, content.err)
		}
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return bad("%s: %s", h.Name, err)
	}
	r.seen[h.Name] = Entry{Name: h.Name, Size: h.Size, SHA256: hex.EncodeToString(sum.Sum(nil))}
	r.order = append(r.order, h.Name)
	return nil
}

// strict remembers what went wrong in reading, so that it is not taken for the reader's own fault.
type strict struct {
	r   io.Reader
	err error
}

func (s *strict) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// manifest reads the manifest and holds everything against it.
func (r *reader) manifest() (Manifest, error) {
	var m Manifest
	raw, err := io.ReadAll(r.tar)
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	switch {
	case err != nil:
		return m, bad("its manifest: %s", err)
	case m.Format != Format || m.Version < 1:
		return m, bad("it is no checkpoint of builder")
	case m.Version > Version:
		return m, fmt.Errorf("%w: form %d, known up to %d", checkpoint.ErrNewer, m.Version, Version)
	case len(m.Entries) != len(r.order):
		return m, bad("it has %d entries, its manifest names %d", len(r.order), len(m.Entries))
	}
	for i, e := range m.Entries {
		if r.order[i] != e.Name || r.seen[e.Name] != e {
			return m, bad("%.100q is not as its manifest says", e.Name)
		}
	}
	if _, err := r.tar.Next(); !errors.Is(err, io.EOF) {
		return m, bad("something stands behind its manifest")
	}
	return m, nil
}
