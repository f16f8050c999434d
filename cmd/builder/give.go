package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// giveFor is how long an order is sent again to a build that is just starting or ending.
const giveFor = 20 * time.Second

// knock is how long an order waits at a journal that is held, before it looks for a socket again.
const knock = 100 * time.Millisecond

// pid is this process.
func pid() int { return os.Getpid() }

// orderOptions are those of every verb that gives an order.
type orderOptions struct {
	dir  string
	json bool
	req  control.Request
}

// orderVerb makes a verb that gives an order. text says for people what was acknowledged.
func orderVerb(a *app, c *cobra.Command, o *orderOptions, text func(rep control.Reply, f folder) string) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		if o.dir == "" {
			o.dir = "."
		}
		return a.runOrder(c.Context(), *o, text)
	}
	c.Flags().BoolVar(&o.json, "json", false, "print the acknowledgement as JSON")
	c.Flags().StringVar(&o.req.ID, "id", "", "id of the order: sent again under the same id, it is carried out once (default: a new one)")
	return c
}

func (a *app) runOrder(ctx context.Context, o orderOptions, text func(control.Reply, folder) string) error {
	f, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	if o.req.ID == "" {
		if o.req.ID, err = newOrderID(); err != nil {
			return err
		}
	}
	rep, further, err := a.give(ctx, f, o.req)
	if err != nil {
		return asFault(f, err)
	}
	if err := a.showAck(o, rep, text(rep, f)); err != nil || further == nil {
		return err
	}
	defer func() { _ = further.Close() }() // all that was said is read
	if rep, err = further.Next(ctx); err != nil {
		return &fault{code: "E_CONTROL", what: "the build ended before the pause was reached", hint: "see: builder status " + word(f.app), exit: exitPaused, err: err}
	}
	said := "paused: nothing is in flight any more"
	if !rep.Reached {
		said = "the pause was taken back before it was reached"
	}
	return a.showAck(o, rep, said)
}

func (a *app) showAck(o orderOptions, rep control.Reply, text string) error {
	if o.json {
		return writeJSON(a.out, rep)
	}
	_, err := fmt.Fprintln(a.out, tidy(text, a.secrets()))
	return err
}

func newOrderID() (string, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make order id: %w", err)
	}
	return "o-" + hex.EncodeToString(b[:]), nil
}

// give has an order taken, by the process that works on the build or else into its journal. Where a
// connection breaks nobody knows whether the order was taken: it is given again under its id. The
// client that comes back has a further reply to wait for; nil when there is none.
func (a *app) give(ctx context.Context, f folder, req control.Request) (control.Reply, *control.Client, error) {
	id, err := f.currentBuild()
	if err != nil {
		return control.Reply{}, nil, err
	}
	deadline := time.Now().Add(giveFor)
	for {
		rep, client, err := a.giveLive(ctx, f, id, req)
		var said *control.Fault
		if err == nil || errors.As(err, &said) && said.Code != control.CodeBusy {
			return rep, client, err
		}
		rep, aerr := a.giveAlone(ctx, f, req)
		var locked *checkpoint.LockedError
		if !errors.As(aerr, &locked) {
			return rep, nil, aerr
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return rep, nil, errors.Join(aerr, err)
		}
	}
}

// giveLive gives an order to the process that works on the build.
func (a *app) giveLive(ctx context.Context, f folder, id string, req control.Request) (control.Reply, *control.Client, error) {
	c, err := control.Dial(ctx, a.sockets(f, id), id, f.place())
	if err != nil {
		return control.Reply{}, nil, err
	}
	rep, err := c.Send(req)
	if err == nil && req.Wait {
		return rep, c, nil
	}
	_ = c.Close() // the reply is all there was to come
	return rep, nil, err
}

// giveAlone records an order in the journal of a build that no process works on. A
// *checkpoint.LockedError means that one does.
func (a *app) giveAlone(ctx context.Context, f folder, req control.Request) (rep control.Reply, err error) {
	o, err := orderOf(req)
	if err != nil {
		return rep, err
	}
	st, err := openStoreWithin(ctx, f, knock)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	m, err := openMirror(ctx, st)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	w, err := phases.OpenWriter(ctx, st.journal, clock(a), m)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	plans := &lockedPlans{planCache: planCache{ctx: ctx, blobs: st.blobs}}
	ack, _, err := phases.Desk{Writer: w, Plan: plans.of, Alone: true}.Give(ctx, o)
	if err != nil {
		return rep, err
	}
	return replyOf(ack), nil
}

// lockedPlans is a cache of plans for several goroutines.
type lockedPlans struct {
	mu sync.Mutex
	planCache
}

func (l *lockedPlans) of(s *phases.State) *planner.Plan {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.planCache.of(s)
}

// textArg is a text from the command line; "-" reads it from the input.
func (a *app) textArg(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	raw, err := io.ReadAll(io.LimitReader(a.in, phases.MaxOrderText+1))
	if err != nil {
		return "", fmt.Errorf("read text: %w", err)
	}
	return string(raw), nil
}
