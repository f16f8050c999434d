package claudecode

import (
	"errors"
	"maps"
	"os"
	"time"
)

// errAsked is the cause of an end that Close asked for.
var errAsked = errors.New("close was asked for")

// Close ends the session and returns when nothing of it is left. It closes the CLI's stdin and waits, then sends SIGINT,
// SIGTERM and SIGKILL, the last to all that the CLI started too, and waits for [Options.Grace] after each. A turn that runs is interrupted at once:
// it would go on, and cost, until its end. Messages that came before can still be taken.
//
// It returns nil also for a session that ended badly before; [Session.Err] has that. It returns a [*TimeoutError] where
// even SIGKILL did not end the process.
func (s *Session) Close() error {
	s.setCause(errAsked)
	s.stop(s.turn.running())
	grace := s.opts.grace()
	t := time.NewTimer(8 * grace) // four steps, the readers, the callbacks, and some room
	defer t.Stop()
	select {
	case <-s.done:
		return nil
	case <-t.C:
		return &TimeoutError{What: "end Claude Code CLI", After: 8 * grace}
	}
}

// fail ends the session for a reason.
func (s *Session) fail(cause error) {
	s.setCause(cause)
	s.stop(true)
}

func (s *Session) setCause(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		select {
		case <-s.exited: // it ended by itself
		default:
			s.cause = cause
		}
	}
}

// stop begins the end, once. In a hurry the CLI is not given the time to end its turn.
func (s *Session) stop(hurry bool) {
	s.stopOnce.Do(func() {
		close(s.stopping)
		s.endHost(ErrClosed)
		go s.descend(hurry)
	})
}

// descend goes down the ladder until the process has ended.
func (s *Session) descend(hurry bool) {
	s.out.close()
	if !hurry && s.gone() {
		return
	}
	for _, signal := range []os.Signal{os.Interrupt, terminate, os.Kill} {
		select {
		case <-s.exited:
			return
		default:
		}
		_ = s.proc.Signal(signal) // one that has ended cannot be told, and then Wait knows
		if s.gone() {
			return
		}
	}
}

// gone waits one step.
func (s *Session) gone() bool {
	t := time.NewTimer(s.opts.grace())
	defer t.Stop()
	select {
	case <-s.exited:
		return true
	case <-t.C:
		return false
	}
}

func (o *Options) grace() time.Duration        { return orTime(o.Grace, 5*time.Second) }
func (o *Options) startTimeout() time.Duration { return orTime(o.StartTimeout, 2*time.Minute) }
func (o *Options) controlTimeout() time.Duration {
	return orTime(o.ControlTimeout, time.Minute)
}

func orTime(d, or time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return or
}

// environ writes the environment down, in a fixed order.
func (o *Options) environ() []string {
	env := maps.Clone(o.Env)
	if env == nil {
		env = map[string]string{}
	}
	if o.Dir != "" {
		if _, set := env["PWD"]; !set {
			env["PWD"] = o.Dir
		}
	}
	return sortedPairs(env)
}
