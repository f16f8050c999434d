package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/ballast"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// shortSpools gives spools that take some bytes and are full then, until there is room.
type shortSpools struct {
	checkpoint.Spools
	kept strings.Builder
	room bool
}

func (s *shortSpools) Create(string) (checkpoint.Spool, error) { return &shortSpool{all: s}, nil }

type shortSpool struct {
	checkpoint.Spool
	all *shortSpools
}

func (s *shortSpool) Write(p []byte) (int, error) {
	if !s.all.room && len(p) > 4 {
		s.all.kept.Write(p[:4])
		return 4, syscall.ENOSPC
	}
	return s.all.kept.Write(p)
}

func (s *shortSpool) Keep(context.Context) (checkpoint.Hash, error) {
	if !s.all.room {
		return "", checkpoint.ErrFull
	}
	return "h", nil
}

// Law L2: an answer that meets a full disk is written on where it stopped, once there is room; without
// ballast the error stays what it was.
func TestSpoolOnAFullDisk(t *testing.T) {
	t.Parallel()
	weight := ballast.New(filepath.Join(t.TempDir(), "ballast"))
	if err := weight.Lay(8 << 12); err != nil {
		t.Fatal(err)
	}
	for name, st := range map[string]*store{"room": {ballast: weight}, "none": {ballast: ballast.New(filepath.Join(t.TempDir(), "none"))}, "a reader": {}} {
		inner := &shortSpools{}
		sp, err := spools{inner, func(fn func() error) error {
			return st.roomy(func() error {
				inner.room = st.ballast != nil && st.ballast.Used()
				return fn()
			})
		}}.Create("op")
		if err != nil {
			t.Fatal(err)
		}
		n, err := sp.Write([]byte("an answer"))
		h, kerr := sp.Keep(t.Context())
		if name == "room" && (n != 9 || err != nil || kerr != nil || h != "h" || inner.kept.String() != "an answer") {
			t.Errorf("%s: %d, %v, %v, kept %q", name, n, err, kerr, inner.kept.String())
		}
		if name != "room" && (n != 4 || !errors.Is(err, syscall.ENOSPC) || !errors.Is(kerr, checkpoint.ErrFull)) {
			t.Errorf("%s: %d, %v, %v", name, n, err, kerr)
		}
	}
}

// An area is the least of its folders, and of the folder above one that is not there.
func TestArea(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here, err := areaOf(filepath.Join(dir, "a", "b"))
	if err != nil || here.free <= 0 || here.size < here.free || here.names <= 0 {
		t.Errorf("%+v, %v", here, err)
	}
	if _, err := areaOf("/dev/null/x"); err == nil {
		t.Error("no error")
	}
}

// The floor that a user sets holds; none is the usual one.
func TestMinFree(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"": 0, "0": 1, "16KiB": 16 << 10} {
		s := settings{}
		s.MinFree = text
		if got := s.minFree(); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if err := (phases.Settings{MinFree: 100}).Room(99, "x"); err == nil {
		t.Error("paid for below the floor")
	}
	if err := (phases.Settings{MinFree: 100}).Room(100, "x"); err != nil {
		t.Error(err)
	}
}
