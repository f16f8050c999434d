package ladder

import (
	"testing"
)

func TestAttack(t *testing.T) {
	for _, r := range append(rungs(), unconfined{}) {
		t.Run(string(r.name()), func(t *testing.T) {
			probes, err := attack(t.Context(), r)
			t.Log(err, level(probes))
			for _, p := range probes {
				t.Logf("%-25s %-10s %v %s", p.Name, p.Aspect, p.Held, p.Detail)
			}
		})
	}
}
