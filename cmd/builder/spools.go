package main

import (
	"context"

	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// spools hands the checkpoint's spools to the meter in its own words. An answer that meets a full disk
// while it arrives is paid for: what could not be written is written once more when there is room.
type spools struct {
	checkpoint.Spools
	roomy func(func() error) error
}

// Create implements meter.Spools. Nothing has been sent yet: a full disk is an error.
func (s spools) Create(name string) (meter.Spool, error) {
	sp, err := s.Spools.Create(name)
	if err != nil {
		return nil, err
	}
	return spool{sp, s.roomy}, nil
}

type spool struct {
	checkpoint.Spool
	roomy func(func() error) error
}

// Write implements io.Writer. What a first try has written is not written again.
func (s spool) Write(p []byte) (int, error) {
	done := 0
	err := s.roomy(func() error {
		n, err := s.Spool.Write(p[done:])
		done += n
		return err
	})
	return done, err
}

// Keep implements meter.Spool.
func (s spool) Keep(ctx context.Context) (string, error) {
	var h checkpoint.Hash
	err := s.roomy(func() (err error) {
		h, err = s.Spool.Keep(ctx)
		return err
	})
	return string(h), err
}

// contents hands the checkpoint's blobs to the meter and the gateway in their own words.
type contents struct{ checkpoint.Blobs }

// Put implements meter.Blobs.
func (b contents) Put(ctx context.Context, content []byte) (string, error) {
	h, err := b.Blobs.Put(ctx, content)
	return string(h), err
}

// Get implements gateway.Blobs.
func (b contents) Get(ctx context.Context, hash string) ([]byte, error) {
	return b.Blobs.Get(ctx, checkpoint.Hash(hash))
}
