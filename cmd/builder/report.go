package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// keepReports writes report.md and report.json beside the journal. They come from records only.
func keepReports(s *store, st phases.Status) error {
	md, js := s.reports(s.id)
	raw, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := writeWhole(js, append(raw, '\n')); err != nil {
		return err
	}
	return writeWhole(md, []byte(reportMarkdown(st)))
}

// reportMarkdown traces every requirement to tasks, gates and commits.
func reportMarkdown(st phases.Status) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("# Report of %s\n\n", orDash(st.Project))
	p("Build `%s` is **%s**.", st.Build, st.State)
	if st.Reason != nil {
		p(" %s: %s.", st.Reason.Code, cell(st.Reason.Message))
	}
	p("\n\nSpec `%s` (sha256 %.12s), plan sha256 %.12s. Engine %s, provider %s, model %s, sandbox %s, billing %s.\n\n",
		cell(st.SpecPath), st.SpecSHA, orDash(st.PlanSHA), st.Engine, st.Provider, st.Model, orDash(st.Sandbox), st.Billing)
	p("## Money\n\n| cap | %s | unknown | held | calls | repeats |\n| --- | --- | --- | --- | --- | --- |\n| %s | %s | %s | %s | %d | %d |\n\n", progress.Noun(st.Billing),
		progress.USD(budget.Micro(st.Budget.Cap)), progress.USD(budget.Micro(st.Budget.Spent)), progress.USD(budget.Micro(st.Budget.Unknown)), progress.USD(budget.Micro(st.Budget.Held)), st.Calls, st.Repeats)
	if why := progress.Explain(st.Billing); why != "" {
		p("%s.\n\n", why)
	}
	p("It is computed from the provider's usage and the price table; unknown is what may have been billed for answers that were lost or came without usage.\n\n")
	p("%s", moneyNotes(st.Budget))
	for _, d := range st.Drafted {
		p("%s.\n\n", cell(draftLine(d)))
	}
	if st.Forked != nil {
		p("%s.\n\n", cell(forkLine(st.Forked)))
		for _, c := range st.Forked.Inherited {
			p("%s.\n\n", cell(inheritedLine(c)))
		}
	}
	p("| tokens | input | cache write 5m | cache write 1h | cache read | output |\n| --- | --- | --- | --- | --- | --- |\n| | %d | %d | %d | %d | %d |\n\n",
		st.Tokens.Input, st.Tokens.CacheWrite5m, st.Tokens.CacheWrite1h, st.Tokens.CacheRead, st.Tokens.Output)
	p("## Requirements\n\n")
	proven := 0
	for _, r := range st.Requirements {
		if r.Proven {
			proven++
		}
	}
	p("%d of %d are proven: by a gate outside the agent's reach that was red before the task and is green on its commit.\n\n", proven, len(st.Requirements))
	p("| id | requirement | lines | tasks | proving gates | commits | proven |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range st.Requirements {
		p("| %s | %s | %s | %s | %s | %s | %s |\n", r.ID, cell(r.Text), r.Source, list(r.CoveredBy), list(r.Gates), commits(r.Commits), yes(r.Proven))
	}
	for _, r := range st.Requirements {
		if !r.Proven && len(r.Before) > 0 {
			p("\n**%s** is not proven by %s: green before the work, so what it asks for was there already.\n", r.ID, list(r.Before))
		}
	}
	p("\n## Tasks\n\n| task | title | state | attempts | model | calls | cost | commit |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, t := range st.Tasks {
		p("| %s | %s | %s | %d | %s | %d | %s | %.10s |\n", t.ID, cell(t.Title), t.State, t.Attempts, cell(orDash(t.Model)), t.Calls, progress.USD(t.Cost), t.Commit)
	}
	for _, t := range st.Tasks {
		if t.From != "" {
			p("\n**%s** was done and paid by %s\n", t.ID, t.From)
		}
		if t.Why != "" {
			p("\n**%s** attempt %d was made with %s: %s\n", t.ID, t.Attempts, cell(t.Model), cell(t.Why))
		}
		if t.Reason != "" {
			p("\n**%s** %s: %s\n", t.ID, t.State, cell(t.Reason))
		}
		if t.Question != nil {
			p("\n**%s** waits for an answer: %s (%s)\n", t.ID, cell(t.Question.Text), cell(t.Question.Reason))
		}
		if len(t.Again) > 0 {
			p("\n**%s** is done again: %s\n", t.ID, cell(strings.Join(t.Again, " ")))
		}
		if len(t.Edits) > 0 {
			p("\n**%s** left these files as you changed them: %s\n", t.ID, cell(strings.Join(t.Edits, ", ")))
		}
	}
	if len(st.Orders) > 0 {
		p("\n## Orders\n\nThe newest ones that were given while it ran or waited.\n\n| order | what | task | record | at |\n| --- | --- | --- | --- | --- |\n")
	}
	for _, o := range st.Orders {
		p("| %s | %s | %s | %d | %s |\n", o.ID, o.Verb, cell(orDash(string(o.Task))), o.Seq, o.Time.Format(time.RFC3339))
	}
	return b.String()
}

// moneyNotes tells what of the money is not simply computed; "" when all of it is.
func moneyNotes(b phases.BudgetStatus) string {
	var notes string
	if b.Reported > 0 {
		notes += fmt.Sprintf("Providers reported %s themselves; of each call the greater of computed and reported counts.\n\n", progress.USD(budget.Micro(b.Reported)))
	}
	if b.Uncounted > 0 {
		notes += fmt.Sprintf("%d answers came without usable usage: the whole hold of each is in unknown.\n\n", b.Uncounted)
	}
	if b.Overrun {
		notes += "A call cost more than its hold. Nothing more is sent until the cap is raised.\n\n"
	}
	return notes
}

// cell makes foreign text fit into a cell of a table.
func cell(s string) string {
	s = tidy(s, nil)
	s = strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

func list[T ~string](ids []T) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return strings.Join(out, ", ")
}

func commits(ids []string) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = fmt.Sprintf("%.10s", id)
	}
	return strings.Join(out, ", ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
