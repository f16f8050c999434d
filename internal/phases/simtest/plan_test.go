package simtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// story is a small plan and what the agents of its tasks do: both follow from one number.
type story struct {
	plan    planner.Plan
	scripts map[planner.TaskID]script
	drafted bool // the plan is asked for, not given
	crowded bool // the lines of the shared file touch, so that changes of two tasks may conflict
}

// script is what an agent says, turn by turn; the last turn is said again as often as it takes.
// A second attempt follows again.
type script struct {
	turns, again []turn
}

// turn is one answer: some words and calls.
type turn struct {
	words string
	calls []call
}

type call struct {
	name string
	in   map[string]string
}

const sharedFile = "shared.txt"

// newStory draws a story with few tasks, or a few more.
func newStory(seed uint64) *story {
	rng := rand.New(rand.NewPCG(seed, 0x5704))
	n := 2 + rng.IntN(4)
	if rng.IntN(4) == 0 {
		n += rng.IntN(6)
	}
	s := &story{scripts: map[planner.TaskID]script{}, drafted: rng.IntN(4) == 0, crowded: draw(seed, "crowded").IntN(2) == 0}
	s.plan = planner.Plan{
		Version: 1, Project: planner.Project{Name: "app"}, Shared: []string{sharedFile},
		Setup:  []planner.Setup{{Run: []string{"fetch"}, Inputs: []string{sharedFile}}},
		Phases: []planner.Phase{{ID: "one"}, {ID: "two"}},
		Gates:  []planner.Gate{{ID: "build", Kind: planner.GateCommand, Run: []string{"make"}}},
	}
	for i := range n {
		s.task(rng, i, n)
	}
	if len(s.plan.Phases[1].Tasks) == 0 {
		s.plan.Phases = s.plan.Phases[:1]
	}
	return s
}

func name(i int) string { return fmt.Sprintf("t%d", i) }

// task adds the i-th task of n.
func (s *story) task(rng *rand.Rand, i, n int) {
	t := name(i)
	phase := &s.plan.Phases[0]
	if i >= n/2 {
		phase = &s.plan.Phases[1]
	}
	id := planner.TaskID(string(phase.ID) + "." + t)
	req := planner.RequirementID(fmt.Sprintf("R%d", i))
	s.plan.Requirements = append(s.plan.Requirements, planner.Requirement{ID: req, Text: "there is a good " + t})
	out, claim := t+"/out.txt", t+"/**"
	if rng.IntN(4) == 0 { // some claim the same folder
		out, claim = "pair/"+t+".txt", "pair/**"
	}
	gates := []planner.GateID{"build", planner.GateID("use-" + t)}
	s.plan.Gates = append(s.plan.Gates, planner.Gate{
		ID: gates[1], Kind: planner.GateFile, Files: []planner.FileCheck{{Path: out, Contains: []string{"good " + t}}, {Path: "bin/out"}},
	})
	shares := rng.IntN(2) == 0
	if shares {
		g := planner.GateID("shared-" + t)
		gates = append(gates, g)
		s.plan.Gates = append(s.plan.Gates, planner.Gate{ID: g, Kind: planner.GateFile, Files: []planner.FileCheck{{Path: sharedFile, Contains: []string{t + ": good"}}}})
	}
	task := planner.Task{ID: id, Title: "Make " + t, Covers: []planner.RequirementID{req}, Writes: []string{claim}, Gates: gates}
	for _, before := range s.plan.Tasks() {
		if len(task.Needs) < 2 && rng.IntN(4) == 0 {
			task.Needs = append(task.Needs, before.ID)
		}
	}
	phase.Tasks = append(phase.Tasks, task)
	s.scripts[id] = newScript(rng, t, out, shares)
}

// newScript draws how an agent goes about its task.
func newScript(rng *rand.Rand, t, out string, shares bool) script {
	write := func(content string) call {
		return call{"write_file", map[string]string{"path": out, "content": content}}
	}
	good := turn{"now it is good", []call{write("good " + t + "\n" + strings.Repeat("more of it\n", rng.IntN(20)))}}
	if shares {
		good.calls = append(good.calls, call{"edit_line", map[string]string{"key": t, "text": "good"}})
	}
	good.calls = append(good.calls, call{"finish", map[string]string{"summary": "made " + t}})
	look := call{"look", map[string]string{"path": sharedFile}}
	bad := turn{"a try", []call{look, write("bad"), {"finish", map[string]string{"summary": "tried"}}}}
	switch rng.IntN(9) {
	case 0, 1, 2:
		return script{turns: []turn{{good.words, append([]call{look}, good.calls...)}}}
	case 3, 4:
		return script{turns: []turn{bad, good}}
	case 5:
		return script{turns: []turn{{"first a part", []call{write("part")}}, {"a look", []call{look}}, good}}
	case 6: // a file that is none of its business, and one that cannot be committed
		other := call{"write_file", map[string]string{"path": "elsewhere.txt", "content": "x"}}
		odd := call{"write_file", map[string]string{"path": t + "/odd.link", "content": "x"}}
		gone := call{"remove_file", map[string]string{"path": "elsewhere.txt"}}
		return script{turns: []turn{{"over the fence", append([]call{other, odd}, bad.calls...)}, {"back", append([]call{gone}, good.calls...)}}}
	case 7: // an attempt that comes to nothing
		return script{turns: []turn{{"let us talk", nil}, {"let us talk on", nil}}, again: []turn{good}}
	default:
		if rng.IntN(3) > 0 {
			return script{turns: []turn{bad, bad, good}}
		}
		return script{turns: []turn{{"it cannot be", []call{{"blocked", map[string]string{"reason": "no way", "evidence": "none"}}}}}}
	}
}

// base is the tree that a build begins with: a line of its own for each task, most often far enough apart
// that changes of two do not touch.
func (s *story) base() map[string]string {
	var b strings.Builder
	for i := range s.plan.Tasks() {
		if s.crowded {
			fmt.Fprintf(&b, "%s: -\n", name(i))
			continue
		}
		fmt.Fprintf(&b, "# about %s\n\n%s: -\n\n# that was %s\n", name(i), name(i), name(i))
	}
	return map[string]string{sharedFile: b.String(), "README": "an app\n"}
}

// answer is the next turn of the conversation about a task.
func (s *story) answer(id planner.TaskID, said int, second bool) turn {
	turns := s.scripts[id].turns
	if second && s.scripts[id].again != nil {
		turns = s.scripts[id].again
	}
	return turns[min(said, len(turns)-1)]
}

func (c call) input() json.RawMessage {
	raw, err := json.Marshal(c.in)
	if err != nil {
		panic(err) // a map of strings
	}
	return raw
}
