package phases

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// errRecalled marks a failure that comes from the journal: it has been recorded and waited for.
var errRecalled = errors.New("recalled from the journal")

// afterFailure decides what follows a send that failed, the tries-th in a row: nil means send again.
// The wait is recorded before it is served, so that replay skips it; what is left of it when the
// process ends is kept as the time before which nothing may be sent.
func (j *journaled) afterFailure(ctx context.Context, op budget.Op, f *agent.Failure, tries int) error {
	if errors.Is(f, errRecalled) {
		if f.Class == agent.FixRequest || f.Class == agent.FailTask {
			return f
		}
		return nil // it was waited for then, and what paused the build may work now
	}
	if errors.Is(f, agent.ErrNotSent) {
		return j.paused(f, j.policy.at(f.After))
	}
	wait, again := j.policy.next(op, f, tries)
	rec := CallFailed{
		Op: op, Class: string(f.Class), Cause: string(f.Cause), Status: f.Status, Type: f.Type, Message: f.Message, WaitMS: wait.Milliseconds(),
	}
	if wait > 0 && f.Class != agent.Retry && outside(f.Cause) && (again || !j.spare) {
		rec.NotBefore = j.policy.at(wait)
	}
	if err := j.door.Writer.Record(context.WithoutCancel(ctx), rec); err != nil {
		return err
	}
	switch {
	case f.Class == agent.FixRequest || f.Class == agent.FailTask:
		return f
	case !again:
		return j.paused(f, j.policy.at(wait))
	}
	return j.policy.wait(ctx, wait)
}

// outside says whether time alone mends a cause. What a person must mend is asked again as soon as
// the person says so, whatever time the provider named.
func outside(c agent.Cause) bool {
	switch c {
	case agent.CauseRate, agent.CauseLoad, agent.CauseNetwork, agent.CauseProtocol:
		return true
	}
	return false
}

// paused ends the run for a failure; until is when it may go on, zero when nobody knows.
func (j *journaled) paused(f *agent.Failure, until time.Time) error {
	return &PauseError{Err: f, Reason: providerReason(f, until, j.again)}
}

// providerReason tells people why a provider's failure pauses the build, and what to do.
func providerReason(f *agent.Failure, until time.Time, again string) Reason {
	r := Reason{Code: CodeProvider, Message: f.Error(), NotBefore: until}
	switch f.Cause {
	case agent.CauseMoney:
		r.Code, r.Hint = CodeCredit, "add credit or raise the limit at the provider, then: "
	case agent.CauseKey:
		r.Code, r.Hint = CodeAuth, "check the provider's key (ANTHROPIC_API_KEY, OPENAI_API_KEY) and what it may do, then: "
	case agent.CauseModel:
		r.Code, r.Hint = CodeModel, "check the model's name and --base-url, then: "
	case agent.CauseProtocol:
		r.Code, r.Hint = CodeProtocol, "check --base-url and what stands between here and the provider, then: "
	default:
		r.Hint = "when the provider works again: "
	}
	if !until.IsZero() {
		switch at := until.UTC().Format(time.RFC3339); {
		case f.Type == agent.NotBefore:
			r.Hint = "after " + at + ", or with --now at once: "
		case outside(f.Cause):
			r.Hint = "after " + at + ": "
		default:
			r.Hint = "after " + at + ", or when you have changed that: "
		}
	}
	r.Hint += again
	return r
}

// fallbackWait is the longest wait for a model when the user has named another one for that case: an
// outage is then waited for as long as it takes to be sure of it, about four minutes.
const fallbackWait = 2 * time.Minute

// RetryPolicy bounds the sends of one call. The zero value sends at most 6 times in a row with waits
// of 1 s doubling to 60 s, half of each by chance that the op decides, and waits as long as the
// provider says up to an hour; longer waits pause the build.
type RetryPolicy struct {
	Sends   int
	Base    time.Duration
	Max     time.Duration
	MaxWait time.Duration
	Sleep   func(context.Context, time.Duration) error // nil means real time
	Now     func() time.Time                           // nil means time.Now
}

func (p RetryPolicy) filled() RetryPolicy {
	if p.Sends == 0 {
		p.Sends = 6
	}
	if p.Base == 0 {
		p.Base = time.Second
	}
	if p.Max == 0 {
		p.Max = time.Minute
	}
	if p.MaxWait == 0 {
		p.MaxWait = time.Hour
	}
	return p
}

// next says how long to wait after the tries-th failure in a row, and whether to send again then.
// A pause of the build has a wait, too, when the provider named one.
func (p RetryPolicy) next(op budget.Op, f *agent.Failure, tries int) (time.Duration, bool) {
	p = p.filled()
	most := p.Sends - 1
	if f.Tries > 0 {
		most = min(most, f.Tries)
	}
	switch {
	case f.Class == agent.PauseBuild:
		return f.After, false
	case f.Class != agent.Retry && f.Class != agent.WaitUntil:
		return 0, false
	case f.After > p.MaxWait:
		return f.After, false
	case tries > most:
		return 0, false
	case f.After > 0:
		return f.After + time.Duration(float64(f.After)*chance(op)/10), true
	}
	full := min(p.Base<<min(max(tries, 1)-1, 10), p.Max)
	return full/2 + time.Duration(float64(full/2)*chance(op)), true
}

// chance is a number from 0 to 1 that an op decides: the same in every process, another for every
// send of every build.
func chance(op budget.Op) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(op.String())) // hashes do not fail
	return float64(h.Sum64()>>11) / (1 << 53)
}

// at is the instant after a wait, zero for none.
func (p RetryPolicy) at(wait time.Duration) time.Time {
	switch {
	case wait <= 0:
		return time.Time{}
	case p.Now == nil:
		return time.Now().Add(wait).UTC().Round(0)
	}
	return p.Now().Add(wait).UTC().Round(0)
}

func (p RetryPolicy) wait(ctx context.Context, d time.Duration) error {
	if p.Sleep != nil {
		return p.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
