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
// The rules are:
//   - whoever is first waits, on a timer; the others wait in line behind, so that a pause ends for
//     one and not for all at once;
//   - a rate limit closes the door for all until the time it states, or for ever longer when none is
//     stated or the stated one was not enough;
//   - after the door was closed one send goes, then two at a time, then four: each answer makes room for one more;
//   - a limit of requests or tokens that headers told is kept to before it is hit;
//   - five failures in a row, or more than half of the last twenty, whoever met them, are an outage:
//     one send probes after 30 s, 1, 2, 5 and then every 10 minutes;
//   - an outage that lasts too long pauses the build, and so does one of a provider that has not
//     answered this process at all;
//   - after a pause of the build nothing is sent any more.
type Pacer struct {
	o    Options
	turn chan struct{} // held by whoever is next

	mu      sync.Mutex
	changed chan struct{} // closed when somebody leaves
	flying  int
	door    door
	outage  outage
	limits  limits
	dead    *agent.Failure // what paused the build
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
	p := &Pacer{o: o, turn: make(chan struct{}, 1), changed: make(chan struct{})}
	if time.Until(o.NotBefore) > 0 {
		p.door.close(o.NotBefore, "an earlier run was told to wait")
	}
	return p
}

// Enter waits until a request may be sent. The caller MUST call leave exactly once with what came of
// the send; leave returns the error as it stands for the whole provider: a failure in an outage
// becomes a wait, and at its end a pause of the build.
//
// The error is the cause of ctx's end, which ends every wait at once, or a *[agent.Failure] of class
// pause_build that is [agent.ErrNotSent], when the wait is too long or the build is paused already.
func (p *Pacer) Enter(ctx context.Context) (leave func(agent.Response, error) error, err error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		pass, hold, err := p.try(time.Now())
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
	p     *Pacer
	epoch int // of the door when it went through
	once  sync.Once
}

// hold is why the one who is next cannot go: until a time, or until somebody leaves.
type hold struct {
	until   time.Time // zero: only until somebody leaves
	changed <-chan struct{}
}

// try lets one through, or says what it must wait for.
func (p *Pacer) try(now time.Time) (*pass, hold, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := hold{changed: p.changed}
	why := p.door.why
	switch lack := p.limits.lack(now); {
	case p.dead != nil:
		f := *p.dead
		f.Err = agent.ErrNotSent
		return nil, h, &f
	case p.door.until.After(now):
		h.until = p.door.until
	case p.door.width > 0 && p.flying >= p.door.width:
		return nil, h, nil
	case lack > 0:
		h.until, why = now.Add(lack), "to stay within the provider's limits"
	default:
		p.flying++
		p.limits.take(now)
		return &pass{p: p, epoch: p.door.epoch}, h, nil
	}
	if left := h.until.Sub(now); left > p.o.MaxWait {
		return nil, h, tooLong(left, h.until, why)
	}
	p.tell(now, h.until, why)
	return nil, h, nil
}

// tooLong is the pause of a build whose next send is too far away.
func tooLong(left time.Duration, until time.Time, why string) *agent.Failure {
	return &agent.Failure{
		Class: agent.PauseBuild, Cause: agent.CauseRate, Type: agent.NotBefore, After: left, Err: agent.ErrNotSent,
		Message: fmt.Sprintf("no call before %s: %s", until.UTC().Format(time.RFC3339), why),
	}
}

// tell says once that a longer wait has begun.
func (p *Pacer) tell(now, until time.Time, why string) {
	if p.o.Tell == nil || until.Sub(now) < 5*time.Second || until.Sub(p.told).Abs() < time.Second {
		return
	}
	p.told = until
	p.o.Tell(until, why)
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
