package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// desk takes orders for the build of this process. It implements control.Handler.
type desk struct {
	app   *app
	desk  phases.Desk
	valve *phases.Valve
	stop  func() // as a first Ctrl-C
}

// sockets lists where the socket of a build may be.
func (a *app) sockets(f folder, id string) []string {
	state, err := a.stateDir()
	if err != nil {
		state = "" // there are other places
	}
	return control.Paths(control.Dirs(a.getenv("XDG_RUNTIME_DIR"), state), id, f.place())
}

// place is the folder under one name, whatever way led to it.
func (f folder) place() string {
	if real, err := filepath.EvalSymlinks(f.app); err == nil {
		return real
	}
	return f.app
}

// listen offers the control socket of a running build. A build that cannot be given orders runs all
// the same.
func (s *session) listen(ctx context.Context, w *phases.Writer, v *phases.Valve, stop func(), m *mirror) (close func()) {
	plans := &lockedPlans{planCache: planCache{ctx: ctx, blobs: s.store.blobs}}
	h := &desk{app: s.app, desk: phases.Desk{Writer: w, Plan: plans.of}, valve: v, stop: stop}
	srv, err := control.Listen(ctx, s.app.sockets(s.store.folder, s.store.id), control.Greeting{Build: s.store.id, Folder: s.store.place(), PID: pid()}, h)
	if err != nil {
		s.app.say("warning: this build takes no orders while it runs: %s", err)
		return func() {}
	}
	m.listens(srv.Path())
	return func() {
		if err := srv.Close(); err != nil {
			s.app.say("warning: %s", err)
		}
		m.listens("")
	}
}

// Handle implements control.Handler.
func (d *desk) Handle(gone context.Context, req control.Request, reply func(control.Reply) error) {
	if req.Verb == control.Look {
		_ = reply(d.look(gone, req)) // whoever has gone needs no answer, here and below
		return
	}
	ack, fresh, err := d.give(gone, req)
	if err != nil {
		_ = reply(control.Reply{ID: req.ID, Verb: req.Verb, Error: faultOf(err)})
		return
	}
	err = reply(replyOf(ack))
	if fresh && ack.Verb == phases.OrderStop {
		d.stop()
	}
	if err != nil || !req.Wait {
		return
	}
	if quiet, err := d.valve.Quiet(gone); err == nil {
		_ = reply(control.Reply{ID: ack.ID, Verb: string(ack.Verb), Reached: quiet})
	}
}

func (d *desk) give(ctx context.Context, req control.Request) (phases.Ack, bool, error) {
	o, err := orderOf(req)
	if err != nil {
		return phases.Ack{}, false, err
	}
	return d.desk.Give(ctx, o)
}

// look tells how the build stands.
func (d *desk) look(ctx context.Context, req control.Request) control.Reply {
	st := control.Standing{Flying: d.valve.Inside()}
	err := d.desk.Writer.View(ctx, func(s *phases.State) {
		st.State, st.Held, st.Seq = string(s.Run), s.Held != nil, s.Seq
		for _, t := range s.Tasks {
			if t.Question != nil {
				st.Questions++
			}
		}
	})
	if err != nil {
		return control.Reply{ID: req.ID, Verb: req.Verb, Error: faultOf(err)}
	}
	return control.Reply{ID: req.ID, Verb: req.Verb, Look: &st}
}

// orderOf is the order that a request asks for. Only a pause can be waited for.
func orderOf(req control.Request) (phases.Order, error) {
	o := phases.Order{ID: req.ID, Verb: phases.OrderVerb(req.Verb), Task: planner.TaskID(req.Task), Phase: planner.PhaseID(req.Phase), Text: req.Text}
	if req.Wait && o.Verb != phases.OrderPause {
		return o, usage(phases.CodeOrder, "see docs/control.md", "only a pause can be waited for")
	}
	if req.MaxCost == "" && req.MaxTokens == nil {
		return o, nil
	}
	o.Caps = &phases.CapChange{Tokens: req.MaxTokens}
	if req.MaxCost != "" {
		usd, err := budget.ParseUSD(req.MaxCost)
		if err != nil {
			return o, usage("E_BUDGET_INVALID", "as in: --max-cost 20", "%s", err)
		}
		o.Caps.USD = &usd
	}
	return o, nil
}

func replyOf(ack phases.Ack) control.Reply {
	return control.Reply{Version: control.Version, ID: ack.ID, Verb: string(ack.Verb), Seq: ack.Seq, Point: ack.Point, Time: &ack.Time}
}

// faultOf is an error as it goes over the wire.
func faultOf(err error) *control.Fault {
	l := linesOf(err)[0]
	return &control.Fault{Code: l.code, Message: l.what, Hint: l.hint}
}

// asFault is an error of an order for a person: nothing was done. Who refuses an order knows no folder; the command
// that its hint ends with is about the build in f.
func asFault(f folder, err error) error {
	code, hint, what := "", "", ""
	var away *control.Fault
	var here *phases.OrderError
	switch {
	case errors.As(err, &away):
		code, hint, what = away.Code, away.Hint, away.Message
	case errors.As(err, &here):
		code, hint, what = here.Code, here.Hint, here.What
	default:
		return err
	}
	for _, verb := range []string{"resume", "report", "status", "status --json"} {
		if strings.HasSuffix(hint, ": builder "+verb) {
			hint += " " + word(f.app)
			break
		}
	}
	return usage(code, hint, "%s", what)
}
