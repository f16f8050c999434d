package pace

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// leave takes in what came of a send.
func (s *pass) leave(resp agent.Response, err error) error {
	s.once.Do(func() { err = s.lane.left(s.epoch, resp, err, time.Now()) })
	return err
}

func (l *lane) left(epoch int, resp agent.Response, err error, now time.Time) error {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if epoch == l.door.epoch {
		l.door.flying--
	}
	defer l.stir()
	var f *agent.Failure
	switch {
	case err == nil:
		l.limits.hear(resp.Limits)
		l.limits.learn(resp.Usage)
		l.outage.answered()
		l.door.widen(epoch)
		return nil
	case !errors.As(err, &f):
		return err // not the provider's
	}
	l.limits.hear(f.Limits)
	switch f.Class {
	case agent.Retry:
		return l.failed(epoch, f, now)
	case agent.WaitUntil:
		return l.limited(epoch, f, now)
	case agent.PauseBuild:
		l.end(f)
	default: // it answered, if only that it does not want this
		l.outage.answered()
		l.door.widen(epoch)
	}
	return err
}

// end ends the sends to this model, and those to all when another model changes nothing.
func (l *lane) end(f *agent.Failure) {
	if f.Cause == agent.CauseModel {
		l.dead = f
		return
	}
	l.p.dead = f
	for _, other := range l.p.lanes {
		if other != l {
			other.stir()
		}
	}
}

// stir lets the one who is next look again.
func (l *lane) stir() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// limited closes the door for all. Only the first of those that were under way together counts as
// another strike.
func (l *lane) limited(epoch int, f *agent.Failure, now time.Time) error {
	l.outage.missed(now)
	wait := f.After
	if epoch == l.door.epoch {
		l.door.strikes++
		wait = max(wait, again(l.door.strikes, f.After > 0))
	}
	if long := now.Sub(l.outage.since); long > l.p.o.MaxOutage {
		return l.stop(f, wait, fmt.Sprintf("every call of the last %s was refused: ", long.Round(time.Minute)))
	}
	l.door.shut(epoch, now.Add(wait), "the provider asked to wait")
	return waiting(f, l.door.until.Sub(now))
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
func (l *lane) failed(epoch int, f *agent.Failure, now time.Time) error {
	if !l.outage.failed(now, epoch == l.door.epoch) {
		if f.After > 0 {
			l.door.shut(epoch, now.Add(f.After), "the provider asked to wait")
		}
		return f
	}
	wait := max(l.outage.probe(), f.After)
	switch long := now.Sub(l.outage.since); {
	case !l.outage.heard && l.outage.probes > 1:
		return l.stop(f, wait, "it has not answered at all: ")
	case long > l.p.o.MaxOutage:
		return l.stop(f, wait, fmt.Sprintf("it has not answered for %s: ", long.Round(time.Minute)))
	}
	l.door.shut(epoch, now.Add(wait), fmt.Sprintf("the provider is out, %d failures in a row", l.outage.row))
	return waiting(f, l.door.until.Sub(now))
}

// waiting is a failure that has become a wait.
func waiting(f *agent.Failure, wait time.Duration) *agent.Failure {
	out := *f
	out.Class, out.After = agent.WaitUntil, max(wait, 0)
	return &out
}

// stop ends all sending.
func (l *lane) stop(f *agent.Failure, wait time.Duration, why string) *agent.Failure {
	out := *f
	out.Class, out.After, out.Message = agent.PauseBuild, wait, why+f.Message
	l.dead = &out
	return &out
}
