package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// chain is a plan of tasks one after the other, each of which writes a file of its own.
func chain(n int) func(*planner.Plan) {
	return func(p *planner.Plan) {
		first := p.Phases[0].Tasks[0]
		for i := range n {
			name := fmt.Sprintf("f%d.txt", i)
			gate := planner.Gate{ID: planner.GateID(fmt.Sprintf("g%d", i)), Kind: planner.GateFile, Files: []planner.FileCheck{{Path: name, Contains: []string{"x"}}}}
			p.Gates = append(p.Gates, gate)
			t := planner.Task{ID: planner.TaskID(fmt.Sprintf("main.t%d", i)), Title: name, Goal: "Write " + name, Gates: []planner.GateID{gate.ID}, Needs: []planner.TaskID{first.ID}}
			if i > 0 {
				t.Needs = []planner.TaskID{planner.TaskID(fmt.Sprintf("main.t%d", i-1))}
			}
			p.Phases[0].Tasks = append(p.Phases[0].Tasks, t)
		}
	}
}

// rower does the tasks of chain, in two turns each, and tells moments of every question.
func rower(moments chan<- struct{}) func(int, agenttest.Request) agenttest.Turn {
	return func(_ int, req agenttest.Request) agenttest.Turn {
		select {
		case moments <- struct{}{}:
		default:
		}
		if len(req.Wire.Messages) > 1 {
			return agenttest.Use(agenttest.Finish("done"))
		}
		said := req.Said()
		name := "hello.txt"
		if at := strings.Index(said, `<task id="main.t`); at >= 0 {
			name = "f" + said[at+len(`<task id="main.t`):at+len(`<task id="main.t`)+1] + ".txt"
		}
		return agenttest.Use(agenttest.Write(name, "x hello\n"))
	}
}

// orderer gives orders while a build runs, is killed and is taken up again.
type orderer struct {
	app     *app
	dir     string
	acks    map[string]control.Reply
	reqs    map[string]control.Request
	caps    []string // ids of caps that were taken, in their order
	refused map[string]bool
}

// give wants an order taken, or refused because the build is done.
func (o *orderer) give(t *testing.T, req control.Request) {
	f, err := openFolder(o.dir)
	if err != nil {
		t.Error(err)
		return
	}
	rep, _, err := o.app.give(context.WithoutCancel(t.Context()), f, req)
	var said *control.Fault
	var refused *phases.OrderError
	switch {
	case errors.As(err, &said) && said.Code == phases.CodeOrderState, errors.As(err, &refused) && refused.Code == phases.CodeOrderState:
		o.refused[req.ID] = true
		return
	case err != nil:
		t.Errorf("order %s: %v", req.ID, err)
		return
	}
	if before, ok := o.acks[req.ID]; ok && (before.Seq != rep.Seq || !before.Time.Equal(*rep.Time) || before.Point != rep.Point) {
		t.Errorf("order %s was acknowledged as %+v, then as %+v", req.ID, before, rep)
	}
	if _, ok := o.acks[req.ID]; !ok && req.Verb == string(phases.OrderCap) {
		o.caps = append(o.caps, req.ID)
	}
	o.acks[req.ID], o.reqs[req.ID] = rep, req
}

// Killed at random moments around orders that are sent again until they are acknowledged, a build
// has carried each of them out once, and ends as it would have.
func TestKillAroundOrders(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("KILL_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("KILL_SEED=%d", seed)
	rounds := 1
	if s := os.Getenv("KILL_ROUNDS"); s != "" {
		if _, err := fmt.Sscan(s, &rounds); err != nil {
			t.Fatal(err)
		}
	}
	for round := range rounds {
		killAroundOrders(t, rand.New(rand.NewPCG(seed, uint64(round))))
	}
}

func killAroundOrders(t *testing.T, rng *rand.Rand) {
	t.Helper()
	const mostKills = 3
	moments := make(chan struct{}, 256)
	s := newSite(t, rower(moments), chain(5))
	o := &orderer{
		app: &app{env: s.env, out: io.Discard, err: io.Discard}, dir: s.path("app"),
		acks: map[string]control.Reply{}, reqs: map[string]control.Request{}, refused: map[string]bool{},
	}
	var victim atomic.Pointer[os.Process]
	var kills atomic.Int64
	done := make(chan struct{})
	var giving sync.WaitGroup
	giving.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-moments:
			case <-done:
				return
			}
			req := control.Request{ID: fmt.Sprintf("o-%d", n), Verb: "note", Text: fmt.Sprintf("note number %d.", n)}
			if n%2 == 0 {
				req = control.Request{ID: req.ID, Verb: "cap", MaxCost: fmt.Sprintf("%d.25", 20+n)}
			}
			if p := victim.Load(); p != nil && rng.IntN(2) == 0 && kills.Load() < mostKills {
				time.AfterFunc(time.Duration(rng.IntN(12_000))*time.Microsecond, func() {
					if p.Signal(syscall.SIGKILL) == nil {
						kills.Add(1)
					}
				})
			}
			o.give(t, req)
		}
	})
	args := s.args("--build-id", "b-orders")
	for {
		c, out := s.command(args...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		victim.Store(c.Process)
		err := c.Wait()
		if err == nil {
			break
		}
		if code := c.ProcessState.ExitCode(); code != -1 && !strings.Contains(out.String(), "E_LOCKED") {
			t.Fatalf("exit %d:\n%s", code, out)
		}
		args = []string{"resume", "app"}
	}
	close(done)
	giving.Wait()
	for _, req := range o.reqs { // all of them once more
		o.give(t, req)
	}
	t.Logf("%d kills, %d orders taken, %d refused at the end", kills.Load(), len(o.acks), len(o.refused))
	o.verify(t, s)
}

// verify wants one record for each order that was acknowledged, where the acknowledgement says.
func (o *orderer) verify(t *testing.T, s *site) {
	t.Helper()
	s.verified()
	f, err := openFolder(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	st, err := viewStore(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	records := map[string][]uint64{}
	err = st.journal.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		got, err := phases.Decode(e.Kind, e.Payload)
		if given, ok := got.(phases.Ordered); ok {
			records[given.ID] = append(records[given.ID], e.Seq)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, ack := range o.acks {
		if got := records[id]; len(got) != 1 || got[0] != ack.Seq {
			t.Errorf("order %s was acknowledged as record %d, it is in %v", id, ack.Seq, got)
		}
	}
	for id := range records {
		if _, ok := o.acks[id]; !ok {
			t.Errorf("order %s is recorded and was never acknowledged", id)
		}
	}
	if n := len(o.caps); n > 0 {
		if want := o.reqs[o.caps[n-1]].MaxCost; fmt.Sprintf("%.2f", float64(s.status("app").Budget.Cap)/1e6) != want {
			t.Errorf("the cap is %d, the last order was %s", s.status("app").Budget.Cap, want)
		}
	}
	for i, req := range s.srv.Requests() {
		for id := range o.acks {
			text := fmt.Sprintf("note number %s.", strings.TrimPrefix(id, "o-"))
			if n := strings.Count(req.Said(), text); n > 1 {
				t.Errorf("question %d is told %q %d times", i, text, n)
			}
		}
	}
}
