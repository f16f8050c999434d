package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/crash"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

// crewModel is a crew as a trial's model.
type crewModel struct{ *agenttest.Crew }

func (m crewModel) Charges() []crash.Charge {
	var out []crash.Charge
	for _, c := range m.Bill().Charges {
		out = append(out, crash.Charge{Body: c.Body, Question: c.Question, Task: c.Task, Cost: c.Cost})
	}
	return out
}

// halting lets an answer stand still before its last events, so that kills also find answers in part.
func halting(d time.Duration) func(agenttest.Request) *agenttest.Fault {
	return func(agenttest.Request) *agenttest.Fault {
		open := make(chan struct{})
		time.AfterFunc(d, func() { close(open) })
		return &agenttest.Fault{Pause: open}
	}
}

// soakNumber is a number from the environment.
func soakNumber[T int | uint64](t *testing.T, name string, otherwise T) T {
	t.Helper()
	n := otherwise
	if s := os.Getenv(name); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return n
}

// soakShard is how many kills one trial has at most; trials of one run go side by side.
const soakShard = 50

// Laws L1 to L4 and L6 with eight workers: killed at random moments, a fifth of them in recovery,
// terminated, interrupted, stopped, started twice and with clocks that step, builds of many tasks come
// to the tree of one that ran through; and after every round and at every end the whole oracle holds.
// The long form is SOAK_KILLS=200 (make crash); SOAK_SEED=N draws the same schedules again.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("runs builder as a process, many times")
	}
	t.Parallel()
	kills := soakNumber(t, "SOAK_KILLS", 15)
	seed := soakNumber(t, "SOAK_SEED", uint64(time.Now().UnixNano()))
	t.Logf("SOAK_SEED=%d SOAK_KILLS=%d", seed, kills)
	for n := uint64(0); kills > 0; n++ {
		part := min(kills, soakShard)
		kills -= part
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			soak(t, seed+n, part)
		})
	}
}

func soak(t *testing.T, seed uint64, kills int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	job := agenttest.Job{Tasks: 32, Width: 16, Calls: 3, Shared: true}
	stopped := 300 * time.Millisecond
	if kills >= soakShard {
		stopped = 2 * time.Second
	}
	m, err := crash.Run(t.Context(), crash.Config{
		Exe: exe, Path: os.Getenv("PATH"), Dir: t.TempDir(),
		Job: crash.Job{SpecFile: agenttest.SpecFile, Spec: job.Spec(), Plan: job.Plan(), Tasks: job.Tasks},
		Model: func() (crash.Model, error) {
			return crewModel{&agenttest.Crew{Latency: 100 * time.Millisecond, Fault: halting(100 * time.Millisecond)}}, nil
		},
		Workers: 8, Seed: seed, Kills: kills, Others: max(1, kills/15), Stopped: stopped, Cap: 8,
		Tell: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range m.Wrong {
		t.Errorf("%s", w)
	}
	t.Logf("%+v", m)
	t.Log(m.Bound())
}
