package crash

import (
	"math/rand/v2"
	"time"
)

// Kind is a way in which a process of builder ends before its build does.
type Kind string

// The kinds.
const (
	Kill      Kind = "kill"      // kill -9 while calls are made
	Recovery  Kind = "recovery"  // kill -9 soon after the start: while the process before it is recovered from
	Terminate Kind = "terminate" // SIGTERM: calls in flight arrive
	Interrupt Kind = "interrupt" // SIGINT twice: calls in flight are cut
	Stop      Kind = "stop"      // SIGSTOP, SIGCONT, and a kill -9 later
	Two       Kind = "two"       // two starters at once: one goes on, until its kill -9
)

// Kinds are all kinds, in the order of the matrix.
func Kinds() []Kind { return []Kind{Kill, Recovery, Terminate, Interrupt, Stop, Two} }

// draw is what chance decides of one round. Shares are of the time that they are later held against.
type draw struct {
	kind  Kind
	share float64       // when it ends: of twice the time from one checkpoint to the next, or of the time of a start
	early bool          // that of the whole build, not that of one worker: few calls are made before it ends
	gap   time.Duration // between the signals or the starters
	step  time.Duration // of the clock that the records are written by, against that of the first process
}

// schedule draws kills kill -9, a fifth of them in recovery, and others of every other kind, in an
// order that seed decides.
func schedule(seed uint64, kills, others int, stop time.Duration) []draw {
	rng := rand.New(rand.NewPCG(seed, 1))
	var draws []draw
	add := func(kind Kind, n int) {
		for range n {
			draws = append(draws, draw{kind: kind, share: rng.Float64(), early: rng.IntN(2) == 0, gap: time.Duration(rng.Int64N(int64(50*time.Millisecond) + 1)), step: clockStep(rng)})
		}
	}
	add(Recovery, (kills+2)/5)
	add(Kill, kills-(kills+2)/5)
	for _, kind := range []Kind{Terminate, Interrupt, Stop, Two} {
		add(kind, others)
	}
	rng.Shuffle(len(draws), func(i, j int) { draws[i], draws[j] = draws[j], draws[i] })
	for i, d := range draws {
		if d.kind == Stop {
			draws[i].gap = stop
		}
	}
	return draws
}

// clockStep steps the clock between two processes: an hour or a year either way, and to 1970.
func clockStep(rng *rand.Rand) time.Duration {
	const year = 365 * 24 * time.Hour
	steps := []time.Duration{0, 0, 0, 0, time.Hour, -time.Hour, year, -year, time.Hour - time.Duration(epoch)*time.Second}
	return steps[rng.IntN(len(steps))]
}

// epoch is the time of a trial's records, in seconds since 1970, where no step is made.
const epoch int64 = 1_790_000_000
