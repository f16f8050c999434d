package main

import (
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// least tells what a task takes at least, priced for this build's model: with less than that a task is
// not begun. It is asked by one goroutine, often about the same tasks.
func (w *works) least(s settings) (func(*planner.Plan, planner.Task) phases.Funds, error) {
	past, err := w.app.pastBuilds(s.Model)
	if err != nil {
		return nil, err
	}
	known := map[planner.TaskID]phases.Funds{}
	return func(p *planner.Plan, t planner.Task) phases.Funds {
		f, ok := known[t.ID]
		if !ok {
			a := planner.LeastOfTask(p, t, w.spec, past)
			f = phases.Funds{USD: costOf(planner.Span{Low: a}, s.price).Low, Tokens: a.Tokens()}
			known[t.ID] = f
		}
		return f
	}, nil
}
