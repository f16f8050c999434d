package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// roomy is a journal with one record, whose writes meet a full disk at point for times times.
func roomy(t *testing.T, point string, times int, room func() bool) *Journal {
	t.Helper()
	j, err := Create(t.Context(), filepath.Join(t.TempDir(), "journal.db"), Options{Room: room})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := j.Append(t.Context(), 0, []checkpoint.Record{{Kind: "k"}}); err != nil {
		t.Fatal(err)
	}
	j.fault = func(p string) error {
		if p == point && times > 0 {
			times--
			return syscall.ENOSPC
		}
		return nil
	}
	return j
}

// A write that met a full disk is made once more when there is room, and kept exactly once, whether
// or not the first try had become visible.
func TestRoomIsUsed(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"before commit", "after commit"} {
		asked := 0
		var j *Journal
		j = roomy(t, point, 1, func() bool {
			asked++
			if _, err := os.Lstat(j.path + doubtMark); err != nil {
				t.Errorf("%s: a write failed, and nothing says so: %v", point, err)
			}
			return true
		})
		last, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "a"}, {Kind: "b"}})
		if err != nil || last != 3 || asked != 1 {
			t.Errorf("%s: %d, %v, asked %d times", point, last, err, asked)
		}
		if last, err = j.Append(t.Context(), 3, []checkpoint.Record{{Kind: "c"}}); err != nil || last != 4 {
			t.Errorf("%s: then %d, %v", point, last, err)
		}
		if _, err := os.Lstat(j.path + doubtMark); err == nil {
			t.Errorf("%s: the file was not written again", point)
		}
		kinds := ""
		if err := j.Read(t.Context(), 0, func(e checkpoint.Envelope) error { kinds += e.Kind; return nil }); err != nil || kinds != "kabc" {
			t.Errorf("%s: kept %q, %v", point, kinds, err)
		}
	}
}

func TestRoomForSnapshots(t *testing.T) {
	t.Parallel()
	j := roomy(t, "before commit", 1, func() bool { return true })
	if err := j.Save(t.Context(), checkpoint.Snapshot{Seq: 1, State: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if s, err := j.Snapshot(t.Context()); err != nil || s.Seq != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Without room, or when it is not enough, a full disk poisons as before.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		times int
		room  func() bool
	}{
		"nobody to ask": {1, nil},
		"none":          {1, func() bool { return false }},
		"not enough":    {2, func() bool { return true }},
	} {
		j := roomy(t, "before commit", tc.times, tc.room)
		if _, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "a"}}); !errors.Is(err, checkpoint.ErrFull) {
			t.Errorf("%s: got %v, want ErrFull", name, err)
		}
		if _, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "a"}}); !errors.Is(err, checkpoint.ErrPoisoned) {
			t.Errorf("%s: got %v, want ErrPoisoned", name, err)
		}
	}
}

// A quota and a limit on the size of files are full disks too.
func TestFullByAnyName(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		j := roomy(t, "", 0, nil)
		j.fault = func(string) error { return errno }
		if _, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "a"}}); !errors.Is(err, checkpoint.ErrFull) || !errors.Is(err, errno) {
			t.Errorf("%v: got %v", errno, err)
		}
		if err := spaceError(fmt.Errorf("file resize error: %s", errno)); !errors.Is(err, checkpoint.ErrFull) || !errors.Is(err, errno) {
			t.Errorf("%v as text: got %v", errno, err)
		}
	}
}

// Another error than a full disk never leads to a second try.
func TestRoomIsForFullDisksOnly(t *testing.T) {
	t.Parallel()
	j := roomy(t, "", 0, func() bool { t.Error("asked for room"); return true })
	j.fault = func(string) error { return syscall.EIO }
	if _, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "a"}}); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
}

// Records that somebody else wrote under these numbers are no sign that ours were kept.
func TestOtherRecordsAreFenced(t *testing.T) {
	t.Parallel()
	j := roomy(t, "before commit", 1, nil)
	j.options.Room = func() bool { // in which another process writes
		other := checkpoint.Record{Kind: "theirs"}
		e, err := checkpoint.Seal(2, other)
		if err != nil {
			t.Error(err)
		}
		err = j.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketJournal).Put(keyOf(2), e.Encode()) })
		return err == nil
	}
	if _, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "ours"}}); !errors.Is(err, checkpoint.ErrFenced) {
		t.Errorf("got %v, want ErrFenced", err)
	}
}
