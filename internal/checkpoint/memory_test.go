package checkpoint_test

import (
	"testing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/checkpointtest"
)

func TestMemoryKeepsThePromise(t *testing.T) {
	t.Parallel()
	checkpointtest.Run(t, checkpointtest.Journals{
		Open: func(*testing.T) checkpoint.Journal { return &checkpoint.Memory{} },
		Reopen: func(_ *testing.T, j checkpoint.Journal) checkpoint.Journal {
			return j.(*checkpoint.Memory).Reopen()
		},
		Fail: func(_ *testing.T, j checkpoint.Journal, err error) {
			j.(*checkpoint.Memory).Fail = func([]checkpoint.Record) (bool, error) { return true, err }
		},
	})
}

func TestMemoryBlobsKeepThePromise(t *testing.T) {
	t.Parallel()
	checkpointtest.RunBlobs(t, func(*testing.T) checkpoint.Blobs { return &checkpoint.MemoryBlobs{} }, nil)
	checkpointtest.RunSpools(t, func(*testing.T) (checkpoint.Spools, checkpoint.Blobs) {
		b := &checkpoint.MemoryBlobs{}
		return b, b
	})
}
