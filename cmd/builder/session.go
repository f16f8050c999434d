package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
	known "github.com/seed-c331f47d/builder/internal/usage"
)

// grace is how long calls in flight may still arrive after the first Ctrl-C.
const grace = 30 * time.Second

// brake turns a person's signals and the time limit into the end of a context: the first Ctrl-C
// lets calls in flight arrive, the second cuts them.
type brake struct {
	stop   phases.Stop
	cancel context.CancelCauseFunc
	ch     chan os.Signal
	asked  chan struct{} // by an order
	done   chan struct{}
	hits   atomic.Int32 // signals so far
}

// newBrake watches signals until release. say tells the person what a Ctrl-C did.
func newBrake(ctx context.Context, limit time.Duration, say func(first bool)) (context.Context, *brake) {
	ctx, cancel := context.WithCancelCause(ctx)
	now := make(chan struct{})
	faultpoint.OnCancel(func() { cancel(phases.ErrInterrupted) })
	b := &brake{stop: phases.Stop{Grace: grace, Now: now}, cancel: cancel, ch: make(chan os.Signal, 4), asked: make(chan struct{}, 1), done: make(chan struct{})}
	signal.Notify(b.ch, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE) // a reader of the progress that goes away does not end a build
	var timer <-chan time.Time
	if limit > 0 {
		timer = time.After(limit)
	}
	go func() {
		defer close(b.done)
		presses := 0
		for {
			select {
			case <-timer: // counts as a first Ctrl-C: the next one cuts
				if presses == 0 {
					presses++
					say(true)
				}
				cancel(phases.ErrTime)
			case <-b.asked: // an order to stop never cuts
				if presses == 0 {
					presses++
					say(true)
				}
				cancel(phases.ErrInterrupted)
			case _, ok := <-b.ch:
				if !ok {
					return
				}
				presses++
				b.hits.Add(1)
				say(presses == 1)
				cancel(phases.ErrInterrupted)
				if presses == 2 {
					close(now)
				}
			}
		}
	}()
	return ctx, b
}

// press does what a first Ctrl-C does; however often, it cuts nothing.
func (b *brake) press() {
	select {
	case b.asked <- struct{}{}:
	default: // it has been pressed
	}
}

// release ends the watch. After a signal the build is on its way out: another one must not end the
// process before it has closed its journal and said how to go on.
func (b *brake) release() {
	if b.hits.Load() > 0 {
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	}
	signal.Stop(b.ch)
	signal.Reset(syscall.SIGPIPE)
	close(b.ch)
	<-b.done
	b.cancel(nil)
}

// session is one process working on one build.
type session struct {
	app      *app
	set      settings
	store    *store
	view     *progress.View
	works    *works
	start    []phases.Fact   // recorded first
	again    string          // the command that goes on after a pause
	reopen   bool            // failed tasks are tried again
	edits    editFlags       // what is to be done about a person's own edits
	estimate *known.Estimate // made before the first call
	told     bool            // that there is no ballast
}

// newSession readies a process for a build whose store is open; again is the command that goes on.
func (a *app) newSession(st *store, set settings, w *works, again string) (*session, error) {
	w.again = again
	w.plans = planCache{ctx: context.Background(), blobs: st.blobs}
	plans := planCache{ctx: context.Background(), blobs: st.blobs} // the view runs in another goroutine
	form, width := a.form(set.events)
	return &session{app: a, set: set, store: st, works: w, again: again, view: &progress.View{
		Out: a.err, Form: form, Width: width, Plan: plans.of,
		Clean: func(s string) string { return tidy(s, a.secrets()) },
	}}, nil
}

// started is the record of this process taking the build up.
func (s *session) started(again bool) phases.SessionStarted {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return phases.SessionStarted{PID: os.Getpid(), Host: host, Builder: version, Sandbox: string(s.works.runner.Level()), Workers: s.set.Workers, BaseURL: s.set.BaseURL, Resumed: again, At: nowOr(clock(s.app))}
}

// form decides how progress is shown: a bar on a terminal, lines elsewhere, records for programs.
func (a *app) form(events string) (progress.Form, int) {
	f, ok := a.err.(*os.File)
	switch {
	case events == "ndjson":
		return progress.NDJSON, 0
	case events == "" && ok && term.IsTerminal(int(f.Fd())) && a.getenv("TERM") != "dumb":
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			width = 80
		}
		return progress.Bar, width
	}
	return progress.Plain, 0
}

// run carries the build on until it ends or pauses, and says how that went.
func (s *session) run(ctx context.Context) error {
	mirror, err := openMirror(ctx, s.store)
	if err != nil {
		return s.store.located(s.again, err)
	}
	st, err := s.carryOn(ctx, mirror)
	s.trace(err)
	// Reports, events and the list of builds are projections of the records: when they cannot be
	// written, the build has still ended as it has.
	if cerr := mirror.Close(); cerr != nil {
		s.app.say("warning: %s", cerr)
	}
	if err != nil {
		return s.store.located(s.again, err)
	}
	return s.tell(st)
}

// carryOn runs the engine between the opening and the closing of the writer, and returns how the
// build then stands.
func (s *session) carryOn(ctx context.Context, mirror *mirror) (st phases.Status, err error) {
	defer bug.Catch(&err)
	book, file, err := openLog(s.store.log(s.store.id), s.app.secrets())
	if err != nil {
		return st, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = file.Close() }() // what could not be written there is not the build's
	valve := &phases.Valve{}
	s.layBallast()
	keeper := s.newKeeper(ctx)
	defer keeper.Close() // after the writer's
	writer, err := phases.OpenWriter(ctx, s.store.journal, clock(s.app), mirror, book, s.view, valve, keeper)
	if err != nil {
		return st, err
	}
	defer func() {
		if cerr := writer.Close(context.WithoutCancel(ctx)); cerr != nil && err == nil {
			err = cerr
		}
	}()
	defer func() { err = s.trouble(ctx, writer, err) }()
	if err := writer.Record(ctx, s.start...); err != nil {
		return st, err
	}
	if err := phases.Recover(ctx, writer, s.store.spools, s.works.recover); err != nil {
		return st, err
	}
	if err := s.known(ctx, writer); err != nil {
		s.app.say("warning: the list of builds could not be written: %s", err)
	}
	if err := s.store.tidyUp(ctx); err != nil { // it harms nobody
		s.app.say("warning: %s", err)
	}
	braked, b := newBrake(ctx, s.set.MaxTime, func(first bool) { s.tellStop(ctx, writer, first) })
	defer b.release()
	engine, err := s.works.engine(braked, s, writer, b.stop)
	defer func() { err = errors.Join(err, s.works.programs.close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return st, phases.PauseOf(err, s.again)
	}
	if err := s.takeEdits(braked, writer, engine); err != nil {
		return st, phases.PauseOf(err, s.again)
	}
	engine.Valve = valve
	defer s.listen(ctx, writer, valve, b.press, mirror)()
	runErr := engine.Run(braked)
	s.view.End()
	s.dropBallast() // reports may need its room
	verr := writer.View(context.WithoutCancel(ctx), func(state *phases.State) { st = phases.StatusOf(s.works.plan(state), state) })
	if verr == nil {
		s.conclude(st, runErr == nil)
	}
	return st, errors.Join(runErr, verr)
}

// trace puts the place of a panic into the build's log, for those who mend it.
func (s *session) trace(err error) {
	var own *bug.Error
	if !errors.As(err, &own) {
		return
	}
	book, file, err := openLog(s.store.log(s.store.id), s.app.secrets())
	if err != nil {
		s.app.say("warning: the log could not be written: %s", err)
		return
	}
	book.log.Error().Str("build", s.store.id).Bytes("stack", own.Stack).Msg(tidy(own.Error(), s.app.secrets()))
	_ = file.Close() // what could not be written there is not the build's
}

func (s *session) tellStop(ctx context.Context, w *phases.Writer, first bool) {
	var flying int
	if err := w.View(ctx, func(st *phases.State) { flying = len(st.Guard.Holds) }); err != nil {
		return
	}
	switch {
	case first && flying > 0:
		s.view.Say(fmt.Sprintf("stopping: %d call(s) in flight may end within %s; Ctrl-C again cuts them", flying, grace))
	case first:
		s.view.Say("stopping")
	default:
		s.view.Say(fmt.Sprintf("cutting %d call(s) in flight; they are booked as unknown", flying))
	}
}

// conclude keeps the reports and what the list of builds tells. What cannot be written is only said:
// the records tell everything.
func (s *session) conclude(st phases.Status, ended bool) {
	if err := keepReports(s.store, st); err != nil {
		s.app.say("warning: the report could not be written: %s", err)
	}
	kept, err := s.app.remember(s.store, st, int64(len(s.works.spec.Text)), s.estimate)
	if err != nil {
		s.app.say("warning: the list of builds could not be written: %s", err)
	}
	if text := scored(kept); text != "" && ended && st.State == phases.DoneState {
		s.view.Say(text)
	}
}

// tell says the last line of a build that has ended, and returns the error that decides the exit
// code: exit code, report and last line say the same, and it is what the records say (law L9).
func (s *session) tell(st phases.Status) error {
	done, failed := 0, 0
	var edits []string
	for _, t := range st.Tasks {
		switch {
		case t.State == phases.TaskIsDone && t.ID != planner.PlanTask:
			done++
		case t.State == phases.TaskIsFail || t.State == phases.TaskBlocked:
			failed++
		}
		edits = append(edits, t.Edits...)
	}
	if len(edits) > 0 {
		s.app.say("E_USER_EDIT: left as you changed them: %s; what was proven is in the commits: git -C %s status", strings.Join(dedupe(edits), ", "), word(s.store.app))
	}
	cost := progress.Billed(st.Billing, budget.Micro(st.Budget.Spent+st.Budget.Unknown))
	if st.State == phases.DoneState {
		s.app.say("done: %d tasks proven and committed in %s, %s, %d calls; see: builder report %s", done, s.store.app, cost, st.Calls, word(s.store.app))
		return nil
	}
	s.app.say("failed: %d tasks done, %d not, %s, %d calls; what is missing and why: builder report %s", done, failed, cost, st.Calls, word(s.store.app))
	return &fault{code: "E_TASKS_FAILED", what: "told", exit: exitFailed, err: errTold}
}

// clock is the clock of records: the real one, or SOURCE_DATE_EPOCH for builds that must come out
// the same, commit ids included.
func clock(a *app) func() time.Time {
	var sec int64
	if _, err := fmt.Sscanf(a.getenv("SOURCE_DATE_EPOCH"), "%d", &sec); err != nil {
		return nil
	}
	fixed := time.Unix(sec, 0).UTC()
	return func() time.Time { return fixed }
}
