package planner

import (
	"fmt"
	"math"
	"slices"
)

// Amount is a number of model calls and their tokens by class.
type Amount struct {
	Calls      int64 `json:"calls"`
	Input      int64 `json:"input"`       // fresh, at the full price
	CacheWrite int64 `json:"cache_write"` // written to the provider's cache
	CacheRead  int64 `json:"cache_read"`  // read from it
	Output     int64 `json:"output"`
}

// Tokens is all tokens of a together, unweighted.
func (a Amount) Tokens() int64 { return a.Input + a.CacheWrite + a.CacheRead + a.Output }

// Span is an amount as a range: low and high are what one build in ten stays below and goes above,
// as far as the basis tells.
type Span struct {
	Low    Amount `json:"low"`
	Likely Amount `json:"likely"`
	High   Amount `json:"high"`
}

// PhaseSpan is the amount of one phase; planning itself has the phase "plan".
type PhaseSpan struct {
	Phase PhaseID `json:"phase"`
	Span
}

// Quantities is an estimate: how much model work a build takes, and on what grounds. It knows no
// prices.
type Quantities struct {
	Type    ProjectType `json:"type"`
	Basis   string      `json:"basis"`   // "plan estimates", "history of N builds" or "by rule from the spec"
	Samples int         `json:"samples"` // finished builds behind it
	Phases  []PhaseSpan `json:"phases"`
	Total   Span        `json:"total"`
}

// Actual is what one finished build took.
type Actual struct {
	Type         ProjectType `json:"type"`
	SpecBytes    int64       `json:"spec_bytes"`
	Requirements int64       `json:"requirements"`
	Tasks        int64       `json:"tasks"`      // of its plan; 0: not known
	PlanGiven    bool        `json:"plan_given"` // it did not pay for planning
	Amount
}

// Size is what estimates by rule depend on.
type Size struct {
	SpecBytes    int64
	Requirements int64
}

// SizeOf gives the size of a spec.
func SizeOf(spec *Spec) Size {
	return Size{SpecBytes: int64(len(spec.Text)), Requirements: int64(len(spec.Requirements))}
}

// The names of the phases of an estimate that is made before there is a plan.
const (
	planningPhase PhaseID = "plan"
	buildingPhase PhaseID = "build"
)

const (
	basisRule = "by rule from the spec"
	basisPlan = "plan estimates"
	// enoughHistory is how many builds of a type make their history better than the plan's word.
	enoughHistory = 3
	// leastSpread is how far a range goes at least to both sides: builds that were all alike do not tell how others differ.
	leastSpread = 0.1
)

// Estimate gives the quantities of building a project of a type and size, planning included. With
// builds of this type in history it scales the rule by how they came out, else it is the rule alone.
// For one type and history it never falls when requirements or bytes are added.
func Estimate(t ProjectType, size Size, history []Actual) Quantities {
	f := factorsOf(t, history, bySpec)
	q := Quantities{Type: t, Basis: f.basis, Samples: f.samples}
	q.add(planningPhase, f.span(planningRule(size)))
	q.add(buildingPhase, f.span(buildingRule(t, size)))
	return q
}

// EstimatePlan gives the quantities of carrying out a plan, by phase; the plan itself is made. It
// goes by history when there is enough, else by the plan's own estimates when every task has one,
// else by rule.
func EstimatePlan(p *Plan, spec *Spec, history []Actual) Quantities {
	f := factorsOf(p.Project.Type, history, byPlan)
	own := !slices.ContainsFunc(p.Tasks(), func(t Task) bool { return t.Estimate.Calls <= 0 })
	byOwn := own && f.samples < enoughHistory
	if byOwn {
		f = unchecked(basisPlan)
	}
	size := Size{Requirements: int64(len(p.Requirements))}
	if spec != nil {
		size.SpecBytes = int64(len(spec.Text))
	}
	q := Quantities{Type: p.Project.Type, Basis: f.basis, Samples: f.samples}
	for _, ph := range p.Phases {
		var sum Amount
		for _, t := range ph.Tasks {
			if byOwn {
				sum = sum.plus(amountOf(t.Estimate, size))
				continue
			}
			sum = sum.plus(taskRule(p.Project.Type, size, int64(len(t.Covers))))
		}
		q.add(ph.ID, f.span(sum))
	}
	return q
}

// LeastOfTask is what carrying out one task of a plan takes at least, as far as anything tells: the low
// end of what past builds of the type took; with too few of them a quarter of what the plan or the rule
// expects, which errs on the high side.
func LeastOfTask(p *Plan, t Task, spec *Spec, history []Actual) Amount {
	f := factorsOf(p.Project.Type, history, byPlan)
	size := Size{Requirements: int64(len(p.Requirements))}
	if spec != nil {
		size.SpecBytes = int64(len(spec.Text))
	}
	if f.samples >= enoughHistory {
		return taskRule(p.Project.Type, size, int64(len(t.Covers))).times(f.low)
	}
	expected := taskRule(p.Project.Type, size, int64(len(t.Covers)))
	if t.Estimate.Calls > 0 {
		expected = amountOf(t.Estimate, size)
	}
	return expected.times(factor{0.25, 0.25, 0.25, 0.25, 0.25})
}

// add puts a phase into the estimate and its total.
func (q *Quantities) add(id PhaseID, s Span) {
	q.Phases = append(q.Phases, PhaseSpan{id, s})
	q.Total = Span{q.Total.Low.plus(s.Low), q.Total.Likely.plus(s.Likely), q.Total.High.plus(s.High)}
}

// plus adds two amounts.
func (a Amount) plus(b Amount) Amount {
	return Amount{a.Calls + b.Calls, a.Input + b.Input, a.CacheWrite + b.CacheWrite, a.CacheRead + b.CacheRead, a.Output + b.Output}
}

// factor is a share of each of an amount's numbers: calls, input, cache write, cache read, output.
type factor [5]float64

// factors scale what the rule says.
type factors struct {
	basis             string
	samples           int
	low, likely, high factor
}

// unchecked is the spread of amounts that no build has checked.
func unchecked(basis string) factors {
	return factors{
		basis:  basis,
		low:    factor{0.5, 0.5, 0.5, 0.4, 0.5},
		likely: factor{1, 1, 1, 1, 1},
		high:   factor{2.5, 2.5, 2.5, 3, 2.5},
	}
}

// span scales an amount.
func (f factors) span(a Amount) Span {
	return Span{a.times(f.low), a.times(f.likely), a.times(f.high)}
}

// times scales an amount, rounding up.
func (a Amount) times(f factor) Amount {
	scale := func(n int64, by float64) int64 { return int64(math.Min(math.Ceil(float64(n)*by), maxTokens)) }
	return Amount{scale(a.Calls, f[0]), scale(a.Input, f[1]), scale(a.CacheWrite, f[2]), scale(a.CacheRead, f[3]), scale(a.Output, f[4])}
}

// factorsOf compares past builds of a type with a rule: the 10th, 50th and 90th percentile of
// actual over rule. One or two builds are no distribution, so their range is widened.
func factorsOf(t ProjectType, history []Actual, ruleOf func(Actual) Amount) factors {
	var ratios [5][]float64
	n := 0
	for _, a := range history {
		if a.Type != t || a.Calls <= 0 {
			continue
		}
		n++
		rule := ruleOf(a).numbers()
		for i, got := range a.numbers() {
			ratios[i] = append(ratios[i], float64(max(got, 0))/float64(max(rule[i], 1)))
		}
	}
	if n == 0 {
		return unchecked(basisRule)
	}
	f := factors{basis: fmt.Sprintf("history of %d builds", n), samples: n}
	if n == 1 {
		f.basis = "history of 1 build"
	}
	for i := range ratios {
		slices.Sort(ratios[i])
		f.low[i], f.likely[i], f.high[i] = quantile(ratios[i], 0.1), quantile(ratios[i], 0.5), quantile(ratios[i], 0.9)
		if n < enoughHistory {
			f.low[i], f.high[i] = f.low[i]*0.7, f.high[i]*1.5
		}
		f.low[i], f.high[i] = min(f.low[i], f.likely[i]*(1-leastSpread)), max(f.high[i], f.likely[i]*(1+leastSpread))
	}
	return f
}

// bySpec is what the rule says of a past build by its spec alone.
func bySpec(a Actual) Amount {
	return planned(a).plus(buildingRule(a.Type, Size{a.SpecBytes, a.Requirements}))
}

// planned is what it says of its planning.
func planned(a Actual) Amount {
	if a.PlanGiven {
		return Amount{}
	}
	return planningRule(Size{a.SpecBytes, a.Requirements})
}

// byPlan is what it says by the tasks the build had: a plan has as many as its planner wanted, and an estimate of
// a plan adds up its tasks.
func byPlan(a Actual) Amount {
	if a.Tasks <= 0 {
		return bySpec(a)
	}
	size := Size{a.SpecBytes, a.Requirements}
	of := func(tasks, covers int64) Amount {
		n := float64(tasks)
		return taskRule(a.Type, size, covers).times(factor{n, n, n, n, n})
	}
	covers, more := a.Requirements/a.Tasks, a.Requirements%a.Tasks // as even as can be: who covers what is not known
	return planned(a).plus(of(more, covers+1)).plus(of(a.Tasks-more, covers))
}

// numbers lists an amount's numbers in the order of a factor.
func (a Amount) numbers() [5]int64 {
	return [5]int64{a.Calls, a.Input, a.CacheWrite, a.CacheRead, a.Output}
}

// quantile gives the value below which a share q of sorted values lies, between neighbours by
// straight line.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// With is the estimate with one more phase in front.
func (q Quantities) With(ph PhaseSpan) Quantities {
	phases := q.Phases
	q.Phases, q.Total = nil, Span{}
	for _, one := range append([]PhaseSpan{ph}, phases...) {
		q.add(one.Phase, one.Span)
	}
	return q
}
