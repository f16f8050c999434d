package conversation

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// NeedsModel is the last part of the id of the task that holds what no rule covers.
const NeedsModel = "needs-model"

// mostEvidence bounds the text that is quoted back, in bytes.
const mostEvidence = 4000

// openRequirement is a requirement of the task that no rule covers, and why.
type openRequirement struct {
	Requirement
	why string
}

// open lists the task's requirements that no rule covers.
func (e engineer) open() []openRequirement {
	var open []openRequirement
	for _, r := range e.brief.requirements {
		if ok, why := e.work.understands(r); !ok {
			open = append(open, openRequirement{r, why})
		}
	}
	return open
}

// unknown answers a task that stands for no unit: the one for what needs a model, or a task of a
// plan that was made by somebody else.
func (e engineer) unknown() []agent.Block {
	if open := e.open(); len(open) > 0 {
		return e.needsModel(open)
	}
	if len(e.work.Units) == 0 {
		return e.blocked("this task needs a language model", e.work.whyNothing())
	}
	if e.brief.name() == NeedsModel {
		return e.blocked("the gates of this task check what no rule covers", e.work.leftOut())
	}
	names := make([]string, len(e.work.Units))
	for i, u := range e.work.Units {
		names[i] = u.Name
	}
	return e.blocked(fmt.Sprintf("the task %q is none that rules can carry out", e.brief.task),
		"from this spec rules can write: "+strings.Join(names, ", "))
}

// needsModel says which requirements no rule covers.
func (e engineer) needsModel(open []openRequirement) []agent.Block {
	ids := make([]string, len(open))
	var evidence strings.Builder
	for i, r := range open {
		ids[i] = r.ID
		fmt.Fprintf(&evidence, "%s%s: %q: %s\n", r.ID, r.place(), clip(r.Text, 200), r.why)
	}
	reason := "these requirements need a language model: " + strings.Join(ids, ", ")
	if len(open) == 1 {
		reason = "requirement " + ids[0] + " needs a language model"
	}
	return e.blocked(reason, evidence.String())
}

// place words the lines of r.
func (r Requirement) place() string {
	switch {
	case r.First == 0:
		return ""
	case r.First == r.Last:
		return fmt.Sprintf(" (line %d)", r.First)
	default:
		return fmt.Sprintf(" (lines %d-%d)", r.First, r.Last)
	}
}

// blocked gives up with a reason and its evidence, by the tool for it or in words.
func (e engineer) blocked(reason, evidence string) []agent.Block {
	if evidence = clip(strings.TrimSpace(evidence), mostEvidence); evidence == "" {
		evidence = "nothing else was answered"
	}
	if e.tools.blocked == nil {
		return []agent.Block{say("Blocked: " + reason + ".\n" + evidence)}
	}
	values := map[string]string{"reason": reason, "evidence": evidence}
	if _, ok := e.tools.blocked.props["evidence"]; !ok {
		values["reason"] = reason + "\n" + evidence
	}
	return []agent.Block{e.tools.blocked.call(values)}
}

// clip shortens s to at most n bytes at a rune's boundary, and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + " … (cut)"
}
