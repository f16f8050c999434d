package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/projection"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// mirror keeps events.ndjson and status.json beside the journal for readers outside this process.
// It implements phases.Observer. What it cannot write is said at Close: the journal is the truth,
// and the next process catches up.
type mirror struct {
	store  *store
	events *projection.Events
	plans  planCache
	wrote  time.Time
	took   time.Duration // for the last status.json
	owed   bool          // records have come since
	looked bool          // for plan.yaml
	err    error
	socket atomic.Pointer[string] // that takes orders
	last   phases.Status          // as written
}

// status.json is rewritten at once for what people wait for, else at most every statusEvery, and never
// for more than a share of the time: a status of a thousand tasks takes some milliseconds.
const (
	statusEvery = 100 * time.Millisecond
	statusShare = 20
)

func openMirror(ctx context.Context, s *store) (*mirror, error) {
	last, err := s.journal.Last(ctx)
	if err != nil {
		return nil, err
	}
	ev, err := projection.OpenEvents(s.events(s.id), last)
	if err != nil {
		return nil, err
	}
	if err := ev.CatchUp(ctx, s.journal); err != nil {
		return nil, errors.Join(err, ev.Close())
	}
	return &mirror{store: s, events: ev, plans: planCache{ctx: context.WithoutCancel(ctx), blobs: s.blobs}}, nil
}

// Observe implements phases.Observer.
func (m *mirror) Observe(envs []checkpoint.Envelope, s *phases.State) {
	if err := m.append(envs); err != nil && m.err == nil {
		m.err = err
	}
	m.keepPlan(envs, s)
	m.owed = true
	if notable(envs) || time.Since(m.wrote) >= max(statusEvery, statusShare*m.took) {
		m.keepStatus(s)
	}
}

// Rest implements phases.Rester.
func (m *mirror) Rest(s *phases.State) {
	if m.owed {
		m.keepStatus(s)
	}
}

func (m *mirror) keepStatus(s *phases.State) {
	start := time.Now()
	m.last = phases.StatusOf(m.plans.of(s), s)
	if path := m.socket.Load(); path != nil {
		m.last.Control = *path
	}
	m.write()
	m.owed, m.wrote = false, time.Now()
	m.took = m.wrote.Sub(start)
}

func (m *mirror) write() {
	raw, err := json.Marshal(m.last)
	if err == nil {
		err = m.store.roomy(func() error { return projection.WriteStatus(m.store.status(m.store.id), raw) })
	}
	if err != nil && m.err == nil {
		m.err = err
	}
}

// listens says where orders are taken from now on; "" nowhere. It stands in what is written next.
func (m *mirror) listens(path string) { m.socket.Store(&path) }

// append writes lines. One that met a full disk is torn: where there is room now, the file is opened
// anew, which cuts the torn line, and catches up with the journal.
func (m *mirror) append(envs []checkpoint.Envelope) error {
	err := m.events.Append(envs...)
	if !full(err) || !m.store.ballast.Release() {
		return err
	}
	last := envs[len(envs)-1].Seq
	again, oerr := projection.OpenEvents(m.store.events(m.store.id), last)
	if oerr != nil {
		return errors.Join(err, oerr)
	}
	old := m.events
	m.events = again
	return errors.Join(old.Close(), again.CatchUp(m.plans.ctx, m.store.journal))
}

// keepPlan writes plan.yaml for people when a plan is accepted or amended, and where it is missing at
// the first records of a process.
func (m *mirror) keepPlan(envs []checkpoint.Envelope, s *phases.State) {
	keep := lackPlanFile
	if slices.ContainsFunc(envs, func(e checkpoint.Envelope) bool {
		return e.Kind == string(phases.KindPlanAccepted) || e.Kind == string(phases.KindPlanAmended)
	}) {
		keep = keepPlanFile
	} else if m.looked {
		return
	}
	m.looked = true
	p := m.plans.of(s)
	if p == nil {
		return
	}
	if err := keep(m.store.planFile(m.store.id), p); err != nil && m.err == nil {
		m.err = err
	}
}

// notable records show in the status at once.
func notable(envs []checkpoint.Envelope) bool {
	for _, e := range envs {
		switch phases.Kind(e.Kind) {
		case phases.KindPaused, phases.KindFinished, phases.KindSessionStarted, phases.KindPlanAccepted, phases.KindPlanAmended, phases.KindUserCommitted, phases.KindOrdered, phases.KindQuestionAsked:
			return true
		}
	}
	return false
}

// Close ends the mirror and says what could not be written.
func (m *mirror) Close() error {
	if m.last.Control != "" { // nobody listens any more
		m.last.Control = ""
		m.write()
	}
	err := errors.Join(m.err, m.events.Close())
	if err != nil {
		return fmt.Errorf("write events and status: %w", err)
	}
	return nil
}

// planCache reads the plan that a state names, once per change.
type planCache struct {
	ctx   context.Context
	blobs checkpoint.Blobs
	at    checkpoint.Hash
	plan  *planner.Plan
}

func (c *planCache) of(s *phases.State) *planner.Plan {
	if s.Plan == "" {
		return nil
	}
	if s.Plan != c.at {
		p, err := phases.ReadPlan(c.ctx, c.blobs, s.Plan)
		if err != nil {
			return nil
		}
		c.at, c.plan = s.Plan, p
	}
	return c.plan
}
