package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// keeper backs the journal up beside the build: when its plan is there, when the last task of a phase
// is done or failed, and when the build ends. It implements phases.Observer. A backup that cannot be
// made is said, and changes nothing: the journal is the truth.
type keeper struct {
	store *store
	floor int64 // bytes that must stay free
	say   func(format string, args ...any)
	plans planCache // used by the writer's goroutine
	ask   chan struct{}
	done  chan struct{}
	told  bool
}

// newKeeper starts the goroutine that makes backups. Close it once nothing is observed any more.
func (s *session) newKeeper(ctx context.Context) *keeper {
	ctx = context.WithoutCancel(ctx)
	k := &keeper{
		store: s.store, floor: s.set.minFree(), say: s.app.say, plans: planCache{ctx: ctx, blobs: s.store.blobs},
		ask: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go func() {
		defer close(k.done)
		for range k.ask {
			k.backUp(ctx)
		}
	}()
	return k
}

// Observe implements phases.Observer. It only asks: one backup that waits is enough for all.
func (k *keeper) Observe(envs []checkpoint.Envelope, s *phases.State) {
	for _, e := range envs {
		if !k.due(e, s) {
			continue
		}
		select {
		case k.ask <- struct{}{}:
		default:
		}
		return
	}
}

// Close waits for the backup that is being made.
func (k *keeper) Close() {
	close(k.ask)
	<-k.done
}

// due says whether a record ends a phase, planning, or the build.
func (k *keeper) due(e checkpoint.Envelope, s *phases.State) bool {
	switch phases.Kind(e.Kind) {
	case phases.KindPlanAccepted, phases.KindPlanAmended, phases.KindFinished:
		return true
	case phases.KindTaskDone, phases.KindTaskFailed:
	default:
		return false
	}
	f, err := phases.Decode(e.Kind, e.Payload)
	plan := k.plans.of(s)
	return err == nil && plan != nil && ended(plan, s, plan.PhaseOf(planner.TaskID(phases.TaskOf(f))))
}

// ended says whether nothing of a phase is left to do.
func ended(p *planner.Plan, s *phases.State, id planner.PhaseID) bool {
	for _, ph := range p.Phases {
		if ph.ID != id {
			continue
		}
		standing := phases.Standings(p, s)
		return !slices.ContainsFunc(ph.Tasks, func(t planner.Task) bool {
			return standing[t.ID] == phases.TaskPending || standing[t.ID] == phases.TaskRunning
		})
	}
	return false
}

// backUp makes a backup where it leaves room for what is paid for.
func (k *keeper) backUp(ctx context.Context) {
	st := k.store
	info, err := os.Stat(st.journal.Path())
	if err == nil {
		var here area
		if here, err = areaOf(st.build(st.id)); err == nil && here.free < 2*info.Size()+k.floor {
			err = fmt.Errorf("%w: %d KiB are free", checkpoint.ErrFull, here.free>>10)
		}
	}
	if err == nil {
		_, err = st.journal.Backup(ctx, st.backups(st.id))
	}
	switch {
	case err == nil || k.told:
	case errors.Is(err, checkpoint.ErrCorrupt):
		k.say("warning: the journal is damaged: look with: builder checkpoint verify %s; %s", word(st.app), err)
		k.told = true
	default:
		k.say("warning: no backup of the journal: %s", err)
		k.told = true
	}
}
