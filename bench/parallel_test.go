package bench

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

const (
	parallelWorkers = 32
	parallelCalls   = 10 // of each task
)

// driven, in a child, is the number of tasks to drive, so that its memory is its own.
var (
	driven = flag.Int("driven", 0, "drive this many tasks and nothing else")
	told   = flag.String("told", "", "file that the child's figures go to")
	slow   = flag.Duration("answer", 50*time.Millisecond, "how long an answer takes")
)

// drive is what the child measured.
type drive struct {
	Wall     time.Duration
	PeakKiB  int64
	Before   int // goroutines
	After    int
	Answered int64

	FilesBefore, FilesAfter int // descriptors
}

// parallelRow drives many tasks side by side through writer, guard, meter, journal, blobs and spools.
func parallelRow(t *testing.T, s sizes) []row {
	d := inChild(t, s, "TestDriven", "-driven")
	if want := int64(s.tasks * parallelCalls); d.Answered != want || d.After > d.Before {
		t.Errorf("%d of %d calls answered, goroutines %d before and %d after", d.Answered, want, d.Before, d.After)
	}
	rounds := max(float64(s.tasks)/parallelWorkers, 1) // of tasks; a task's calls follow one another
	bound := time.Duration(rounds * parallelCalls * float64(s.answer))
	what := fmt.Sprintf("6 %d tasks, %d workers, %d calls of %s each", s.tasks, parallelWorkers, parallelCalls, s.answer)
	return []row{
		{what, fmt.Sprintf("%s (%.1f s)", ratio(d.Wall, bound), d.Wall.Seconds()), fmt.Sprintf("bound by the answers: %.1f s", bound.Seconds()), "at most 1.25 x"},
		{"6 the same: peak memory", fmt.Sprintf("%d MiB", d.PeakKiB/1024), fmt.Sprintf("goroutines %d before, %d after", d.Before, d.After), "at most 512 MiB"},
	}
}

// inChild runs one test of this program in a process of its own, told the number of tasks by a flag, and
// gives what it measured.
func inChild(t *testing.T, s sizes, test, tasks string) drive {
	out := filepath.Join(t.TempDir(), "figures")
	exe, err := os.Executable()
	must(t, err)
	raw, err := exec.CommandContext(t.Context(), exe, "-test.run=^"+test+"$", tasks+"="+strconv.Itoa(s.tasks), "-answer="+s.answer.String(), "-told="+out).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s", err, raw)
	}
	raw, err = os.ReadFile(out)
	must(t, err)
	var d drive
	must(t, json.Unmarshal(raw, &d))
	return d
}

// tell hands what was measured to the parent.
func (d drive) tell(t *testing.T) {
	raw, err := json.Marshal(d)
	must(t, err)
	must(t, os.WriteFile(*told, raw, 0o600))
}

func TestDriven(t *testing.T) {
	if *driven == 0 {
		t.Skip("runs as a child only")
	}
	d := drive{Before: runtime.NumGoroutine()}
	h := newHouse(t, *slow)
	queue := make(chan string, *driven)
	for i := range *driven {
		queue <- "t" + strconv.Itoa(i)
	}
	close(queue)
	d.Wall = together(t, parallelWorkers, func(ctx context.Context, _ int) error {
		for task := range queue {
			if err := h.task(ctx, task); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, h.writer.View(t.Context(), func(s *phases.State) { d.Answered = s.Guard.Account(budget.Build).Answered }))
	h.close()
	d.After, d.PeakKiB = runtime.NumGoroutine(), peak()
	d.tell(t)
}

// task carries one task from its start to its end.
func (h *house) task(ctx context.Context, task string) error {
	if err := h.writer.Record(ctx, begin(task)...); err != nil {
		return err
	}
	for step := 1; step <= parallelCalls; step++ {
		if err := h.call(ctx, task, step); err != nil {
			return err
		}
	}
	return h.writer.Record(ctx, end(task))
}

// peak is the largest resident size of this process so far.
func peak() int64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, _, kib := fields(string(raw))
	return kib
}
