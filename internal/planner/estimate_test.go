package planner_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// history draws finished builds of several types.
func history(t *rapid.T) []planner.Actual {
	var out []planner.Actual
	for range rapid.IntRange(0, 6).Draw(t, "builds") {
		n := func(label string) int64 { return rapid.Int64Range(1, 1e7).Draw(t, label) }
		out = append(out, planner.Actual{
			Type: rapid.SampledFrom(planner.ProjectTypes()).Draw(t, "type"), SpecBytes: n("bytes"), Requirements: rapid.Int64Range(0, 500).Draw(t, "requirements"),
			Amount: planner.Amount{Calls: n("calls"), Input: n("input"), CacheWrite: n("write"), CacheRead: n("read"), Output: n("output")},
		})
	}
	return out
}

func atMost(a, b planner.Amount) bool {
	return a.Calls <= b.Calls && a.Input <= b.Input && a.CacheWrite <= b.CacheWrite && a.CacheRead <= b.CacheRead && a.Output <= b.Output
}

func TestEstimateIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(planner.ProjectTypes()).Draw(t, "type")
		past := history(t)
		small := planner.Size{SpecBytes: rapid.Int64Range(0, 1<<22).Draw(t, "bytes"), Requirements: rapid.Int64Range(0, 10_000).Draw(t, "requirements")}
		large := planner.Size{SpecBytes: small.SpecBytes + rapid.Int64Range(0, 1<<20).Draw(t, "more bytes"), Requirements: small.Requirements + rapid.Int64Range(0, 500).Draw(t, "more")}
		a, b := planner.Estimate(kind, small, past), planner.Estimate(kind, large, past)
		if !atMost(a.Total.Low, b.Total.Low) || !atMost(a.Total.Likely, b.Total.Likely) || !atMost(a.Total.High, b.Total.High) {
			t.Fatalf("%+v is estimated above %+v: %+v, %+v", small, large, a.Total, b.Total)
		}
		if !atMost(a.Total.Low, a.Total.Likely) || !atMost(a.Total.Likely, a.Total.High) {
			t.Fatalf("no range: %+v", a.Total)
		}
	})
}

func TestEstimateNamesItsBasis(t *testing.T) {
	t.Parallel()
	size := planner.TypicalSize(planner.CLITool)
	rule := planner.Estimate(planner.CLITool, size, nil)
	if rule.Basis != "by rule from the spec" || rule.Samples != 0 || len(rule.Phases) != 2 || rule.Phases[0].Phase != "plan" {
		t.Errorf("got %+v", rule)
	}
	actual := planner.Actual{Type: planner.CLITool, SpecBytes: size.SpecBytes, Requirements: size.Requirements, Amount: rule.Total.Likely}
	double := actual
	double.Calls, double.Output = 2*actual.Calls, 2*actual.Output
	other := actual
	other.Type = planner.FullStack
	past := []planner.Actual{actual, double, other, actual}
	got := planner.Estimate(planner.CLITool, size, past)
	if got.Basis != "history of 3 builds" || got.Samples != 3 {
		t.Errorf("got basis %q, %d", got.Basis, got.Samples)
	}
	if low := got.Total.Low.Output; got.Total.Likely != rule.Total.Likely || low < actual.Output*89/100 || low > actual.Output*91/100 { // a tenth below: the least spread
		t.Errorf("the median is not what two of three builds took: %+v", got.Total)
	}
	if high := got.Total.High.Calls; high <= actual.Calls || high > double.Calls+1 {
		t.Errorf("the upper quantile is %d calls, of builds with %d and %d", high, actual.Calls, double.Calls)
	}
	if one := planner.Estimate(planner.CLITool, size, past[:1]); one.Basis != "history of 1 build" || one.Total.Low.Calls >= one.Total.High.Calls {
		t.Errorf("one build gives no range: %+v", one.Total)
	}
}

func TestLargerProjectTypesTakeMore(t *testing.T) {
	t.Parallel()
	var before planner.Amount
	for _, kind := range []planner.ProjectType{planner.CLITool, planner.RESTAPI, planner.FullStack, planner.Enterprise} {
		got := planner.Estimate(kind, planner.TypicalSize(kind), nil).Total.Likely
		if !atMost(before, got) || got.Tokens() <= before.Tokens() {
			t.Errorf("%s: %+v after %+v", kind, got, before)
		}
		before = got
	}
}

func TestEstimatePlan(t *testing.T) {
	t.Parallel()
	p := goodPlan()
	if got := planner.EstimatePlan(p, goodSpec(), nil); got.Basis != "by rule from the spec" || len(got.Phases) != 2 || got.Phases[1].Phase != "docs" {
		t.Errorf("got %+v", got)
	}
	for i := range p.Phases {
		for j := range p.Phases[i].Tasks {
			p.Phases[i].Tasks[j].Estimate = planner.Quantity{Calls: 6, InputTokens: 60_000, OutputTokens: 9_000}
		}
	}
	got := planner.EstimatePlan(p, goodSpec(), nil)
	likely := got.Phases[0].Likely
	if got.Basis != "plan estimates" || likely.Calls != 12 || likely.Output != 18_000 || likely.Input+likely.CacheWrite+likely.CacheRead != 120_000 {
		t.Errorf("got %+v", got)
	}
	past := make([]planner.Actual, 3)
	for i := range past {
		past[i] = planner.Actual{Type: planner.RESTAPI, SpecBytes: 100, Requirements: 2, Amount: planner.Amount{Calls: 5, Output: 100}}
	}
	if got := planner.EstimatePlan(p, goodSpec(), past); !strings.HasPrefix(got.Basis, "history") || got.Samples != 3 {
		t.Errorf("got %+v", got)
	}
	p.Phases[0].Tasks[0].Estimate = planner.Quantity{Calls: math.MaxInt64, InputTokens: math.MaxInt64, OutputTokens: math.MaxInt64}
	if got := planner.EstimatePlan(p, goodSpec(), nil).Total; got.High.Calls < 0 || got.High.Tokens() < 0 || !atMost(got.Likely, got.High) {
		t.Errorf("overflow: %+v", got)
	}
}

// A plan of more tasks than the rule expects of its spec is estimated by what plans like it took, also task by task.
func TestEstimatePlanLikeThePast(t *testing.T) {
	t.Parallel()
	for _, kind := range planner.ProjectTypes() {
		for _, n := range []struct{ tasks, requirements int }{{12, 12}, {12, 13}, {24, 25}, {5, 31}, {1, 7}} {
			p := &planner.Plan{Project: planner.Project{Type: kind}, Phases: []planner.Phase{{ID: "p"}}}
			tasks := make([]planner.Task, n.tasks)
			for i := range n.requirements {
				r := planner.RequirementID(fmt.Sprint("R", i+1))
				p.Requirements = append(p.Requirements, planner.Requirement{ID: r})
				tasks[i%n.tasks].Covers = append(tasks[i%n.tasks].Covers, r)
			}
			p.Phases[0].Tasks = tasks
			spec := &planner.Spec{Text: strings.Repeat("x", 3000), Requirements: p.Requirements}
			took := planner.Amount{Calls: int64(2 * n.tasks), CacheWrite: 5_000 * int64(n.tasks), CacheRead: 5_000 * int64(n.tasks), Output: 1_000 * int64(n.requirements)}
			past := make([]planner.Actual, 13)
			for i := range past {
				past[i] = planner.Actual{Type: kind, SpecBytes: 3000, Requirements: int64(n.requirements), Tasks: int64(n.tasks), Amount: took}
			}
			near := func(what string, got, want planner.Amount) {
				t.Helper()
				for _, x := range [][2]int64{{got.Calls, want.Calls}, {got.CacheWrite, want.CacheWrite}, {got.CacheRead, want.CacheRead}, {got.Output, want.Output}} {
					if x[0] < x[1]*72/100 || x[0] > x[1]*115/100+1 {
						t.Errorf("%s of %d tasks for %d requirements, %s: %+v, like builds took %+v", kind, n.tasks, n.requirements, what, got, want)
					}
				}
			}
			given := slices.Clone(past)
			for i := range given {
				given[i].PlanGiven = true
			}
			// What they took is of the tasks alone, as is the estimate of a plan.
			if got := planner.EstimatePlan(p, spec, given).Total; got.Likely.Calls < took.Calls || got.Likely.Calls > took.Calls*102/100+1 || got.Low.Output >= took.Output || got.High.Output <= took.Output {
				t.Errorf("%s of %d tasks, plans given: %+v, like builds took %+v", kind, n.tasks, got, took)
			}
			near("all", planner.EstimatePlan(p, spec, past).Total.Likely, took)
			near("by spec", planner.Estimate(kind, planner.SizeOf(spec), past).Total.Likely, took)
			var sum planner.Amount
			for _, task := range tasks {
				one := planner.LeastOfTask(p, task, spec, past)
				sum.Calls, sum.CacheWrite, sum.CacheRead, sum.Output = sum.Calls+one.Calls, sum.CacheWrite+one.CacheWrite, sum.CacheRead+one.CacheRead, sum.Output+one.Output
			}
			sum.Calls = took.Calls // of each task they are rounded up
			near("one by one", sum, took)
		}
	}
}
