package offline

import (
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/clitool"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// byRule is the author that Builder ships: the blueprint of a spec, and the generator of its type.
func byRule(spec string) conversation.Work {
	bp := blueprint.Read(spec)
	w := conversation.Work{Blueprint: bp, Understands: bp.Understands}
	var units []unit.Unit
	var err error
	switch bp.Type {
	case "cli-tool":
		units, err = clitool.Units(bp)
		w.Understands = both(bp.Understands, clitool.Unknown(bp))
	case "rest-api":
		units, err = gen.RestAPI(bp)
	}
	if err != nil {
		w.Why = fmt.Sprintf("the program could not be written by rule: %v", err)
		return w
	}
	w.Units = units
	if bp.Type == "rest-api" {
		w.Proof = gen.Proof(bp)
		w.Understands = both(bp.Understands, gen.Unknown(bp))
	}
	return w
}

// both adds what the generator does not understand to what the reader does not.
func both(understands func(first, last int) (bool, string), unknown []blueprint.Unknown) func(first, last int) (bool, string) {
	return func(first, last int) (bool, string) {
		for _, u := range unknown {
			if first <= u.Line && u.Line <= last {
				return false, u.Why
			}
		}
		return understands(first, last)
	}
}
