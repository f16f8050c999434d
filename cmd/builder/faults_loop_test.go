//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// spread is n numbers from 1 to most, evenly: all of them when the long form was asked for.
func spread(n, most int) []int {
	var out []int
	step := max(1, most/(n*faultShare()))
	if everyFault() {
		step = 1
	}
	for i := 1 + step/2; i <= most; i += step {
		out = append(out, i)
	}
	return out
}

// The N-th operation that can fail does, for N = 1, 2, 3 and so on over the whole build: once, and from
// there on. Whatever it is, builder ends with one line and the right code, or does without it and says
// so; without the fault it goes on to the same commits.
func TestFaultEveryOperation(t *testing.T) {
	if testing.Short() {
		t.Skip("runs builder as a process")
	}
	t.Parallel()
	m := newMatrix(t)
	failing, all := 0, 0
	for _, p := range faultpoint.Points() {
		all += m.hits[p.Name]
		if p.Fails {
			failing += m.hits[p.Name]
		}
	}
	t.Logf("%d operations, %d of which can fail", all, failing)
	for _, c := range []struct {
		kind faultpoint.Kind
		on   string // what follows the number
		most int
		n    int // of the short form
	}{
		{faultpoint.EIO, "", failing, 2}, {faultpoint.EIO, "+", failing, 2}, {faultpoint.ENOSPC, "", failing, 2}, {faultpoint.ENOSPC, "+", failing, 2},
		{faultpoint.Kill, "", all, 3}, {faultpoint.Panic, "", all, 2},
	} {
		for i, n := range spread(c.n, c.most) {
			site, name := newFaultSite, "one by one"
			if i%2 == 1 {
				site, name = newWideSite, "side by side"
			}
			t.Run(fmt.Sprintf("%s@%d%s, %s", c.kind, n, c.on, name), func(t *testing.T) {
				t.Parallel()
				m.survives(t, site(t), c.kind, fmt.Sprintf("*:%s@%d%s", c.kind, n, c.on))
			})
		}
	}
}

// survives runs with a fault and goes on without.
func (m *matrix) survives(t *testing.T, f *faultSite, k faultpoint.Kind, faults string) {
	t.Helper()
	r := f.carry(faults)
	if why := r.unfit(k); why != "" && r.code != 0 { // the last ones of a build may not be reached
		t.Errorf("%s:\n%s", why, r.out)
	}
	f.toTheEnd(t)
	for _, wrong := range f.oracle(m.tree, m.head) {
		t.Errorf("%s (the process with the fault said:\n%s)", wrong, r.out)
	}
}

// A fault in the recovery of a fault: killed at one point, killed again at another while it goes on from
// there, and then left alone.
func TestFaultInRecovery(t *testing.T) {
	if testing.Short() {
		t.Skip("runs builder as a process")
	}
	t.Parallel()
	m := newMatrix(t)
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("FAULT_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FAULT_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 19))
	pairs := 6 * faultShare()
	if everyFault() {
		pairs = 200
	}
	points := faultpoint.Points()
	for range pairs {
		first, second := points[rng.IntN(len(points))], points[rng.IntN(len(points))]
		for first.After != "" {
			first = points[rng.IntN(len(points))]
		}
		nth := 1 + rng.IntN(m.hits[first.Name])
		t.Run(fmt.Sprintf("%s@%d then %s", first.Name, nth, second.Name), func(t *testing.T) {
			t.Parallel()
			f := newFaultSite(t)
			for _, faults := range []string{fmt.Sprintf("%s:kill@%d", first.Name, nth), second.Name + ":kill"} {
				if r := f.carry(faults); r.code != 0 && r.unfit(faultpoint.Kill) != "" { // recovery need not come to that point
					t.Errorf("%s: exit %d:\n%s", faults, r.code, r.out)
				}
			}
			f.toTheEnd(t)
			for _, wrong := range f.oracle(m.tree, m.head) {
				t.Error(wrong)
			}
		})
	}
}

// The kernel's own errors: the N-th call of a kind fails, in bbolt's code as in ours. strace counts by
// thread, so the numbers sweep and do not aim.
func TestFaultOfSystemCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("runs builder as a process")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not here")
	}
	if out, err := exec.Command(strace, "-f", "-o", os.DevNull, "-e", "inject=fsync:error=EIO:when=1000", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %s", out)
	}
	t.Parallel()
	m := newMatrix(t)
	i := 0
	for _, call := range []string{"fdatasync", "fsync", "pwrite64", "/^rename", "linkat"} {
		for _, errno := range []string{"EIO", "ENOSPC", "EDQUOT"} {
			k := faultpoint.ENOSPC // a quota that is used up is a full disk
			if errno == "EIO" {
				k = faultpoint.EIO
			}
			for n := 1; n <= 40; n++ {
				if i++; !everyFault() && i%max(1, 37/faultShare()) != 0 {
					continue
				}
				inject := fmt.Sprintf("inject=%s:error=%s:when=%d", call, errno, n)
				t.Run(strings.ReplaceAll(inject, "/", ""), func(t *testing.T) {
					t.Parallel()
					f := newFaultSite(t)
					f.under = []string{strace, "-f", "-o", os.DevNull, "-e", inject}
					m.survives(t, f, k, "")
				})
			}
		}
	}
}
