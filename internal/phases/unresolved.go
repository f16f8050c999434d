package phases

import (
	"context"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// unresolved finds files that a merge left with both sides in them, and that still have its markers.
func (p *prover) unresolved(ctx context.Context, m Manifest) (*agent.Verdict, error) {
	if p.rebased == nil {
		return nil, nil
	}
	in := mergeInput{OursName: theBranch, TheirsName: sideOf(p.task.ID)}
	bad, err := markersLeft(ctx, p.door.Blobs, m, in, p.rebased.Conflicts)
	if err != nil || len(bad) == 0 {
		return nil, err
	}
	list := strings.Join(bad, "\n- ")
	return &agent.Verdict{
		Feedback:  "E_MERGE_UNRESOLVED: these files still hold the markers of a merge (<<<<<<<, |||||||, =======, >>>>>>>). Make each what it should be, with both sides' intent, and remove the markers:\n- " + list,
		Signature: sumOf("unresolved", list),
	}, nil
}
