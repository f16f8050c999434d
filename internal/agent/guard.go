package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
)

// The thresholds of the loop guard. The rules are:
//
//   - the same call (name and input) in three turns while the tree did not change in between;
//     without a TreeTeller, in three turns in a row;
//   - the same error of the same tool in three turns, no other answer of that tool in between;
//   - the tree unchanged for eight turns;
//   - the same gate failure in three rounds;
//   - two turns that alternate: A, B, A, B.
//
// The first time a rule is broken the model is told, with the evidence; the second time the
// attempt is stuck. Repeats within one turn count once: the model has not seen the result yet.
const (
	sameCalls   = 3
	sameErrors  = 3
	sameTrees   = 8
	sameGates   = 3
	alternating = 4
)

// turn is what the guard sees of one turn with tool calls.
type turn struct {
	calls   []ToolCall
	results []ToolResult
	tree    string // "" when nobody can tell
	gate    string // signature of the gate failure when finish was refused
}

// guard notices an agent that goes in circles. It is pure: what it says follows from the turns it
// was shown. The zero value is ready.
type guard struct {
	warned map[string]bool // by rule
	tree   string
	idle   int // turns in a row that left the tree as it was
	calls  map[string]int
	errors map[string]streak // by tool
	gate   streak
	past   []string // fingerprints of the last turns
}

// streak counts equal things in a row.
type streak struct {
	what string
	n    int
}

func (s streak) add(what string) streak {
	if s.what != what {
		return streak{what, 1}
	}
	return streak{what, s.n + 1}
}

// watch takes the next turn. It returns what to tell the model, "" for nothing; stuck says that it
// was told before.
func (g *guard) watch(t turn) (notice string, stuck bool) {
	changed := g.see(t)
	rules := []func(turn, bool) (string, string){g.sameTree, g.sameCall, g.sameError, g.sameGate, g.alternates}
	for _, rule := range rules {
		name, words := rule(t, changed)
		if words == "" {
			continue
		}
		if g.warned[name] {
			return words, true
		}
		if g.warned == nil {
			g.warned = map[string]bool{}
		}
		g.warned[name] = true
		if notice == "" {
			notice = words
		}
	}
	return notice, false
}

// see says whether the tree changed since the turn before.
func (g *guard) see(t turn) bool {
	changed := t.tree != g.tree
	g.tree = t.tree
	return changed
}

func (g *guard) sameTree(t turn, changed bool) (rule, words string) {
	if changed || t.tree == "" {
		g.idle = 0
		return "", ""
	}
	if g.idle++; g.idle < sameTrees {
		return "", ""
	}
	g.idle = 0
	return "tree", fmt.Sprintf("the work tree has not changed for %d turns. Make the edits the task needs, or call `finish` or `blocked`.", sameTrees)
}

func (g *guard) sameCall(t turn, changed bool) (rule, words string) {
	counts := map[string]int{}
	for _, c := range t.calls {
		key := fingerprint(c)
		if counts[key] != 0 {
			continue
		}
		counts[key] = g.calls[key] + 1
		if changed {
			counts[key] = 1
		}
		if counts[key] >= sameCalls && words == "" {
			rule = "call"
			words = fmt.Sprintf("the same call was made %d times, and nothing changed in between: %s %s. Its result will not change; do something else.", counts[key], c.Name, clip(string(c.Input), 200))
		}
	}
	if t.tree != "" && !changed { // counts of other calls live on while the tree stays as it is
		for key, n := range g.calls {
			counts[key] = max(counts[key], n)
		}
	}
	g.calls = counts
	return rule, words
}

func (g *guard) sameError(t turn, _ bool) (rule, words string) {
	last := map[string]string{} // the last result of each tool in this turn; "" is a success
	var order []string
	for i, c := range t.calls {
		if !slices.Contains(order, c.Name) {
			order = append(order, c.Name)
		}
		last[c.Name] = ""
		if t.results[i].Error {
			last[c.Name] = t.results[i].Text
		}
	}
	for _, name := range order {
		if g.errors == nil {
			g.errors = map[string]streak{}
		}
		s := g.errors[name].add(last[name])
		g.errors[name] = s
		if s.what != "" && s.n >= sameErrors && name != FinishTool && words == "" {
			rule = "error"
			words = fmt.Sprintf("%s failed in the same way %d times. Find the cause before you try again. The error: %s", name, s.n, clip(s.what, 400))
		}
	}
	return rule, words
}

func (g *guard) sameGate(t turn, _ bool) (rule, words string) {
	if t.gate == "" {
		return "", ""
	}
	if g.gate = g.gate.add(t.gate); g.gate.n < sameGates {
		return "", ""
	}
	return "gate", fmt.Sprintf("the gates failed in the same way %d rounds in a row. What was tried does not reach the cause: read the failure again and take another approach, or call `blocked` with the evidence.", g.gate.n)
}

func (g *guard) alternates(t turn, _ bool) (rule, words string) {
	h := sha256.New()
	for _, c := range t.calls {
		fmt.Fprintf(h, "%s\n", fingerprint(c))
	}
	g.past = append(g.past, string(h.Sum(nil)))
	if len(g.past) > alternating {
		g.past = slices.Delete(g.past, 0, 1)
	}
	p := g.past
	if len(p) < alternating || p[0] != p[2] || p[1] != p[3] || p[0] == p[1] {
		return "", ""
	}
	g.past = nil
	return "alternate", "the last four turns alternate between the same two sets of calls. Step back and do something else."
}

// fingerprint is equal for calls with the same name and the same input, whatever its spacing.
func fingerprint(c ToolCall) string {
	var b bytes.Buffer
	if json.Compact(&b, c.Input) != nil {
		b.Reset()
		b.Write(c.Input)
	}
	sum := sha256.Sum256(b.Bytes())
	return fmt.Sprintf("%q %x", c.Name, sum)
}
