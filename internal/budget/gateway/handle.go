package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/bug"
)

// maxRequest bounds a request body, in bytes: what the meter takes.
const maxRequest = 64 << 20

// errCut means that an answer is not whole and its connection must not end as if it were.
var errCut = errors.New("the answer is cut")

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := bug.Guarded(func() error { return g.serve(w, r) })() //nolint:contextcheck // what a provider is asked outlives its asker
	if err == nil {
		return
	}
	if !errors.Is(err, errCut) {
		g.warn(err)
	}
	panic(http.ErrAbortHandler) // the one way to cut a connection short
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) error {
	token, rest, ok := split(r)
	if !ok {
		if (r.Method == http.MethodHead || r.Method == http.MethodGet) && rest == "/" {
			w.WriteHeader(http.StatusOK)
			return nil
		}
		forbidden("this address leads nowhere").write(w, routeOf(r, rest).family)
		return nil
	}
	to := routeOf(r, rest)
	t := g.find(token)
	if t == nil {
		forbidden("this address leads nowhere, or its task has ended").write(w, to.family)
		return nil
	}
	f := newFlight(w, r, g.set.Linger)
	defer f.land()
	leave, err := t.enter(f)
	if err != nil {
		forbidden(err.Error()).write(w, to.family)
		return nil
	}
	defer leave()
	return t.serve(f, r, to)
}

func (t *Ticket) serve(f *flight, r *http.Request, to route) error {
	p := t.gw.set.OpenAI
	if to.family == anthropic || to.deed == pass && p.URL == "" {
		p, to.family = t.gw.set.Anthropic, anthropic
	}
	switch {
	case to.deed == probe:
		f.out.WriteHeader(http.StatusOK)
		return nil
	case to.deed == refuse:
		fault{status: http.StatusNotFound, kind: "not_found_error", code: "not_found", what: r.Method + " " + to.path + " is not served here: what it costs is not known", final: true}.write(f.out, to.family)
		return nil
	case p.URL == "":
		final("no_provider", "nobody was set up to answer this API").write(f.out, to.family)
		return nil
	case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "identity":
		fault{status: http.StatusUnsupportedMediaType, kind: "invalid_request_error", code: "packed", what: "the request is packed, and what it costs cannot be seen", final: true}.write(f.out, to.family)
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(f.out, r.Body, maxRequest))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		fault{status: http.StatusRequestEntityTooLarge, kind: "request_too_large", code: "too_large", what: "the request is too large", final: true}.write(f.out, to.family)
		return nil
	case err != nil:
		return nil // the asker went away
	}
	out, err := t.request(f.ctx, r, to, p, body)
	if err != nil {
		return err
	}
	switch to.deed {
	case metered:
		return t.call(f, out, to, p, questionOf(to.path, body))
	case count:
		return t.count(f, out, to, p, body)
	default:
		return t.pass(f, out, to, p)
	}
}

// request is what goes to the provider.
func (t *Ticket) request(ctx context.Context, r *http.Request, to route, p Provider, body []byte) (*http.Request, error) {
	u, err := to.address(p.URL, r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	out, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.GetBody = nil
	key := ""
	if p.Key != nil {
		key = p.Key.Reveal()
	}
	out.Header = outgoing(r.Header, to.family, key)
	return out, nil
}

// door is the meter in front of a provider; money and answers go through purse.
func (t *Ticket) door(p Provider, purse *purse) *meter.Transport {
	set := t.gw.set
	return &meter.Transport{
		Base: p.Base, Origin: p.URL, Ledger: purse, Prices: p.Prices, Spools: purse, Blobs: set.Blobs,
		Count: true, KeepRequests: true, Warn: set.Warn, Now: set.Now,
	}
}

// call serves a model call: from the records, or by asking.
func (t *Ticket) call(f *flight, out *http.Request, to route, p Provider, q question) error {
	for {
		e, found := t.book.take(q.hash, f.lost)
		switch found {
		case fresh:
			return t.send(f, out, to, p, q, e)
		case recorded:
			return t.again(f, e, to)
		case underway:
			t.note(func(c *Counts) { c.Joined++ })
		}
		select {
		case <-e.over:
		case <-f.asker.Done():
			return nil
		case <-f.ctx.Done():
			return errCut
		}
	}
}

// send asks the provider, and hands the answer on.
func (t *Ticket) send(f *flight, out *http.Request, to route, p Provider, q question, e *entry) error {
	pay := &purse{ticket: t, entry: e, asker: f.asker}
	delivered := false
	defer func() {
		if !pay.held {
			t.book.drop(e)
			return
		}
		t.book.end(e, delivered)
	}()
	if err := t.Err(); err != nil {
		t.broke(f, to, err)
		return nil
	}
	leave, err := t.allowed(f, q.model)
	if err != nil {
		final("held_back", err.Error()).write(f.out, to.family)
		return nil
	}
	defer leave()
	call := budget.Call{Op: e.op, Phase: t.task.Phase, RequestHash: q.hash, MinOutput: t.task.MinOutput}
	t.talks.know(&call, q)
	resp, err := t.door(p, pay).RoundTrip(out.WithContext(budget.WithCall(f.ctx, call)))
	if err != nil {
		return t.refused(f, to, pay, err)
	}
	whole, err := relay(f, resp)
	if pay.failed != nil {
		t.fail(pay.failed)
	}
	if err != nil {
		return err
	}
	if e.fate == budget.Answered {
		t.talks.learn(q, out.ContentLength, pay.usage)
		delivered = whole
		if whole {
			t.gw.warn(t.gw.set.Ledger.Deliver(f.ctx, e.op))
		}
	}
	return nil
}

// allowed asks whoever holds calls back.
func (t *Ticket) allowed(f *flight, model string) (leave func(), err error) {
	if t.task.Enter == nil {
		return func() {}, nil
	}
	return t.task.Enter(f.asker, model)
}

// refused answers a call that brought nothing.
func (t *Ticket) refused(f *flight, to route, pay *purse, err error) error {
	var no *budget.Refusal
	var slow net.Error
	switch {
	case errors.Is(err, errGone), f.ctx.Err() != nil:
		return errCut
	case pay.failed != nil || errors.Is(err, meter.ErrUnkept):
		t.fail(err)
		t.broke(f, to, err)
	case errors.As(err, &no):
		t.stop(no)
		final("cap_reached", no.Error()+"; nothing was sent").write(f.out, to.family)
	case errors.Is(err, budget.ErrUnpriced), errors.Is(err, meter.ErrUnmetered):
		t.note(func(c *Counts) { c.Unmetered++ })
		final("not_metered", err.Error()+"; nothing was sent").write(f.out, to.family)
	case errors.As(err, &slow) && slow.Timeout():
		fault{status: http.StatusGatewayTimeout, kind: "timeout_error", code: "timeout", what: "the provider fell silent"}.write(f.out, to.family)
	default:
		t.gw.warn(err)
		unreachable("no answer came from the provider").write(f.out, to.family)
	}
	return nil
}

// broke answers when this machine cannot go on.
func (t *Ticket) broke(f *flight, to route, err error) {
	t.gw.warn(err)
	final("unrecorded", "calls cannot be recorded on this machine, so none is made").write(f.out, to.family)
}

// log takes what net/http has to say.
func (g *Gateway) log() *log.Logger {
	return log.New(warning{g}, "", 0)
}

type warning struct{ g *Gateway }

// Write implements io.Writer.
func (w warning) Write(p []byte) (int, error) {
	w.g.warn(errors.New(oneLine(string(bytes.TrimSpace(p)))))
	return len(p), nil
}
