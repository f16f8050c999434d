package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// A journal whose commit failed is written again before it is believed, and another is not.
func TestDoubtIsSettled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Create(t.Context(), path, Options{})
	must(t, err)
	_, err = j.Append(t.Context(), 0, []checkpoint.Record{{Kind: "k"}})
	must(t, err)
	must(t, j.Close())
	if written(t, path, OpenReadOnly) || written(t, path, Open) {
		t.Error("a journal nobody doubts was written")
	}
	j, err = Open(t.Context(), path, Options{})
	must(t, err)
	j.fault = func(p string) error {
		if p == "after commit" {
			return syscall.EIO
		}
		return nil
	}
	if _, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "l"}}); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
	must(t, j.Close())
	if written(t, path, OpenReadOnly) {
		t.Error("a reader wrote the journal")
	}
	if !written(t, path, Open) {
		t.Error("records that may not be on the disk were believed")
	}
	if written(t, path, Open) {
		t.Error("it is still in doubt")
	}
}

// written says whether opening a journal writes it; it may not change it.
func written(t *testing.T, path string, open func(context.Context, string, Options) (*Journal, error)) bool {
	t.Helper()
	old := time.Now().Add(-time.Hour).Round(time.Second)
	must(t, os.Chtimes(path, old, old))
	before, err := os.ReadFile(path)
	must(t, err)
	j, err := open(t.Context(), path, Options{})
	must(t, err)
	must(t, j.Close())
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the journal has changed")
	}
	info, err := os.Stat(path)
	must(t, err)
	return !info.ModTime().Equal(old)
}

// noted is a file that notes what is done to it, in order.
type noted struct {
	*bytes.Reader
	writes []int64 // where; -1 is a sync
}

func (n *noted) WriteAt(p []byte, at int64) (int, error) {
	n.writes = append(n.writes, at)
	return len(p), nil
}

func (n *noted) Sync() error {
	n.writes = append(n.writes, -1)
	return nil
}

// What says which pages count is written again when the pages are durable, and not before.
func TestDoubtPagesBeforeMetas(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	f := &noted{Reader: bytes.NewReader(make([]byte, 2*mib))}
	must(t, rewriteParts(f, 8192, 2*mib))
	if want := []int64{8192, mib + 8192, -1, 0, -1}; !slices.Equal(f.writes, want) {
		t.Errorf("written at %d, not %d", f.writes, want)
	}
	f = &noted{Reader: bytes.NewReader(make([]byte, 9000))}
	if err := rewriteParts(f, 8192, 20000); !errors.Is(err, io.ErrUnexpectedEOF) || slices.Contains(f.writes, 0) {
		t.Errorf("a file that is too short: %v, written at %d", err, f.writes)
	}
}

// bbolt writes some errors out as text; what they were is known all the same.
func TestErrorsOfGrowingHaveNumbers(t *testing.T) {
	t.Parallel()
	for _, n := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		if err := spaceError(fmt.Errorf("file sync error: %s", &os.PathError{Op: "sync", Path: "/j", Err: n})); !errors.Is(err, n) {
			t.Errorf("%v is not %d", err, n)
		}
	}
	if err := spaceError(errors.New("no space in the name")); errors.Is(err, syscall.ENOSPC) {
		t.Error("any error is ENOSPC")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
