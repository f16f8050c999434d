package simtest

import (
	"strings"
	"testing"
)

// The oracle sees what a repository can do wrong: the branch moved before the objects are safe, and a
// branch taken for safe because it is there, though the process that moved it was killed before it
// synced that. What product code can do wrong stands in package laws.
func TestOracleSees(t *testing.T) {
	if testing.Short() {
		t.Skip("lives many seeds")
	}
	t.Parallel()
	var refs wholes
	scratch := t.TempDir()
	for sloppy, says := range map[string]string{
		"branch first":     "there is no such commit",
		"trust the branch": "the branch has",
	} {
		found := ""
		for seed := uint64(1); seed < 2000 && found == ""; seed++ {
			p := plotOf(seed)
			p.deaths, p.faults, p.tight, p.rough, p.stops = 5, false, false, false, false
			w := simulate(t, seed, &refs, scratch, p, func(w *world) {
				w.sloppy = sloppy
				w.aim = []place{{"sync", gitDir}, {"rename", gitDir}}
			})
			for _, problem := range w.problems {
				if strings.Contains(problem, says) {
					found = problem
				}
			}
		}
		if found == "" {
			t.Errorf("%s: nothing is seen", sloppy)
		} else {
			t.Logf("%s: %s", sloppy, found)
		}
	}
}
