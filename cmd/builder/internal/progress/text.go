package progress

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// text is one record as a line for people; "" for records that are too small to tell.
func (v *View) text(e checkpoint.Envelope, s *phases.State) string {
	f, err := phases.Decode(e.Kind, e.Payload)
	if err != nil {
		return ""
	}
	switch f := f.(type) {
	case phases.TaskStarted:
		if f.Task == planner.PlanTask {
			return "planning"
		}
		return fmt.Sprintf("%s  started", f.Task)
	case phases.PlanAccepted:
		return v.plan(s)
	case phases.AttemptStarted:
		return attempt(f)
	case phases.CallAnswered:
		switch {
		case f.Uncounted:
			return fmt.Sprintf("%s  answer without usage: what it cost is not known, all that was held for it counts", f.Op.Task)
		case f.Fate == budget.Answered:
			return fmt.Sprintf("%s  answer: %d tokens in, %d out, %s", f.Op.Task, f.Usage.InputAll(), f.Usage.Output, Billed(s.Build.Billing, f.Billed()))
		}
	case phases.CallFailed:
		text := fmt.Sprintf("%s  call failed (%s): %s", f.Op.Task, f.Class, f.Message)
		if f.WaitMS > 0 {
			text += fmt.Sprintf("; asked again in %s", (time.Duration(f.WaitMS) * time.Millisecond).Round(100*time.Millisecond))
		}
		return text
	case phases.EffectFinished:
		return effect(f)
	case phases.AttemptFinished:
		if f.Outcome != "accepted" {
			return fmt.Sprintf("%s  attempt %d ended %s: %s", f.Task, f.Attempt, f.Outcome, f.Reason)
		}
	case phases.TaskDone:
		if len(f.Edits) > 0 {
			return fmt.Sprintf("%s  done, commit %.10s; E_USER_EDIT: left as you changed them: %s", f.Task, f.Commit, strings.Join(f.Edits, ", "))
		}
		return fmt.Sprintf("%s  done, commit %.10s", f.Task, f.Commit)
	case phases.MergeStarted:
		return merging(f)
	case phases.TaskRebased:
		return fmt.Sprintf("%s  goes back to its agent: %s", f.Task, rebased(f))
	case phases.MergeFinished:
		if len(f.Red) > 0 {
			return fmt.Sprintf("merge %d  red before it already, on the branch: %s", f.Merge, listed(f.Red))
		}
	case phases.TaskFailed:
		return fmt.Sprintf("%s  FAILED: %s", f.Task, f.Reason)
	case phases.BudgetWarned:
		return warned(f)
	case phases.CapsRaised:
		return capped(f.Caps)
	}
	if text := spoken(f); text != "" {
		return text
	}
	return changed(f)
}

// merging tells of a merge in which something is merged; one candidate on its own base is just committed.
func merging(f phases.MergeStarted) string {
	if len(f.Items) == 1 && f.Items[0].Tree == f.Items[0].Candidate {
		return ""
	}
	tasks := make([]planner.TaskID, len(f.Items))
	for i, it := range f.Items {
		tasks[i] = it.Task
	}
	return fmt.Sprintf("merge %d  %s", f.Merge, listed(tasks))
}

// rebased says in a line why a candidate goes back.
func rebased(f phases.TaskRebased) string {
	if len(f.Conflicts) == 0 {
		return "merged with the branch, its gates or those of others fail"
	}
	paths := make([]string, len(f.Conflicts))
	for i, c := range f.Conflicts {
		paths[i] = c.Path
	}
	return "it conflicts with the branch in " + listed(paths)
}

func listed[T ~string](names []T) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}

// spoken tells what a person ordered or said, and what they are asked.
func spoken(f phases.Fact) string {
	switch f := f.(type) {
	case phases.Ordered:
		return ordered(f)
	case phases.NoteTold:
		return fmt.Sprintf("%s  the agent is told what you noted", f.Op.Task)
	case phases.QuestionAsked:
		return fmt.Sprintf("%s  WAITS for your answer: %s", f.Op.Task, f.Text)
	}
	return ""
}

func ordered(f phases.Ordered) string {
	switch f.Verb {
	case phases.OrderPause:
		return "paused by an order: what has begun ends, nothing else begins"
	case phases.OrderContinue:
		return "goes on by an order"
	case phases.OrderStop:
		return "told to stop by an order"
	case phases.OrderNote:
		if f.Task == "" {
			return "noted for the agents: " + f.Text
		}
		return fmt.Sprintf("%s  noted for its agents: %s", f.Task, f.Text)
	case phases.OrderAnswer:
		return fmt.Sprintf("%s  answered: %s", f.Task, f.Text)
	}
	return "" // caps have a record of their own
}

// capped says what caps a build has now.
func capped(c budget.Caps) string {
	text := "no cap on money"
	if !c.NoUSD {
		text = USD(c.USD)
	}
	if c.Tokens > 0 {
		text += fmt.Sprintf(" and %d tokens", c.Tokens)
	}
	for _, scope := range slices.Sorted(maps.Keys(c.Scopes)) {
		if l := c.Scopes[scope]; !l.NoUSD {
			text += fmt.Sprintf("; %s %s", scope, USD(l.USD))
		}
	}
	return "budget: the cap is now " + text
}

// attempt tells of a new attempt where it is not the first one with the build's own model.
func attempt(f phases.AttemptStarted) string {
	text := fmt.Sprintf("%s  attempt %d", f.Task, f.Attempt)
	switch {
	case f.Why != "":
		return fmt.Sprintf("%s with %s (%s)", text, f.Model, f.Why)
	case f.Attempt > 1:
		return text
	}
	return ""
}

// warned says what a warning is about.
func warned(f phases.BudgetWarned) string {
	amount := func(n int64) string {
		if f.Tokens {
			return fmt.Sprintf("%d tokens", n)
		}
		return USD(budget.Micro(n))
	}
	if f.Mark == "forecast" {
		return fmt.Sprintf("budget: at this rate the build needs %s, its cap is %s; it then pauses and can go on under a higher one", amount(f.Used), amount(f.Cap))
	}
	return fmt.Sprintf("budget: %s %% of the cap is used: %s of %s", f.Mark, amount(f.Used), amount(f.Cap))
}

func (v *View) plan(s *phases.State) string {
	p := v.Plan(s)
	if p == nil {
		return "plan accepted"
	}
	return fmt.Sprintf("plan accepted: %d tasks in %d phases, %d requirements", len(p.Tasks()), len(p.Phases), len(p.Requirements))
}

// proven says whose tree a gate looks at.
func proven(f phases.EffectFinished) string {
	switch {
	case f.Gate.Task != "":
		return fmt.Sprintf("%s  merged", f.Gate.Task)
	case f.Op.Task == phases.MergeTask:
		return fmt.Sprintf("merge %d", f.Op.Attempt)
	}
	return f.Op.Task
}

func effect(f phases.EffectFinished) string {
	switch {
	case f.Gate != nil && f.Gate.Base:
		return ""
	case f.Gate != nil && f.Gate.Pass:
		return fmt.Sprintf("%s  gate %s  pass  %s", proven(f), f.Gate.Gate, f.Gate.Short)
	case f.Gate != nil:
		return fmt.Sprintf("%s  gate %s  FAIL  %s", proven(f), f.Gate.Gate, f.Gate.Short)
	case f.Effect == phases.EffectTool && f.Name == "run": // the quick ones would only be noise
		return fmt.Sprintf("%s  ran a command", f.Op.Task)
	}
	return ""
}
