package phases

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// ErrDiverged means that the branch is neither where a commit starts nor where it ends: somebody
// else moved it.
var ErrDiverged = errors.New("the branch was moved by somebody else")

// CommitDraft is everything that decides a commit's id.
type CommitDraft struct {
	Tree    Manifest
	Parent  string // "" for the first
	Message string // subject, body and trailers
	Author  string // "Name <email>"
	At      time.Time
}

// Trailer is one line at the end of a commit message.
type Trailer struct{ Key, Value string }

// message renders a commit message: the task's title, what it covers, the trailers.
func message(p *planner.Plan, t planner.Task, op budget.Op, attempt int, planHash string) string {
	var b strings.Builder
	b.WriteString(oneLine(t.Title))
	b.WriteString("\n")
	if len(t.Covers) > 0 {
		b.WriteString("\nCovers:\n")
		for _, r := range p.Requirements {
			for _, c := range t.Covers {
				if c == r.ID {
					fmt.Fprintf(&b, "- %s %s\n", r.ID, oneLine(r.Text))
				}
			}
		}
	}
	b.WriteString("\n")
	for _, tr := range []Trailer{
		{"Builder-Build", op.Build}, {"Builder-Task", string(t.ID)}, {"Builder-Attempt", strconv.Itoa(attempt)},
		{"Builder-Plan", planHash}, {"Builder-Op", op.String()},
	} {
		fmt.Fprintf(&b, "%s: %s\n", tr.Key, tr.Value)
	}
	return b.String()
}

// oneLine folds white space and drops control characters, so that foreign text cannot forge trailers.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return s
}
