package simtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/pace"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// world is what outlives processes, and the oracle that looks at it.
type world struct {
	seed     uint64
	rng      *rand.Rand
	story    *story
	disk     *disk
	provider *provider
	scratch  string
	workers  int
	caps     budget.Caps
	aim      []place // where lives end, in one of two
	sloppy   string  // what the repository does wrong

	mu         sync.Mutex
	book       *book           // of what is known to be durable
	acked      uint64          // the newest record that somebody was told of
	excused    map[string]bool // calls that a death may have cost their answer
	mustAnswer map[string]bool // calls whose answer was whole on the disk after a death
	received   map[string]bool // spools that hold a whole answer, by the last write to them
	problems   []string
	history    []string // of lives
	trace      uint64
}

// newWorld makes the world of a seed, with its repository.
func newWorld(seed uint64, s *story, scratch string) *world {
	rng := rand.New(rand.NewPCG(seed, 0x3041d))
	return &world{
		seed: seed, rng: rng, story: s, disk: newDisk(), scratch: scratch, workers: 1,
		provider: &provider{story: s, seed: seed}, caps: budget.Caps{USD: 50 * budget.Dollar}, aim: places,
		book: newBook(), excused: map[string]bool{}, mustAnswer: map[string]bool{}, received: map[string]bool{},
	}
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.problems) < 12 {
		w.problems = append(w.problems, fmt.Sprintf(format, args...))
	}
}

// live is one life: what a process does from its start to its end. The state is nil when it did not
// come to one; stopped ends when a person wants the build to stop.
func (w *world) live(ctx, stopped context.Context, l *life) (end *phases.State, err error) {
	m := mount{w.disk, l}
	store, err := blob.OpenOn(m, blobDir)
	if err != nil {
		return nil, err
	}
	spools, err := blob.OpenSpools(store, spoolDir)
	if err != nil {
		return nil, err
	}
	j, err := openJournal(m, journalDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	eye := l.eye
	writer, err := phases.OpenWriter(ctx, j, nil, eye)
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		verr := writer.View(ctx, func(s *phases.State) { end, err = s, errors.Join(err, w.folded(j, s)) })
		err = errors.Join(err, verr, writer.Close(ctx))
	}()
	if err := w.begin(ctx, writer, store, l); err != nil {
		return nil, err
	}
	if err := phases.Recover(ctx, writer, spools, func(h budget.Hold, raw []byte) budget.Settlement { return meter.Recover(ctx, h, raw) }); err != nil {
		return nil, err
	}
	if left := w.disk.list(spoolDir); len(left) > 0 && !l.died() {
		eye.fail("spools are left after recovery: %v", left)
	}
	e, err := w.engine(ctx, writer, store, spools, m, eye)
	if err != nil {
		return nil, err
	}
	return nil, e.Run(stopped)
}

// begin records what a process records first.
func (w *world) begin(ctx context.Context, writer *phases.Writer, store *blob.Store, l *life) error {
	var fresh, planned bool
	if err := writer.View(ctx, func(s *phases.State) { fresh, planned = s.Seq == 0, s.Plan != "" }); err != nil {
		return err
	}
	start := []phases.Fact{phases.SessionStarted{PID: l.number, Resumed: !fresh}}
	if fresh {
		spec, err := store.Put(ctx, []byte("a spec"))
		if err != nil {
			return err
		}
		start = append([]phases.Fact{phases.BuildStarted{Build: "b-sim", Spec: spec, Model: "sim", Author: "B <b@x>", Caps: w.caps}}, start...)
	}
	if w.book.cap != 0 && w.book.cap < w.caps.USD {
		start = append(start, phases.CapsRaised{Caps: w.caps, By: "user"})
	}
	if err := writer.Record(ctx, start...); err != nil {
		return err
	}
	if planned || w.story.drafted {
		return nil
	}
	return phases.AcceptPlan(ctx, writer, store, &w.story.plan, "user")
}

// engine joins what is real and what is simulated.
func (w *world) engine(ctx context.Context, writer *phases.Writer, store *blob.Store, spools *blob.Spools, m mount, eye *watch) (*phases.Engine, error) {
	rt := &meter.Transport{
		Base: endpoint.Patience{Base: wire{w.provider, eye}}, Ledger: writer, Spools: meterSpools{spools}, Blobs: meterBlobs{store}, KeepRequests: true,
		Prices: func(string) (budget.Price, error) { return sells(), nil },
	}
	model, err := anthropic.New(anthropic.Config{
		HTTPClient: meter.NewClient(rt), BaseURL: "http://localhost", Lost: func(err error) bool { return errors.Is(err, meter.ErrIncomplete) },
	})
	if err != nil {
		return nil, err
	}
	var until time.Time
	if err := writer.View(ctx, func(s *phases.State) { until = s.NotBefore }); err != nil {
		return nil, err
	}
	return &phases.Engine{
		Writer: writer, Blobs: store, Trees: trees{m, store, map[checkpoint.Hash]bool{}, eye}, Repo: repo{m, store, w.sloppy}, Gates: gates{m, eye}, Bench: bench{m, eye},
		Model: model, Spec: &planner.Spec{Text: "a spec", Path: "spec.md"}, Draft: draft, Scratch: w.scratch,
		Set:  phases.Settings{Model: "sim", MaxTokens: 2000},
		Pace: pace.New(pace.Options{NotBefore: until}), Stop: phases.Stop{Grace: 30 * time.Second}, Workers: w.workers,
	}, nil
}

// draft asks for the plan.
func draft(ctx context.Context, a planner.Asker, s *planner.Spec, _ string) (*planner.Plan, error) {
	raw, err := a.Ask(ctx, planner.Question{System: []string{"plan"}, Prompt: "plan " + s.Text})
	if err != nil {
		return nil, err
	}
	var p planner.Plan
	return &p, json.Unmarshal(raw, &p)
}

// folded compares the state with the fold of all records, from the first on.
func (w *world) folded(j *journal, s *phases.State) error {
	fold := phases.NewState()
	if j.poisoned != nil {
		return nil
	}
	for _, e := range j.records {
		if err := fold.ApplyEnvelope(e); err != nil {
			return err
		}
	}
	if fold.Seq != s.Seq {
		return nil // what a reading tool answered rides with the next record
	}
	want, err1 := json.Marshal(fold)
	got, err2 := json.Marshal(s)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if string(want) != string(got) {
		w.fail("the state is not the fold of the records:\n%s\n%s", got, want)
	}
	return nil
}

// meterSpools and meterBlobs hand the stores to the meter in its own words, as the program does.
type meterSpools struct{ checkpoint.Spools }

func (s meterSpools) Create(name string) (meter.Spool, error) {
	sp, err := s.Spools.Create(name)
	if err != nil {
		return nil, err
	}
	return meterSpool{sp}, nil
}

type meterSpool struct{ checkpoint.Spool }

func (s meterSpool) Keep(ctx context.Context) (string, error) {
	h, err := s.Spool.Keep(ctx)
	return string(h), err
}

type meterBlobs struct{ checkpoint.Blobs }

func (b meterBlobs) Put(ctx context.Context, content []byte) (string, error) {
	h, err := b.Blobs.Put(ctx, content)
	return string(h), err
}

var _ agent.Model = (*anthropic.Client)(nil)

// mayPause says whether an end of a process is one that something gave it reason for.
func (w *world) mayPause(l *life, err error) bool {
	var pause *phases.PauseError
	if errors.As(err, &pause) {
		switch pause.Reason.Code {
		case phases.CodeBudget:
			return true // whether too early, the caps of the next life tell
		case phases.CodeInterrupted:
			return l.excused()
		case phases.CodeDisk:
			return l.faults() > 0 && errors.Is(l.fate.fault, syscall.ENOSPC)
		case phases.CodeProvider:
			return w.provider.rough
		}
		return false
	}
	return l.faults() > 0
}
