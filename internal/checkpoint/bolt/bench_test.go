package bolt

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// payload makes a record about as large as an intent or a settlement, 600 bytes.
func payload() checkpoint.Record {
	return checkpoint.Record{Kind: "call.intended", Time: time.Unix(1763892480, 0), Payload: json.RawMessage(`{"op":"` + strings.Repeat("x", 560) + `"}`)}
}

// bareDB is bbolt with the journal's settings and nothing of ours.
func bareDB(b *testing.B) *bbolt.DB {
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucketJournal)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return db
}

func bareUpdate(b *testing.B, db *bbolt.DB, seq uint64, value []byte) {
	if err := db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketJournal).Put(keyOf(seq), value) }); err != nil {
		b.Error(err)
	}
}

func benchJournal(b *testing.B) *Journal {
	j, err := Create(b.Context(), filepath.Join(b.TempDir(), "journal.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := j.Close(); err != nil {
			b.Error(err)
		}
	})
	return j
}

// BenchmarkIntentAndSettlement appends two records and, in turn, makes two bare bbolt Updates of
// the same bytes. The figure to reach: x-bare at most 1.25.
func BenchmarkIntentAndSettlement(b *testing.B) {
	j, db := benchJournal(b), bareDB(b)
	rec := payload()
	sealed, err := checkpoint.Seal(1, rec)
	if err != nil {
		b.Fatal(err)
	}
	value := sealed.Encode()
	var ours, bare time.Duration
	last := uint64(0)
	for b.Loop() {
		start := time.Now()
		for range 2 {
			if last, err = j.Append(b.Context(), last, []checkpoint.Record{rec}); err != nil {
				b.Fatal(err)
			}
		}
		middle := time.Now()
		bareUpdate(b, db, last-1, value)
		bareUpdate(b, db, last, value)
		ours, bare = ours+middle.Sub(start), bare+time.Since(middle)
	}
	b.ReportMetric(float64(ours)/float64(bare), "x-bare")
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "µs/intent+settle")
}

// BenchmarkGroupedAppend appends one record of each of 32 goroutines in one transaction, as the one
// writer does, and, in turn, lets each make an Update of its own. The figure to reach: x-single at least 5.
func BenchmarkGroupedAppend(b *testing.B) {
	const workers = 32
	j, db := benchJournal(b), bareDB(b)
	rec := payload()
	sealed, err := checkpoint.Seal(1, rec)
	if err != nil {
		b.Fatal(err)
	}
	value := sealed.Encode()
	var grouped, single time.Duration
	last := uint64(0)
	for b.Loop() {
		start := time.Now()
		waiting := make(chan checkpoint.Record, workers)
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() { waiting <- rec })
		}
		wg.Wait()
		close(waiting)
		batch := make([]checkpoint.Record, 0, workers)
		for r := range waiting {
			batch = append(batch, r)
		}
		if last, err = j.Append(b.Context(), last, batch); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		for i := range workers {
			wg.Go(func() { bareUpdate(b, db, last+uint64(i), value) })
		}
		wg.Wait()
		grouped, single = grouped+middle.Sub(start), single+time.Since(middle)
	}
	b.ReportMetric(float64(single)/float64(grouped), "x-single")
	b.ReportMetric(float64(workers*b.N)/grouped.Seconds(), "records/s")
}
