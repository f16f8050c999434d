package phases

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// tampered finds changes where the plan's own test files belong (law L5). The builder lays those over
// every candidate, so such a change fools no gate; but it would be committed, and no gate has run it.
// A file equal to the plan's may stand there.
func (p *prover) tampered(m Manifest) *agent.Verdict {
	frozen := frozenPaths(p.plan)
	var bad []string
	for _, changed := range Changed(p.base, m) {
		e, there := m.Find(changed)
		for _, name := range slices.Sorted(maps.Keys(frozen)) {
			switch {
			case changed == name:
				if !there || e.Mode == ModeSymlink || !slices.Contains(frozen[name], e.Blob) {
					bad = append(bad, name)
				}
			case strings.HasPrefix(changed, name+"/"), there && strings.HasPrefix(name, changed+"/"):
				bad = append(bad, changed)
			}
		}
	}
	if len(bad) == 0 {
		return nil
	}
	list := strings.Join(slices.Compact(bad), "\n- ")
	return &agent.Verdict{
		Feedback:  "E_GATE_TAMPERED: these paths belong to gates, which put files of their own there. Undo your changes there, and write your own tests into other files:\n- " + list,
		Signature: sumOf("tampered", list),
	}
}

// frozenPaths lists where the plan's gates lay files of their own, with the contents they may have.
func frozenPaths(p *planner.Plan) map[string][]checkpoint.Hash {
	frozen := map[string][]checkpoint.Hash{}
	for _, g := range p.Gates {
		for _, f := range g.Frozen {
			name := path.Clean(f.Path)
			frozen[name] = append(frozen[name], checkpoint.HashOf([]byte(f.Content)))
		}
	}
	return frozen
}
