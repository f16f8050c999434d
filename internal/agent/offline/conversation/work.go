package conversation

import (
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// Work is what can be derived from one spec.
type Work struct {
	Blueprint *blueprint.Blueprint
	// Units are in the order they are to be built; one unit is one task. None when nothing can be
	// written. A later unit's files rewrite none of an earlier one's but go.mod, go.sum and README.md.
	Units []unit.Unit
	// Proof are http steps that show what the spec demands and its own acceptance may not; may be
	// none.
	Proof []string
	// Why says why there are no units, for a spec of a type that could be written; may be empty.
	Why string
	// Understands says whether a rule covers the lines first to last of the spec, and if not, why.
	// Nil means that nothing is understood.
	Understands func(first, last int) (ok bool, why string)
}

// Author derives the work from a spec. It MUST be deterministic, safe for concurrent use, and MUST
// accept any text.
type Author func(spec string) Work

// unit finds the unit called name.
func (w Work) unit(name string) (unit.Unit, bool) {
	for _, u := range w.Units {
		if u.Name == name {
			return u, true
		}
	}
	return unit.Unit{}, false
}

// understands says whether r can be carried out by rule, and if not, why.
func (w Work) understands(r Requirement) (bool, string) {
	if len(w.Units) == 0 {
		return false, w.whyNothing()
	}
	if r.First == 0 {
		return false, "its place in the spec is not given"
	}
	return w.covers(r.First, r.Last)
}

// covers says whether rules cover the lines first to last of the spec, and if not, why. Lines that
// are not given count as covered when anything is.
func (w Work) covers(first, last int) (bool, string) {
	if w.Understands == nil || len(w.Units) == 0 {
		return false, "no rule covers it"
	}
	if first == 0 {
		return true, ""
	}
	ok, why := w.Understands(first, last)
	if !ok && why == "" {
		why = "no rule covers it"
	}
	return ok, why
}

// whyNothing says why no file at all can be written.
func (w Work) whyNothing() string {
	bp := w.Blueprint
	switch {
	case bp == nil || bp.Type == "":
		return "the spec names no project type that can be written by rule (cli-tool, rest-api)"
	case bp.Type != "cli-tool" && bp.Type != "rest-api":
		return "projects of type " + bp.Type + " cannot be written by rule (only cli-tool and rest-api)"
	case w.Why != "":
		return w.Why
	default:
		return "the spec has no data section and commands or endpoints that can be read by rule"
	}
}

// mostLeftOut bounds how many parts leftOut names.
const mostLeftOut = 10

// leftOut says which parts of the spec no rule covers, whether they are requirements or not.
func (w Work) leftOut() string {
	if w.Blueprint == nil || len(w.Blueprint.Unknown) == 0 {
		return ""
	}
	var parts []string
	for i, u := range w.Blueprint.Unknown {
		if i == mostLeftOut {
			parts = append(parts, fmt.Sprintf("and %d more", len(w.Blueprint.Unknown)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("line %d (%s)", u.Line, clip(u.Why, 200)))
	}
	return " Of the spec, no rule covers: " + strings.Join(parts, "; ") + "."
}
