package phases

import (
	"context"
	"slices"
	"strconv"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// The rules of warnings are:
//
//   - at 50, 75 and 90 per cent of the cap, and when the forecast crosses it, once each; new caps
//     begin again;
//   - what counts is spent and unknown, of money or tokens, whichever is nearer its cap; a hold is
//     no warning, it mostly comes back;
//   - the forecast takes the tasks that have ended against their estimates, and the others to cost
//     in proportion;
//   - a warning is a record; it follows from the records before it, and a crash between a settlement
//     and its warning only delays it to the next settlement.

// marks are the warnings by share of the cap, in per cent.
var marks = [...]int64{50, 75, 90}

// forecastMark is the warning that the forecast crosses the cap.
const forecastMark = "forecast"

// warn records the warnings that are due. p may be nil; then there is no forecast.
func (w *Writer) warn(ctx context.Context, p *planner.Plan) error {
	return w.Decide(ctx, func(s *State) ([]Fact, error) { return warnings(p, s), nil })
}

// warnings are the warnings that are due and have not been given.
func warnings(p *planner.Plan, s *State) []Fact {
	var out []Fact
	add := func(mark string, m meterOf) {
		if !slices.Contains(s.Warned, mark) {
			out = append(out, BudgetWarned{Mark: mark, Used: m.used, Cap: m.limit, Tokens: m.tokens})
		}
	}
	for _, m := range meters(s) {
		for _, mark := range marks {
			if reached(m.used, m.limit, mark) {
				add(strconv.FormatInt(mark, 10), m)
			}
		}
		if f := forecast(p, s, m.used); f > float64(m.limit) {
			add(forecastMark, meterOf{used: int64(f), limit: m.limit, tokens: m.tokens})
		}
	}
	return dedupe(out)
}

// dedupe keeps the first of the warnings with one mark.
func dedupe(facts []Fact) []Fact {
	var seen []string
	return slices.DeleteFunc(facts, func(f Fact) bool {
		mark := f.(BudgetWarned).Mark
		again := slices.Contains(seen, mark)
		seen = append(seen, mark)
		return again
	})
}

// meterOf is what is used of one cap of the build, micro-dollars or tokens.
type meterOf struct {
	used, limit int64
	tokens      bool
}

// meters are the caps that the build has, the one that is nearer its end first.
func meters(s *State) []meterOf {
	used, limit := s.Guard.Account(budget.Build), s.Guard.Limit(budget.Build)
	var out []meterOf
	if !limit.NoUSD && limit.USD > 0 {
		out = append(out, meterOf{used: int64(used.Spent + used.Unknown), limit: int64(limit.USD)})
	}
	if limit.Tokens > 0 {
		out = append(out, meterOf{used: used.SpentTokens + used.UnknownTokens, limit: limit.Tokens, tokens: true})
	}
	slices.SortStableFunc(out, func(a, b meterOf) int {
		switch x, y := a.share(), b.share(); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return out
}

func (m meterOf) share() float64 { return float64(m.used) / float64(m.limit) }

// reached says whether used is at least percent of limit, without overflow.
func reached(used, limit, percent int64) bool {
	return used >= limit/100*percent+limit%100*percent/100 && used > 0
}

// forecast is what the build will have used at its end: what is used now, and for the tasks to come
// as much for a unit of estimate as the ended ones took. 0 while no task has ended.
func forecast(p *planner.Plan, s *State, used int64) float64 {
	if p == nil {
		return 0
	}
	var ended, open float64
	for _, t := range p.Tasks() {
		if s.Task(t.ID).From != "" {
			continue // it cost this build nothing
		}
		size := float64(max(t.Estimate.InputTokens+t.Estimate.OutputTokens, 1))
		switch s.Task(t.ID).State {
		case TaskIsDone, TaskIsFail:
			ended += size
		default:
			open += size
		}
	}
	if ended == 0 {
		return 0
	}
	return float64(used) * (ended + open) / ended
}
