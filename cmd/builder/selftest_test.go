package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/crash"
)

// A selftest that is stopped leaves no folder and no process.
func TestSelftestStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t, script(honest()...))
	if err := os.Mkdir(s.path("disk"), 0o700); err != nil {
		t.Fatal(err)
	}
	run := s.start("selftest", "--crash", "--rounds", "50", "--dir", "disk")
	run.await("without a fault")
	run.kill(syscall.SIGINT)
	has(t, run.end(130), "builder: E_INTERRUPTED: ")
	left, err := os.ReadDir(s.path("disk"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if found := crash.Alive(t.Context(), filepath.Join(s.dir, "disk")); len(found) > 0 {
		t.Errorf("still running: %q", found)
	}
}

// liar is a model whose bill is not what it should be.
type liar struct {
	*crash.Answerer
	lie func([]crash.Charge) []crash.Charge
}

func (l liar) Charges() []crash.Charge { return l.lie(l.Answerer.Charges()) }

// lies are two faults that the oracle must find, and what it says of them.
func lies() map[string]func([]crash.Charge) []crash.Charge {
	return map[string]func([]crash.Charge) []crash.Charge{
		"was billed 2 times, is booked as answered 1 times": func(c []crash.Charge) []crash.Charge { return append(c, c[0]) },
		"are spent; the bill without what is unknown is": func(c []crash.Charge) []crash.Charge {
			c[0].Cost--
			return c
		},
		"was billed and is not booked": func(c []crash.Charge) []crash.Charge { return append(c, crash.Charge{Body: "x", Question: "x"}) },
	}
}

// The oracle of the selftest can fail: it finds a call that was paid for twice, one that is booked for
// another amount and one that is not booked at all.
func TestSelftestFindsLies(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs builder as a process")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for want, lie := range lies() {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			_, err := crash.Run(t.Context(), crash.Config{
				Exe: exe, Path: os.Getenv("PATH"), Dir: t.TempDir(), Job: crash.Small(2), Workers: 2, Seed: 1, Kills: 1, Cap: 4,
				Model: func() (crash.Model, error) {
					a, err := crash.NewAnswerer(0)
					return liar{a, lie}, err
				},
			})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the oracle says %v, want: %s", err, want)
			}
		})
	}
}

var _ http.Handler = liar{}
