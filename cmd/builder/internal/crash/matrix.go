package crash

import (
	"fmt"
	"strings"
	"time"
)

// Matrix is what a trial showed: stable as JSON, fields are only ever added.
type Matrix struct {
	Version int           `json:"version"`
	Seed    uint64        `json:"seed"`
	Workers int           `json:"workers"`
	Tasks   int           `json:"tasks"` // of each build
	Builds  int           `json:"builds"`
	Kinds   []Row         `json:"kinds"`
	Crashes int           `json:"crashes"` // processes that were killed
	Calls   int           `json:"calls"`
	Again   int           `json:"calls_again"`   // made although they had been billed before: they were in flight at a crash
	Unknown int           `json:"calls_unknown"` // booked so
	Flying  int           `json:"calls_in_flight"`
	Raised  int           `json:"caps_raised"` // because a build came to its cap
	Steps   int           `json:"clock_steps"`
	Took    time.Duration `json:"took_ns"`
	Wrong   []string      `json:"wrong"` // what the oracle found; nothing may be
}

// Row is a kind's part.
type Row struct {
	Kind   Kind          `json:"kind"`
	Rounds int           `json:"rounds"`
	Failed int           `json:"failed"`
	Flying int           `json:"calls_in_flight"`
	Took   time.Duration `json:"took_ns"`
}

func newMatrix(c Config) Matrix {
	m := Matrix{Version: 1, Seed: c.Seed, Workers: c.Workers, Tasks: c.Job.Tasks, Wrong: []string{}}
	for _, k := range Kinds() {
		m.Kinds = append(m.Kinds, Row{Kind: k})
	}
	return m
}

func (m *Matrix) add(d draw, r result) {
	if d.kind != Terminate && d.kind != Interrupt {
		m.Crashes++
	}
	if d.step != 0 {
		m.Steps++
	}
	m.Flying += r.flying
	for i := range m.Kinds {
		row := &m.Kinds[i]
		if row.Kind != d.kind {
			continue
		}
		row.Rounds++
		row.Took += r.at
		row.Flying += r.flying
		if len(r.wrong) > 0 {
			row.Failed++
		}
	}
	for _, w := range r.wrong {
		m.Wrong = append(m.Wrong, string(d.kind)+": "+w)
	}
}

// end takes in a build that has come to its end.
func (m *Matrix) end(name string, b *books, wrong []string) {
	m.Calls += b.charges
	m.Again += b.again
	m.Unknown += b.unknown
	for _, w := range wrong {
		m.Wrong = append(m.Wrong, name+": "+w)
	}
}

// Bound says in one sentence what the trial shows and what it does not.
func (m Matrix) Bound() string {
	switch {
	case len(m.Wrong) > 0:
		return fmt.Sprintf("%d crashes, %d things wrong: no bound holds", m.Crashes, len(m.Wrong))
	case m.Crashes == 0:
		return "no crash, so no bound"
	}
	return fmt.Sprintf("%d crashes without a failure: with 95 %% confidence fewer than %.2g %% of such crashes fail (the rule of three, 3/%d)", m.Crashes, min(100, 300/float64(m.Crashes)), m.Crashes)
}

func wrongs(wrong []string) string {
	if len(wrong) == 0 {
		return ""
	}
	return "; WRONG: " + strings.Join(wrong, "; ")
}
