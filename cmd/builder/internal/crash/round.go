package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// result is how a round went.
type result struct {
	at     time.Duration // of the end, after the start
	flying int           // calls in flight at the end, as the journal has them
	done   bool          // the build came to its end before
	poor   bool          // the build came to its cap before
	losers []int
	winner int
	wrong  []string
}

// interrupted is the exit code of a build that a signal ended.
const interrupted = 130

// round starts builder, ends it as d says and looks at how it ended.
func (s *site) round(ctx context.Context, d draw, args []string) (r result, err error) {
	start := time.Now()
	call := s.nextCall()
	p, err := s.start(args, d.step)
	if err != nil {
		return r, err
	}
	procs := []*process{p}
	defer func() { // whatever happened, nothing is left behind
		for _, p := range procs {
			_ = p.signal(syscall.SIGKILL) // it may have ended
			<-p.ended
		}
	}()
	if d.kind == Two && s.begun() { // two that make a build are a matter of its folder's name, not of the lock
		p.after(ctx, d.gap)
		q, err := s.start(args, d.step)
		if err != nil {
			return r, err
		}
		procs = append(procs, q)
		p = r.refused(ctx, p, q)
	}
	r.winner = p.pid()
	s.await(ctx, d, p, call, start)
	r.at = time.Since(start)
	if err := s.finishOff(ctx, d, p, &r); err != nil {
		return r, err
	}
	s.judge(d, p, &r)
	return r, nil
}

// await waits until the time that was drawn: in recovery since the start, else since the first call.
func (s *site) await(ctx context.Context, d draw, p *process, call <-chan struct{}, start time.Time) {
	if d.kind == Recovery {
		p.after(ctx, time.Duration(d.share*float64(s.trial.startup)))
		return
	}
	select {
	case <-call:
		s.trial.startup = (3*s.trial.startup + time.Since(start)) / 4 // the machine may be busier than it was, or less
		between := s.trial.task
		if d.early {
			between /= time.Duration(s.trial.c.Workers)
		}
		p.after(ctx, time.Duration(d.share*2*float64(between)))
	case <-p.ended:
	case <-ctx.Done():
	}
}

// finishOff ends the process in the way of the kind and waits for its end.
func (s *site) finishOff(ctx context.Context, d draw, p *process, r *result) error {
	var err error
	switch d.kind {
	case Terminate:
		err = p.signal(syscall.SIGTERM)
	case Interrupt:
		err = p.signal(os.Interrupt)
		p.after(ctx, d.gap)
		err = errors.Join(err, p.signal(os.Interrupt))
	case Stop:
		if err = s.stopped(ctx, d, p, r); err == nil {
			err = p.signal(syscall.SIGKILL)
		}
	default:
		err = p.signal(syscall.SIGKILL)
	}
	return errors.Join(err, p.wait(ctx))
}

// stopped holds the process for a while: nobody else gets the build meanwhile. Then it goes on.
func (s *site) stopped(ctx context.Context, d draw, p *process, r *result) error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	start := time.Now()
	other, err := s.start([]string{"resume", "app"}, 0)
	if err == nil {
		err = other.wait(ctx)
	}
	if err == nil && !locked(other) && p.cmd.ProcessState == nil {
		r.wrong = append(r.wrong, fmt.Sprintf("beside a stopped process another one ended with %d: %s", other.code(), lastLines(other.said())))
	}
	if err == nil {
		r.losers = append(r.losers, other.pid())
		p.after(ctx, d.gap-time.Since(start))
	}
	err = errors.Join(err, p.signal(syscall.SIGCONT))
	p.after(ctx, time.Duration(d.share*float64(s.trial.task)))
	return err
}

// refused waits for the one of two starters that is refused, and returns the other.
func (r *result) refused(ctx context.Context, p, q *process) *process {
	winner, loser := p, q
	select {
	case <-p.ended:
		winner, loser = q, p
	case <-q.ended:
	case <-ctx.Done():
		return p
	}
	switch {
	case locked(loser):
		r.losers = append(r.losers, loser.pid())
	case loser.code() == 0: // it held the build and came to its end: nothing is left to the other
	case outOfBudget(loser): // so it did, to its cap
	default:
		r.wrong = append(r.wrong, fmt.Sprintf("of two starters one ended with %d: %s", loser.code(), lastLines(loser.said())))
	}
	return winner
}

// locked says whether a process was refused because another one holds the build.
func locked(p *process) bool {
	return p.code() == 2 && strings.Contains(p.said(), "builder: E_LOCKED: ")
}

// outOfBudget says whether a build paused at its cap.
func outOfBudget(p *process) bool {
	return p.code() == 75 && strings.Contains(p.said(), "builder: E_BUDGET: ")
}

// judge looks at the exit code.
func (s *site) judge(d draw, p *process, r *result) {
	switch code := p.code(); {
	case code == 0:
		r.done = true
	case code == -1 && d.kind != Terminate && d.kind != Interrupt:
	case code == interrupted && (d.kind == Terminate || d.kind == Interrupt):
	case outOfBudget(p):
		r.poor = true
	default:
		r.wrong = append(r.wrong, fmt.Sprintf("%s ended with %d: %s", d.kind, code, lastLines(p.said())))
	}
}

// lastLines is the end of what a process said.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}
