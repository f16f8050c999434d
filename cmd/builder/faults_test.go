//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// The fault matrix: at every step of the write-ahead order builder is killed, panics, is told to stop, or
// its disk fails. It says what happened in one line with the right exit code, and goes on to the end of a
// build that had no fault: same commits, same spending as the serving side's ledger, nothing left
// behind. A point that is not reached fails the test.
//
// Without FAULTS=all every point is tried with kill -9, and each with some of the other kinds; FAULTS=N
// tries N times as many of those, and of the loops' numbers.
func TestFaultMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("runs builder as a process")
	}
	t.Parallel()
	m := newMatrix(t)
	t.Cleanup(m.print)
	for i, p := range faultpoint.Points() {
		for j, k := range faultpoint.Kinds() {
			if !p.Takes(k) || k != faultpoint.Kill && !everyFault() && (i+j)%max(1, sampled/faultShare()) != 0 {
				continue
			}
			t.Run(p.Name+"/"+string(k), func(t *testing.T) {
				t.Parallel()
				m.cell(t, p, k)
			})
		}
	}
}

// sampled is which of the cells besides kill -9 the short form tries: one of so many.
const sampled = 6

// everyFault says whether the long form was asked for.
func everyFault() bool { return os.Getenv("FAULTS") == "all" }

// faultShare is how many times the short form is asked for.
func faultShare() int {
	n, err := strconv.Atoi(os.Getenv("FAULTS"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// matrix gathers what happened in the cells.
type matrix struct {
	t          *testing.T
	tree, head string // of a build without faults
	hits       map[string]int
	mu         sync.Mutex
	ends       map[string]string // by point and kind: how the process with the fault ended
}

// newMatrix builds once without faults, and wants every point reached that any build reaches.
func newMatrix(t *testing.T) *matrix {
	t.Helper()
	f := newFaultSite(t)
	if r := f.carry(""); r.code != 0 {
		t.Fatalf("without faults: exit %d:\n%s", r.code, r.out)
	}
	m := &matrix{t: t, ends: map[string]string{}, hits: f.seen(), tree: f.git("app", "rev-parse", "HEAD^{tree}"), head: f.git("app", "rev-parse", "HEAD")}
	for _, wrong := range f.oracle(m.tree, m.head) {
		t.Errorf("without faults: %s", wrong)
	}
	for _, p := range faultpoint.Points() {
		if p.After == "" && m.hits[p.Name] == 0 {
			t.Errorf("%s is never reached", p.Name)
		}
	}
	if b := f.bill(); b.again != 0 || b.once != b.total || b.total == 0 {
		t.Errorf("without faults the serving side has billed %+v", b)
	}
	return m
}

// cell is one fault in the middle of the build, or at the first time that its point is reached: some are
// reached by the clock, less often in another build.
func (m *matrix) cell(t *testing.T, p faultpoint.Point, k faultpoint.Kind) {
	if p.After == "" && m.fault(t, p, k, m.hits[p.Name]/2+1) {
		return
	}
	if !m.fault(t, p, k, 1) {
		t.Errorf("%s was not reached", p.Name)
	}
}

// fault is one fault and the way to the build's end after it; false when it was not reached.
func (m *matrix) fault(t *testing.T, p faultpoint.Point, k faultpoint.Kind, nth int) bool {
	t.Helper()
	f := newFaultSite(t)
	if p.After != "" {
		if r := f.carry(p.After); r.code == 0 {
			t.Fatalf("%s did no harm:\n%s", p.After, r.out)
		}
		f.seen()
	}
	r := f.carry(fmt.Sprintf("%s:%s@%d", p.Name, k, nth))
	if f.seen()[p.Name] < nth {
		return false
	}
	if why := r.unfit(k); why != "" {
		t.Errorf("%s:\n%s", why, r.out)
	}
	m.note(p.Name, k, r)
	f.toTheEnd(t)
	for _, wrong := range f.oracle(m.tree, m.head) {
		t.Errorf("%s (the process with the fault said:\n%s)", wrong, r.out)
	}
	return true
}

// toTheEnd goes on without faults; once is enough.
func (f *faultSite) toTheEnd(t *testing.T) {
	t.Helper()
	if r := f.carry(""); r.code != 0 {
		t.Fatalf("going on without faults: exit %d:\n%s", r.code, r.out)
	}
}

// unfit says how a process with a fault ended as it must not; "" when it ended well.
func (r ran) unfit(k faultpoint.Kind) string {
	fits := map[faultpoint.Kind][]int{
		faultpoint.Panic: {70}, faultpoint.Term: {0, 130}, faultpoint.Cancel: {0, 130}, faultpoint.Delay: {0},
		faultpoint.EIO: {0, 74}, faultpoint.ENOSPC: {0, 75}, faultpoint.Short: {0, 75},
	}
	switch {
	case k == faultpoint.Kill && r.signal == syscall.SIGKILL, k == faultpoint.Term && r.signal == syscall.SIGTERM:
		return ""
	case !slices.Contains(fits[k], r.code):
		return fmt.Sprintf("%s: exit %d, want one of %v", k, r.code, fits[k])
	}
	errors, hints := 0, 0
	for _, l := range strings.Split(r.out, "\n") {
		switch {
		case strings.HasPrefix(l, "builder: E_"):
			errors++
		case strings.HasPrefix(l, "hint: "):
			hints++
		case strings.HasPrefix(l, "goroutine "), strings.HasPrefix(l, "panic: "), strings.Contains(l, ".go:"):
			return "a stack trace"
		}
	}
	if want := min(r.code, 1); errors != want || hints != want {
		return fmt.Sprintf("exit %d with %d errors and %d hints", r.code, errors, hints)
	}
	return ""
}

// String is a cell of the table.
func (r ran) String() string {
	if r.signal != 0 {
		return strings.TrimPrefix(r.signal.String(), "SIG")
	}
	return fmt.Sprint(r.code)
}

func (m *matrix) note(point string, k faultpoint.Kind, r ran) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ends[point+":"+string(k)] = r.String()
}

// print shows every cell by the exit code of the process that had the fault.
func (m *matrix) print() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	row := func(name string, cell func(faultpoint.Kind) string) {
		fmt.Fprintf(&b, "%-24s", name)
		for _, k := range faultpoint.Kinds() {
			fmt.Fprintf(&b, "%12s", cell(k))
		}
		b.WriteString("\n")
	}
	row("point", func(k faultpoint.Kind) string { return string(k) })
	count := map[faultpoint.Kind]int{}
	for _, p := range faultpoint.Points() {
		row(p.Name, func(k faultpoint.Kind) string {
			end, tried := m.ends[p.Name+":"+string(k)]
			switch {
			case tried:
				count[k]++
				return end
			case p.Takes(k):
				return "."
			}
			return "-"
		})
	}
	row("cells", func(k faultpoint.Kind) string { return fmt.Sprint(count[k]) })
	m.t.Logf("%d cells; how the process with the fault ended (. not tried, - does not apply)\n%s", len(m.ends), b.String())
}
