package bench

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// bare is bbolt with the journal's settings and nothing of ours.
type bare struct {
	t   testing.TB
	db  *bbolt.DB
	seq uint64
}

var bucket = []byte("journal")

func newBare(t testing.TB) *bare {
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "bare.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	must(t, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	}))
	return &bare{t: t, db: db}
}

func (b *bare) update(seq uint64, value []byte) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).Put(binary.BigEndian.AppendUint64(nil, seq), value)
	})
}

func (b *bare) next(value []byte) {
	b.seq++
	must(b.t, b.update(b.seq, value))
}

// pair is the intent and the settlement of one call as the journal keeps them.
func pair(t testing.TB) [2][]byte {
	h := newHouse(t, 0)
	defer h.close()
	must(t, h.writer.Record(t.Context(), begin("t")...))
	_, err := h.writer.Intend(t.Context(), askOf("t", 1))
	must(t, err)
	must(t, h.writer.Settle(t.Context(), settlementOf("t", 1)))
	var last [2][]byte
	must(t, h.journal.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		last[0], last[1] = last[1], e.Encode()
		return nil
	}))
	return last
}

// intentRow reserves and settles calls through the writer and, in turn, makes two bare Updates of
// the same bytes.
func intentRow(t *testing.T, s sizes) []row {
	values, b, h := pair(t), newBare(t), newHouse(t, 0)
	defer h.close()
	must(t, h.writer.Record(t.Context(), begin("t")...))
	var ours, theirs []time.Duration
	for i := 1; i <= s.calls; i++ {
		at := time.Now()
		_, err := h.writer.Intend(t.Context(), askOf("t", i))
		must(t, err)
		must(t, h.writer.Settle(t.Context(), settlementOf("t", i)))
		middle := time.Now()
		b.next(values[0])
		b.next(values[1])
		ours, theirs = append(ours, middle.Sub(at)), append(theirs, time.Since(middle))
	}
	o, th := median(ours), median(theirs)
	return []row{{"1 intent + settle of a call", ratio(o, th) + " (" + ms(o) + ")", "two bare bbolt Updates: " + ms(th), "at most 1.25 x"}}
}

// callRow makes whole calls through the meter and, in turn, does the same syncs bare.
func callRow(t *testing.T, s sizes) []row {
	values, b, h := pair(t), newBare(t), newHouse(t, 0)
	defer h.close()
	dir := t.TempDir()
	must(t, h.writer.Record(t.Context(), begin("t")...))
	var ours, theirs []time.Duration
	for i := 1; i <= s.calls; i++ {
		at := time.Now()
		must(t, h.call(t.Context(), "t", i))
		middle := time.Now()
		bareCall(t, b, dir, i, values)
		ours, theirs = append(ours, middle.Sub(at)), append(theirs, time.Since(middle))
	}
	o, th := median(ours), median(theirs)
	syncs, how := countSyncs(t, s.calls)
	return []row{
		{"1 a whole call, durable", ratio(o, th) + " (" + ms(o) + ")", "the same 8 syncs bare: " + ms(th), "at most 1.25 x"},
		{"1 syncs of a whole call", syncs, how, "at most 9"},
	}
}

// bareCall syncs what a call must: the request and its folder, the intent, the answer and its
// folder, the settlement. An Update of bbolt syncs twice.
func bareCall(t testing.TB, b *bare, dir string, i int, values [2][]byte) {
	name := filepath.Join(dir, strconv.Itoa(i))
	writeSynced(t, name+".request", []byte(requestBody("t", i)))
	syncDir(t, dir)
	b.next(values[0])
	writeSynced(t, name+".answer", []byte(answerBody("t")))
	syncDir(t, dir)
	b.next(values[1])
}

// traced, in a child under strace, is how many calls to make.
var traced = flag.Int("traced", -1, "make this many calls and nothing else")

func TestTraced(t *testing.T) {
	if *traced < 0 {
		t.Skip("runs under strace only")
	}
	h := newHouse(t, 0)
	defer h.close()
	must(t, h.writer.Record(t.Context(), begin("t")...))
	for i := 1; i <= *traced; i++ {
		must(t, h.call(t.Context(), "t", i))
	}
}

// countSyncs lets strace count the syncs of a child that makes n calls, less those of one that makes none.
func countSyncs(t *testing.T, n int) (figure, how string) {
	if _, err := exec.LookPath("strace"); err != nil {
		return "not counted", "strace is not installed"
	}
	with, err := tracedSyncs(t, n)
	if err != nil {
		return "not counted", "strace does not run here: " + err.Error()
	}
	without, err := tracedSyncs(t, 0)
	must(t, err)
	return fmt.Sprintf("%.2f", float64(with-without)/float64(n)), fmt.Sprintf("strace, mean of the first %d calls of a build", n)
}

func tracedSyncs(t *testing.T, n int) (int, error) {
	out := filepath.Join(t.TempDir(), "strace")
	exe, err := os.Executable()
	must(t, err)
	raw, err := exec.CommandContext(t.Context(), "strace", "-f", "-e", "trace=fsync,fdatasync", "-o", out, exe, "-test.run=^TestTraced$", "-traced="+strconv.Itoa(n)).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, raw)
	}
	lines, err := os.ReadFile(out)
	if err != nil {
		return 0, err
	}
	count := 0
	for line := range strings.Lines(string(lines)) {
		if strings.Contains(line, "sync(") && !strings.Contains(line, "resumed") {
			count++
		}
	}
	return count, nil
}

// groupRow lets 32 workers reserve and settle through the one writer and, in turn, each make
// Updates of its own.
func groupRow(t *testing.T, s sizes) []row {
	const workers = 32
	values, b, h := pair(t), newBare(t), newHouse(t, 0)
	defer h.close()
	for w := range workers {
		must(t, h.writer.Record(t.Context(), begin("t"+strconv.Itoa(w))...))
	}
	var grouped, single time.Duration
	for round := 1; round <= s.groups; round++ {
		grouped += together(t, workers, func(ctx context.Context, w int) error {
			task := "t" + strconv.Itoa(w)
			if _, err := h.writer.Intend(ctx, askOf(task, round)); err != nil {
				return err
			}
			return h.writer.Settle(ctx, settlementOf(task, round))
		})
		single += together(t, workers, func(_ context.Context, w int) error {
			seq := uint64(round*workers+w) * 2
			if err := b.update(seq, values[0]); err != nil {
				return err
			}
			return b.update(seq+1, values[1])
		})
	}
	records := float64(2 * workers * s.groups)
	return []row{{
		"2 records of 32 workers", fmt.Sprintf("%.1f x (%.0f records/s)", float64(single)/float64(grouped), records/grouped.Seconds()),
		fmt.Sprintf("one bbolt Update each: %.0f records/s", records/single.Seconds()), "at least 5 x",
	}}
}

// together runs fn for each worker at the same time and says how long all took.
func together(t *testing.T, workers int, fn func(context.Context, int) error) time.Duration {
	var wg sync.WaitGroup
	at := time.Now()
	for w := range workers {
		wg.Go(func() {
			if err := fn(t.Context(), w); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return time.Since(at)
}
