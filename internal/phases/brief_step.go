package phases

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Bounds of what an agent is told at the start.
const (
	wholeSpec = 96 << 10 // larger specs are told by the sections that matter
	treeLines = 400
	noteBytes = 4 << 10
	failBytes = 6 << 10
	gateBytes = 24 << 10
)

// brief puts together what an agent is told about a task; heard is the record of the last words of a
// person among it.
func (e *Engine) brief(ctx context.Context, task planner.Task, st TaskState, base Manifest) (b agent.Brief, heard uint64, err error) {
	tree, err := repoMap(ctx, e.Blobs, base)
	if err != nil {
		return agent.Brief{}, 0, err
	}
	b = agent.Brief{
		Role: task.Role, SpecPath: e.Spec.Path, Spec: specFor(e.Spec, e.plan, task),
		Project: projectLine(e.plan.Project), Environment: e.facts(ctx),
		TaskID: string(task.ID), Title: task.Title, Goal: task.Goal,
		Writes: task.Writes, Tree: tree, LastFailure: clip(st.Reason, failBytes),
	}
	b.Plan, b.Near = planFor(e.plan, task)
	if len(task.Writes) > 0 {
		b.Shared = e.plan.Shared
	}
	b.Changed = changedText(st)
	for _, r := range e.plan.Requirements {
		for _, c := range task.Covers {
			if c == r.ID {
				b.Requirements = append(b.Requirements, agent.BriefRequirement{ID: string(r.ID), Text: r.Text, Source: r.Source})
			}
		}
	}
	kinds := map[planner.GateKind]bool{}
	for i, id := range append(slices.Clone(task.Gates), st.Keep...) {
		g, ok := e.plan.Gate(id)
		if !ok || slices.Contains(task.Gates[:min(i, len(task.Gates))], id) {
			continue
		}
		kinds[g.Kind] = true
		text := GateText(e.asTold(g, b.Spec))
		if i >= len(task.Gates) {
			text = "Another task's, which must stay green. " + text
		}
		b.Gates = append(b.Gates, agent.BriefGate{ID: string(g.ID), Kind: string(g.Kind), Text: clip(text, gateBytes)})
	}
	b.HowGatesRun = howGatesRun(kinds, e.plan.Setup)
	err = e.Writer.View(ctx, func(s *State) {
		b.Person, heard = s.said(task.ID)
		for _, n := range task.Needs {
			t := s.Task(n)
			if t.Summary != "" {
				b.Notes = append(b.Notes, clip(string(n)+": "+t.Summary, noteBytes))
			}
			for _, note := range t.Notes {
				b.Notes = append(b.Notes, clip(string(n)+": "+note, noteBytes))
			}
		}
	})
	return b, heard, err
}

func projectLine(p planner.Project) string {
	parts := []string{p.Name, string(p.Type)}
	if len(p.Stack) > 0 {
		parts = append(parts, strings.Join(p.Stack, " "))
	}
	if p.Summary != "" {
		parts = append(parts, p.Summary)
	}
	return strings.Join(parts, "; ")
}

// specFor is the spec as a task is told it: whole when it is small, else the front, the headings
// and the sections that hold the task's requirements.
func specFor(s *planner.Spec, p *planner.Plan, task planner.Task) string {
	if len(s.Text) <= wholeSpec {
		return s.Text
	}
	lines := strings.Split(s.Text, "\n")
	keep := make([]bool, len(lines)+1)
	mark := func(first, last int) {
		for i := max(first, 1); i <= min(last, len(lines)); i++ {
			keep[i] = true
		}
	}
	mark(1, 40)
	for _, sec := range s.Sections {
		mark(sec.First, sec.First)
	}
	for _, r := range p.Requirements {
		for _, c := range task.Covers {
			if c != r.ID {
				continue
			}
			first, last := sourceLines(r.Source)
			mark(first-2, last+2)
			for _, sec := range s.Sections {
				if sec.First <= first && last <= sec.Last && sec.Last-sec.First < 200 {
					mark(sec.First, sec.Last)
				}
			}
		}
	}
	return withGaps(lines, keep)
}

func withGaps(lines []string, keep []bool) string {
	var b strings.Builder
	gap := 0
	for i, l := range lines {
		if !keep[i+1] {
			gap++
			continue
		}
		if gap > 0 {
			fmt.Fprintf(&b, "[… %d lines of the spec that concern other tasks …]\n", gap)
			gap = 0
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

// sourceLines reads "12" or "12-13"; 0, 0 when it is neither.
func sourceLines(source string) (first, last int) {
	a, z, ok := strings.Cut(source, "-")
	if !ok {
		z = a
	}
	first, err1 := strconv.Atoi(a)
	last, err2 := strconv.Atoi(z)
	if err1 != nil || err2 != nil {
		return 0, 0
	}
	return first, last
}

// clip keeps head and tail of a text that is longer than n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n/2], "") + "\n[…]\n" + strings.ToValidUTF8(s[len(s)-n/2:], "")
}
