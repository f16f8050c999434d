package workspace

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/hash"
	"github.com/klauspost/compress/zlib"
	"golang.org/x/sync/errgroup"

	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// writePack writes objects as one pack with its index, synced; equal objects give equal files.
// The format is git's pack version 2, gitformat-pack(5), without deltas.
func (r *Repo) writePack(objects []gitObject) error {
	pack, index, name, err := encodePack(objects)
	if err != nil {
		return fmt.Errorf("encode pack: %w", err)
	}
	if err := r.placePack(pack, index, "pack-"+name); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	r.store.Reindex()
	for _, o := range objects {
		r.stored[o.id] = true
	}
	return nil
}

// ownTemp starts the names of files on their way into the folder of packs; git's own gc sweeps
// names that start so.
const ownTemp = "tmp_builder_"

// placePack writes both files aside and renames them. To git a pack is there when its index is, so
// that comes last.
func (r *Repo) placePack(pack, index []byte, name string) error {
	dir := r.packDir()
	if err := mendPacks(dir); err != nil {
		return err
	}
	if exists(filepath.Join(dir, name+".pack")) && exists(filepath.Join(dir, name+".idx")) {
		return syncDirs(dir) // by a commit that did not come to its end
	}
	var work errgroup.Group // the file system joins two syncs that wait together
	work.Go(bug.Guarded(func() error { return writeSynced(filepath.Join(dir, ownTemp+name+".pack"), pack, 0o444) }))
	work.Go(bug.Guarded(func() error { return writeSynced(filepath.Join(dir, ownTemp+name+".idx"), index, 0o444) }))
	if err := work.Wait(); err != nil {
		return err
	}
	for _, suffix := range []string{".pack", ".idx"} {
		if err := errors.Join(r.step("before rename of "+suffix), faultpoint.At("pack.rename")); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(dir, ownTemp+name+suffix), filepath.Join(dir, name+suffix)); err != nil {
			return err
		}
	}
	return syncDirs(dir)
}

func (r *Repo) packDir() string { return filepath.Join(r.git, "objects", "pack") }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// mendPacks ends what a crash left of placePack: a pack that has its name gets its index, which
// go-git cannot do without; anything else of ours goes.
func mendPacks(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, ownTemp+"*"))
	if err != nil {
		return err
	}
	for _, temp := range left {
		name := strings.TrimPrefix(filepath.Base(temp), ownTemp)
		pack := filepath.Join(dir, strings.TrimSuffix(name, ".idx")+".pack")
		if strings.HasSuffix(name, ".idx") && exists(pack) && !exists(filepath.Join(dir, name)) {
			if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
				return err
			}
			continue
		}
		if err := os.Remove(temp); err != nil {
			return err
		}
	}
	return nil
}

func encodePack(objects []gitObject) (pack, index []byte, name string, err error) {
	var b bytes.Buffer
	b.WriteString("PACK")
	b.Write(binary.BigEndian.AppendUint32(nil, 2))
	b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(objects))))
	var idx idxfile.Writer
	if err := idx.OnHeader(uint32(len(objects))); err != nil {
		return nil, nil, "", err
	}
	z := zlib.NewWriter(nil)
	for _, o := range objects {
		start := b.Len()
		b.Write(entryHeader(o.kind, len(o.raw)))
		z.Reset(&b)
		if _, err := z.Write(o.raw); err != nil {
			return nil, nil, "", err
		}
		if err := z.Close(); err != nil {
			return nil, nil, "", err
		}
		idx.Add(o.id, uint64(start), crc32.ChecksumIEEE(b.Bytes()[start:]))
	}
	sum := hash.New(crypto.SHA1)
	sum.Write(b.Bytes())
	var footer plumbing.Hash
	copy(footer[:], sum.Sum(nil))
	b.Write(footer[:])
	index, err = encodeIndex(&idx, footer)
	return b.Bytes(), index, footer.String(), err
}

func encodeIndex(idx *idxfile.Writer, footer plumbing.Hash) ([]byte, error) {
	if err := idx.OnFooter(footer); err != nil {
		return nil, err
	}
	built, err := idx.Index()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := idxfile.NewEncoder(&out).Encode(built); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// entryHeader is the type and the size before compression: four bits of it, then seven a byte.
func entryHeader(kind plumbing.ObjectType, size int) []byte {
	b := []byte{byte(kind)<<4 | byte(size&0x0f)}
	for size >>= 4; size > 0; size >>= 7 {
		b[len(b)-1] |= 0x80
		b = append(b, byte(size&0x7f))
	}
	return b
}
