package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
	known "github.com/seed-c331f47d/builder/internal/usage"
)

// money is a range of cost in micro-dollars.
type money struct {
	Low    budget.Micro `json:"low"`
	Likely budget.Micro `json:"likely"`
	High   budget.Micro `json:"high"`
}

// estimate is a range of quantities, priced.
type estimate struct {
	Version int                 `json:"version"`
	Type    planner.ProjectType `json:"type"`
	Model   string              `json:"model"`
	Basis   string              `json:"basis"`
	Samples int                 `json:"samples"`
	Phases  []estimatePhase     `json:"phases"`
	Total   planner.Span        `json:"total"`
	Cost    money               `json:"cost_microusd"`
	Prices  priceNote           `json:"prices"`
}

type estimatePhase struct {
	Phase planner.PhaseID `json:"phase"`
	planner.Span
	Cost money `json:"cost_microusd"`
}

// priceNote says where the prices of an estimate come from.
type priceNote struct {
	Source    string `json:"source"`
	CheckedOn string `json:"checked_on"`
}

// priced puts prices to quantities. An estimate knows no single requests, so the band for long
// prompts, where a model has one, is counted in the high figure only.
func priced(q planner.Quantities, p budget.Price) estimate {
	e := estimate{Version: 1, Type: q.Type, Model: p.Model, Basis: q.Basis, Samples: q.Samples, Total: q.Total, Prices: priceNote{orOwn(p.Source), p.CheckedOn}}
	for _, ph := range q.Phases {
		e.Phases = append(e.Phases, estimatePhase{ph.Phase, ph.Span, costOf(ph.Span, p)})
	}
	e.Cost = costOf(q.Total, p)
	return e
}

func orOwn(source string) string {
	if source == "" {
		return "your configuration"
	}
	return source
}

func costOf(s planner.Span, p budget.Price) money {
	base := p
	base.Long = nil
	high := base
	if b := p.Long; b != nil {
		high.Input, high.Output, high.CacheRead, high.CacheWrite5m, high.CacheWrite1h = b.Input, b.Output, b.CacheRead, b.CacheWrite5m, b.CacheWrite1h
	}
	cost := func(a planner.Amount, p budget.Price) budget.Micro {
		return p.Cost(budget.Usage{Input: a.Input, CacheWrite5m: a.CacheWrite, CacheRead: a.CacheRead, Output: a.Output})
	}
	return money{cost(s.Low, base), cost(s.Likely, base), cost(s.High, high)}
}

// expected is the estimate as the register keeps it.
func (e estimate) expected() *known.Estimate {
	return &known.Estimate{
		Cost:  known.Range{Low: int64(e.Cost.Low), Likely: int64(e.Cost.Likely), High: int64(e.Cost.High)},
		Calls: known.Range{Low: e.Total.Low.Calls, Likely: e.Total.Likely.Calls, High: e.Total.High.Calls},
		Basis: e.Basis, Samples: e.Samples,
	}
}

// pastBuilds are the finished builds with this model: what an estimate may learn from.
func (a *app) pastBuilds(model string) ([]planner.Actual, error) {
	reg, err := a.register()
	if err != nil {
		return nil, err
	}
	all, err := reg.List()
	if err != nil {
		return nil, err
	}
	var out []planner.Actual
	for _, b := range all {
		if b.Model != model || b.State != "done" || b.Forked { // a fork has paid for a part only
			continue
		}
		out = append(out, planner.Actual{
			Type: planner.ProjectType(b.Type), SpecBytes: b.SpecBytes, Requirements: int64(b.Requirements), Tasks: int64(b.Tasks), PlanGiven: b.Given,
			Amount: planner.Amount{Calls: b.Calls, Input: b.Tokens.Input, CacheWrite: b.Tokens.CacheWrite5m + b.Tokens.CacheWrite1h, CacheRead: b.Tokens.CacheRead, Output: b.Tokens.Output},
		})
	}
	return out, nil
}

// estimateOf is the estimate of building a spec, or of carrying a plan out.
func (a *app) estimateOf(spec *planner.Spec, plan *planner.Plan, s settings) (estimate, error) {
	past, err := a.pastBuilds(s.Model)
	if err != nil {
		return estimate{}, err
	}
	if plan != nil {
		return priced(planner.EstimatePlan(plan, spec, past), s.price), nil
	}
	return priced(planner.Estimate(spec.Project.Type, planner.SizeOf(spec), past), s.price), nil
}

func (e estimate) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "phase\tcalls\tinput\tcache write\tcache read\toutput\tlow\tlikely\thigh\t")
	for _, ph := range e.Phases {
		row(tw, string(ph.Phase), ph.Likely, ph.Cost)
	}
	row(tw, "total", e.Total.Likely, e.Cost)
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "model %s; basis: %s, %d sample(s); prices: %s, checked on %s\n", e.Model, e.Basis, e.Samples, e.Prices.Source, orDash(e.Prices.CheckedOn))
	return err
}

func row(w io.Writer, name string, a planner.Amount, m money) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t\n", name, a.Calls, a.Input, a.CacheWrite, a.CacheRead, a.Output, cents(m.Low), cents(m.Likely), cents(m.High))
}

func cents(m budget.Micro) string { return fmt.Sprintf("$%.2f", float64(m)/float64(budget.Dollar)) }
