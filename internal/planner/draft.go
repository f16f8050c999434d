package planner

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

// draftWords are the model's instructions; draftSchema is the schema of its answer.
var (
	//go:embed draft.md
	draftWords string
	//go:embed draft.schema.json
	draftSchema []byte
)

const (
	// DefaultPartBytes is the size of a question's prompt above which a spec is planned in parts.
	DefaultPartBytes = 48 << 10
	// maxRepairs is how often an answer is sent back with its problems.
	maxRepairs = 2
	// maxRepairBytes bounds the problems that are sent back.
	maxRepairBytes = 16 << 10
)

// Options of drafting. The zero value is good.
type Options struct {
	// Environment says what gates can run: tools with their versions, and what they may reach. "" says
	// nothing of it to the model.
	Environment string

	PartBytes int // prompt size above which the spec is split by section; 0 means DefaultPartBytes
}

// Draft asks a model for a plan of spec and returns it validated. The spec's reference, name and
// requirements and its acceptance gates are put in by rule; whatever the model says of them is not
// used. An answer that is invalid goes back with its problems at most twice, then Draft fails with
// [Problems] whose first has the code E_PLAN_DRAFT. An error of the asker is returned as it is.
//
// A spec whose prompt is larger than a part is asked for part by part, split by section. Which
// questions are asked depends on the spec and the answers alone, so that a replay asks the same.
func Draft(ctx context.Context, asker Asker, spec *Spec, o Options) (*Plan, error) {
	if o.PartBytes <= 0 {
		o.PartBytes = DefaultPartBytes
	}
	parts := splitSpec(spec, o.PartBytes)
	d := &drafter{asker: asker, spec: spec, parts: len(parts), partBytes: o.PartBytes, environment: o.Environment, plan: newPlan(spec)}
	for _, part := range parts {
		if len(parts) > 1 && len(part.requirements) == 0 && len(part.acceptance) == 0 {
			continue // prose that asks for nothing
		}
		if err := d.part(ctx, part); err != nil {
			return nil, err
		}
	}
	if ps := Validate(d.plan, spec); len(ps) > 0 {
		return nil, draftFault(spec, ps)
	}
	return d.plan, nil
}

// drafter makes one plan from answers to one question for each part of the spec.
type drafter struct {
	asker       Asker
	spec        *Spec
	parts       int // of the spec
	partBytes   int
	environment string
	plan        *Plan // of the parts so far
}

// part asks for the tasks of one part until the answer is valid, and adds them to the plan.
func (d *drafter) part(ctx context.Context, part specPart) error {
	q := Question{System: []string{draftWords}, Prompt: d.prompt(part), Schema: json.RawMessage(draftSchema)}
	var problems Problems
	for range maxRepairs + 1 {
		raw, err := d.asker.Ask(ctx, q)
		if err != nil {
			return err
		}
		var next *Plan
		if next, problems = d.take(raw, part); len(problems) == 0 {
			d.plan = next
			return nil
		}
		q.Answer, q.Repair = string(raw), repairText(problems)
	}
	return draftFault(d.spec, problems)
}

// take reads an answer and gives the plan with it, or the problems it would have.
func (d *drafter) take(raw json.RawMessage, part specPart) (*Plan, Problems) {
	a, err := decodeAnswer(raw)
	if err != nil {
		return nil, Problems{{Code: "E_PLAN_PARSE", Where: "answer", What: err.Error(), Hint: "answer with one JSON object that fits the schema"}}
	}
	prefix := ""
	if d.parts > 1 {
		prefix = fmt.Sprintf("part%d-", part.number)
		a.prefixIDs(prefix)
	}
	next := d.plan.with(a, part)
	next.finish()
	problems := Validate(next, nil)
	for i := range problems { // the model knows its own ids only
		problems[i].Where = strings.ReplaceAll(problems[i].Where, prefix, "")
		problems[i].What = strings.ReplaceAll(problems[i].What, prefix, "")
	}
	return next, problems
}

// repairText lists problems for the model, one a line.
func repairText(ps Problems) string {
	var b strings.Builder
	for i, p := range ps {
		line := fmt.Sprintf("%s: %s: %s (%s)\n", p.Code, p.Where, p.What, p.Hint)
		if b.Len()+len(line) > maxRepairBytes {
			fmt.Fprintf(&b, "and %d more\n", len(ps)-i)
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

// draftFault says that no valid plan came of it, and why.
func draftFault(spec *Spec, ps Problems) error {
	first := Problem{
		Code: "E_PLAN_DRAFT", Where: spec.Path,
		What: fmt.Sprintf("the model gave no valid plan in %d answers", maxRepairs+1),
		Hint: "try another model, or write a plan by hand and run: builder build --plan FILE",
	}
	return append(Problems{first}, ps...)
}
