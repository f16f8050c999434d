package bench

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// table runs all rows at full size and prints them; without it they run small, to keep them alive.
var table = flag.Bool("table", false, "measure at full size and print the table")

// row is one line of the table.
type row struct{ what, figure, baseline, target string }

// sizes say how much is measured.
type sizes struct {
	calls, groups, starts, commits int
	files                          int
	histories                      []int
	tasks                          int
	answer                         time.Duration
	engines, warm                  int // tasks by a CLI, and those before that do not count
}

func size() sizes {
	if *table {
		return sizes{calls: 300, groups: 40, starts: 21, commits: 20, files: 2000, histories: []int{1000, 10_000, 50_000}, tasks: 1000, answer: 50 * time.Millisecond, engines: 5, warm: 1}
	}
	return sizes{calls: 3, groups: 2, commits: 1, files: 20, histories: []int{20, 40, 80}, tasks: 4, answer: time.Millisecond, engines: 1}
}

func TestTable(t *testing.T) {
	if !*table && testing.Short() {
		t.Skip("short")
	}
	var rows []row
	for _, measure := range []func(*testing.T, sizes) []row{intentRow, callRow, groupRow, startRows, commitRow, resumeRows, parallelRow, buildRows, promptRow, engineRows} {
		rows = append(rows, measure(t, size())...)
	}
	if *table {
		print(t, rows)
	}
}

func print(t *testing.T, rows []row) {
	fmt.Printf("\n%s, %d CPUs, %s/%s, load %s\n\n", runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, load())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tFIGURE\tBASELINE, SAME RUN\tTARGET")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.what, r.figure, r.baseline, r.target)
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
	fmt.Println("\nTargets are figures to reach, not limits of this test; docs/benchmarks.md says how each is measured.")
}

// load is the machine's load, for the reader to judge the noise.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(raw))[:3], " ")
}

// median of what was measured; the mean of a disk is ruled by its hiccups.
func median(d []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[len(s)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f x", float64(a)/float64(b)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
