package pace

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// leave takes in what came of a send.
func (s *pass) leave(resp agent.Response, err error) error {
	s.once.Do(func() { err = s.p.left(s.epoch, resp, err, time.Now()) })
	return err
}

func (p *Pacer) left(epoch int, resp agent.Response, err error, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying--
	close(p.changed)
	p.changed = make(chan struct{})
	var f *agent.Failure
	switch {
	case err == nil:
		p.limits.hear(resp.Limits)
		p.limits.learn(resp.Usage)
		p.outage.answered()
		p.door.widen(epoch)
		return nil
	case !errors.As(err, &f):
		return err // not the provider's
	}
	p.limits.hear(f.Limits)
	switch f.Class {
	case agent.Retry:
		return p.failed(epoch, f, now)
	case agent.WaitUntil:
		return p.limited(epoch, f, now)
	case agent.PauseBuild:
		p.dead = f
	default: // it answered, if only that it does not want this
		p.outage.answered()
		p.door.widen(epoch)
	}
	return err
}

// limited closes the door for all. Only the first of those that were under way together counts as
// another strike.
func (p *Pacer) limited(epoch int, f *agent.Failure, now time.Time) error {
	p.outage.missed(now)
	wait := f.After
	if epoch == p.door.epoch {
		p.door.strikes++
		wait = max(wait, again(p.door.strikes, f.After > 0))
	}
	if long := now.Sub(p.outage.since); long > p.o.MaxOutage {
		return p.stop(f, wait, fmt.Sprintf("every call of the last %s was refused: ", long.Round(time.Minute)))
	}
	p.door.shut(epoch, now.Add(wait), "the provider asked to wait")
	return waiting(f, p.door.until.Sub(now))
}

// again is the least wait after so many refusals in a row: what is stated is believed at first.
func again(strikes int, stated bool) time.Duration {
	const most = 10 * time.Minute
	first := 15 * time.Second
	if stated {
		if strikes == 1 {
			return 0
		}
		first = time.Second
	}
	return min(first<<min(strikes-1, 10), most)
}

// failed counts towards an outage. In one, the next to go is a probe.
func (p *Pacer) failed(epoch int, f *agent.Failure, now time.Time) error {
	if !p.outage.failed(now, epoch == p.door.epoch) {
		if f.After > 0 {
			p.door.shut(epoch, now.Add(f.After), "the provider asked to wait")
		}
		return f
	}
	wait := max(p.outage.probe(), f.After)
	switch long := now.Sub(p.outage.since); {
	case !p.outage.heard && p.outage.probes > 1:
		return p.stop(f, wait, "it has not answered at all: ")
	case long > p.o.MaxOutage:
		return p.stop(f, wait, fmt.Sprintf("it has not answered for %s: ", long.Round(time.Minute)))
	}
	p.door.shut(epoch, now.Add(wait), fmt.Sprintf("the provider is out, %d failures in a row", p.outage.row))
	return waiting(f, p.door.until.Sub(now))
}

// waiting is a failure that has become a wait.
func waiting(f *agent.Failure, wait time.Duration) *agent.Failure {
	out := *f
	out.Class, out.After = agent.WaitUntil, max(wait, 0)
	return &out
}

// stop ends all sending.
func (p *Pacer) stop(f *agent.Failure, wait time.Duration, why string) *agent.Failure {
	out := *f
	out.Class, out.After, out.Message = agent.PauseBuild, wait, why+f.Message
	p.dead = &out
	return &out
}
