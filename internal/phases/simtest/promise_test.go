package simtest

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/checkpoint/checkpointtest"
)

// untroubled is a disk in the hands of a process that nothing happens to.
func untroubled(d *disk) mount {
	return mount{d, newLife(0, newTurnstile(rand.New(rand.NewPCG(1, 1))), fate{}, false, func(error) {})}
}

// The simulated journal is a journal.
func TestJournalKeepsThePromise(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, d *disk) checkpoint.Journal {
		t.Helper()
		j, err := openJournal(untroubled(d), "/state/journal")
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	checkpointtest.Run(t, checkpointtest.Journals{
		Open: func(t *testing.T) checkpoint.Journal { return open(t, newDisk()) },
		Reopen: func(t *testing.T, j checkpoint.Journal) checkpoint.Journal {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			d := j.(*journal).m.d
			d.lose(rand.New(rand.NewPCG(7, 7)))
			return open(t, d)
		},
		Damage: func(t *testing.T, j checkpoint.Journal, seq uint64) checkpoint.Journal {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			d := j.(*journal).m.d
			damage(t, d, seq)
			return open(t, d)
		},
		Fail: func(_ *testing.T, j checkpoint.Journal, err error) {
			l := j.(*journal).m.l
			l.mu.Lock()
			defer l.mu.Unlock()
			l.fate = fate{fault: err, from: 0, until: 1 << 30}
		},
	})
}

// damage changes a payload and mends the frame's checksum, so that the record itself is wrong.
func damage(t *testing.T, d *disk, seq uint64) {
	t.Helper()
	n, err := d.find("/state/journal/log")
	if err != nil {
		t.Fatal(err)
	}
	raw, count := n.data, uint64(0)
	for at := 0; at < len(raw); {
		size := int(binary.BigEndian.Uint32(raw[at:]))
		body := raw[at+frameLen : at+frameLen+size]
		for b := body; len(b) > 0; {
			length, k := binary.Uvarint(b)
			if count++; count == seq {
				b[k+int(length)-3] ^= 1
				binary.BigEndian.PutUint32(raw[at+4:], crc32.ChecksumIEEE(body))
				return
			}
			b = b[k+int(length):]
		}
		at += frameLen + size
	}
	t.Fatalf("no record %d", seq)
}

// The real blob store keeps its promise on the simulated disk.
func TestBlobsKeepThePromiseOnTheDisk(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) (*blob.Spools, *blob.Store) {
		t.Helper()
		m := untroubled(newDisk())
		store, err := blob.OpenOn(m, blobDir)
		if err != nil {
			t.Fatal(err)
		}
		spools, err := blob.OpenSpools(store, spoolDir)
		if err != nil {
			t.Fatal(err)
		}
		return spools, store
	}
	checkpointtest.RunBlobs(t, func(t *testing.T) checkpoint.Blobs { _, b := open(t); return b }, nil)
	checkpointtest.RunSpools(t, func(t *testing.T) (checkpoint.Spools, checkpoint.Blobs) { return open(t) })
}

// What was synced survives a loss of power, whatever the odds; what was not does so or not.
func TestDiskLosesWhatWasNotSynced(t *testing.T) {
	t.Parallel()
	var files, names, torn int
	for seed := range uint64(300) {
		d := newDisk()
		m := untroubled(d)
		if err := m.MkdirAll("/a", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := m.syncName("/"); err != nil {
			t.Fatal(err)
		}
		if err := m.replace("/a/safe", []byte("safe")); err != nil {
			t.Fatal(err)
		}
		f, err := m.OpenFile("/a/safe", 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.(*file).at = 4
		if _, err := f.Write([]byte(" and more")); err != nil {
			t.Fatal(err)
		}
		if err := m.Link("/a/safe", "/a/second"); err != nil {
			t.Fatal(err)
		}
		d.lose(rand.New(rand.NewPCG(seed, 1)))
		got, ok := d.read("/a/safe")
		if !ok || len(got) < 4 || string(got[:4]) != "safe" {
			t.Fatalf("seed %d: %q, %t", seed, got, ok)
		}
		switch len(got) {
		case 4:
		case 13:
			files++
		default:
			torn++
		}
		if _, ok := d.read("/a/second"); ok {
			names++
		}
	}
	if files == 0 || torn == 0 || names == 0 || names == 300 {
		t.Errorf("of 300 losses %d wrote, %d tore, %d named", files, torn, names)
	}
}
