package pace

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Options bound what a pacer puts up with. The zero value has the defaults.
type Options struct {
	// MaxWait is the longest wait that is served by waiting; a longer one is a pause of the build.
	// 0 means one hour.
	MaxWait time.Duration
	// MaxOutage is how long a provider that has answered before may go without an answer. 0 means a day.
	MaxOutage time.Duration
	// NotBefore is when the first send may leave, as an earlier process was told. Zero: at once.
	NotBefore time.Time
	// Tell is told of waits of five seconds and more when they begin; it must not block. nil: nobody is.
	Tell func(until time.Time, why string)
}

// Pacer lets sends through. The zero value is not usable; see [New]. It is safe for concurrent use.
//
// The rules are, for each model by itself, as providers limit and lose models one by one:
//   - whoever is first waits, on a timer; the others wait in line behind, so that a pause ends for
//     one and not for all at once;
//   - a rate limit closes the door for all until the time it states, or for ever longer when none is
//     stated or the stated one was not enough;
//   - after the door was closed one send goes, then two at a time, then four: each answer makes room
//     for one more;
//   - a limit of requests or tokens that headers told is kept to before it is hit;
//   - five failures in a row, or more than half of the last twenty, whoever met them, are an outage:
//     one send probes after 30 s, 1, 2, 5 and then every 10 minutes;
//   - an outage that lasts too long pauses the build, and so does one of a model that has not
//     answered this process at all;
//   - after that nothing is sent to the model any more; after a pause for money or keys, to none.
type Pacer struct {
	o Options

	mu    sync.Mutex
	lanes map[string]*lane
	dead  *agent.Failure // what paused the build for all models
}

// lane is the way to one model. All but turn is guarded by the pacer's lock.
type lane struct {
	p    *Pacer
	turn chan struct{} // held by whoever is next

	changed chan struct{} // closed when something may have changed
	door    door
	outage  outage
	limits  limits
	dead    *agent.Failure // what ended this model's sends
	told    time.Time
}

// New makes a pacer.
func New(o Options) *Pacer {
	if o.MaxWait == 0 {
		o.MaxWait = time.Hour
	}
	if o.MaxOutage == 0 {
		o.MaxOutage = 24 * time.Hour
	}
	return &Pacer{o: o, lanes: map[string]*lane{}}
}

// lane is the way to a model.
func (p *Pacer) lane(model string) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.lanes[model]
	if !ok {
		l = &lane{p: p, turn: make(chan struct{}, 1), changed: make(chan struct{})}
		if time.Until(p.o.NotBefore) > 0 {
			l.door.close(p.o.NotBefore, "an earlier run was told to wait")
		}
		p.lanes[model] = l
	}
	return l
}

// Enter waits until a request may be sent to a model. The caller MUST call leave exactly once with
// what came of the send; leave returns the error as it stands for the whole provider: a failure in an
// outage becomes a wait, and at its end a pause of the build.
//
// The error is the cause of ctx's end, which ends every wait at once, or a *[agent.Failure] of class
// pause_build that is [agent.ErrNotSent], when the wait is too long or the build is paused already.
func (p *Pacer) Enter(ctx context.Context, model string) (leave func(agent.Response, error) error, err error) {
	l := p.lane(model)
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		pass, hold, err := l.try(time.Now())
		switch {
		case err != nil:
			return nil, err
		case pass != nil:
			return pass.leave, nil
		}
		if err := hold.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// pass is one send on its way.
type pass struct {
	lane  *lane
	epoch int // of the door when it went through
	once  sync.Once
}

// hold is why the one who is next cannot go: until a time, or until somebody leaves.
type hold struct {
	until   time.Time // zero: only until somebody leaves
	changed <-chan struct{}
}

// try lets one through, or says what it must wait for.
func (l *lane) try(now time.Time) (*pass, hold, error) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	h := hold{changed: l.changed}
	why := l.door.why
	switch lack := l.limits.lack(now); {
	case l.p.dead != nil:
		return nil, h, unsent(l.p.dead)
	case l.dead != nil:
		return nil, h, unsent(l.dead)
	case l.door.until.After(now):
		h.until = l.door.until
	case l.door.width > 0 && l.door.flying >= l.door.width:
		return nil, h, nil
	case lack > 0:
		h.until, why = now.Add(lack), "to stay within the provider's limits"
	default:
		l.door.flying++
		l.limits.take(now)
		return &pass{lane: l, epoch: l.door.epoch}, h, nil
	}
	if left := h.until.Sub(now); left > l.p.o.MaxWait {
		return nil, h, tooLong(left, h.until, why)
	}
	l.tell(now, h.until, why)
	return nil, h, nil
}

// unsent is the failure that ended all sending, for one that was not sent because of it.
func unsent(f *agent.Failure) *agent.Failure {
	out := *f
	out.Err = agent.ErrNotSent
	return &out
}

// tooLong is the pause of a build whose next send is too far away.
func tooLong(left time.Duration, until time.Time, why string) *agent.Failure {
	return &agent.Failure{
		Class: agent.PauseBuild, Cause: agent.CauseRate, Type: agent.NotBefore, After: left, Err: agent.ErrNotSent,
		Message: fmt.Sprintf("no call before %s: %s", until.UTC().Format(time.RFC3339), why),
	}
}

// tell says once that a longer wait has begun.
func (l *lane) tell(now, until time.Time, why string) {
	if l.p.o.Tell == nil || until.Sub(now) < 5*time.Second || until.Sub(l.told).Abs() < time.Second {
		return
	}
	l.told = until
	l.p.o.Tell(until, why)
}

// wait ends at the time, when somebody leaves, or when ctx ends.
func (h hold) wait(ctx context.Context) error {
	var ring <-chan time.Time
	if !h.until.IsZero() {
		t := time.NewTimer(time.Until(h.until))
		defer t.Stop()
		ring = t.C
	}
	select {
	case <-ring:
	case <-h.changed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
