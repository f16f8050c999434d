package phases_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// audited adds facts to a new audit.
func audited(t *testing.T, facts ...phases.Fact) *phases.Audit {
	t.Helper()
	a := phases.NewAudit()
	for i, f := range facts {
		r, err := phases.Encode(f, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Add(checkpoint.Envelope{Seq: uint64(i) + 1, Kind: r.Kind, Payload: r.Payload}); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func heldCall(step int, money budget.Micro, tokens int64) phases.CallIntended {
	return phases.CallIntended{Hold: budget.Hold{
		Op: budget.Op{Build: "b", Task: "t", Attempt: 1, Step: step, Send: 1}, Money: money, Tokens: tokens,
		Scopes: []budget.Scope{budget.Build, budget.PhaseScope("p"), budget.TaskScope("t")},
		Price:  budget.Price{Model: "m", Input: budget.Dollar, Output: budget.Dollar},
	}}
}

func settled(step int, fate budget.Fate, output int64, change ...func(*budget.Settlement)) phases.CallAnswered {
	s := budget.Settlement{Op: heldCall(step, 0, 0).Hold.Op, Fate: fate, Usage: budget.Usage{Output: output}, Cost: budget.Micro(output)}
	for _, c := range change {
		c(&s)
	}
	return phases.CallAnswered{Settlement: s}
}

// The audit's sums are its own, and the cap is looked at after every record, in every scope.
func TestAuditMoney(t *testing.T) {
	t.Parallel()
	caps := budget.Caps{USD: 100, Tokens: 1000, Scopes: map[budget.Scope]budget.Limit{budget.PhaseScope("p"): {USD: 60}}}
	for name, c := range map[string]struct {
		facts []phases.Fact
		says  string // "" for nothing
	}{
		"within":           {[]phases.Fact{heldCall(1, 30, 30), settled(1, budget.Answered, 20), heldCall(2, 40, 40)}, ""},
		"phase":            {[]phases.Fact{heldCall(1, 61, 61)}, "record 2 (call.intended): the cap of phase:p is broken"},
		"by an unknown":    {[]phases.Fact{heldCall(1, 40, 40), settled(1, budget.Unknown, 0), heldCall(2, 30, 30)}, "record 4 (call.intended): the cap of phase:p is broken"},
		"free frees":       {[]phases.Fact{heldCall(1, 60, 40), settled(1, budget.Free, 0), heldCall(2, 60, 30)}, ""},
		"tokens":           {[]phases.Fact{heldCall(1, 1, 900), heldCall(2, 1, 101)}, "1001 of 1000 tokens"},
		"twice":            {[]phases.Fact{heldCall(1, 1, 1), heldCall(1, 1, 1)}, "was intended twice"},
		"never intended":   {[]phases.Fact{settled(1, budget.Answered, 1)}, "settled and never intended"},
		"wrong cost":       {[]phases.Fact{heldCall(1, 30, 30), settled(1, budget.Answered, 20, func(s *budget.Settlement) { s.Cost-- })}, "is booked at"},
		"an overrun":       {[]phases.Fact{heldCall(1, 50, 50), settled(1, budget.Answered, 90)}, ""},
		"after an overrun": {[]phases.Fact{heldCall(1, 50, 50), settled(1, budget.Answered, 90), heldCall(2, 20, 20)}, "the cap of phase:p is broken"},
		"lowered below":    {[]phases.Fact{heldCall(1, 50, 50), phases.CapsRaised{Caps: budget.Caps{USD: 49}}}, "the cap of build is broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := append([]phases.Fact{phases.BuildStarted{Build: "b", Caps: caps}}, c.facts...)
			guard := budget.NewGuard(caps)
			for _, f := range c.facts {
				switch f := f.(type) {
				case phases.CallIntended:
					_ = guard.Book(f.Hold)
				case phases.CallAnswered:
					_ = guard.Settle(f.Settlement)
				}
			}
			all := audited(t, facts...).Problems("the guard", &guard)
			got := strings.Join(all, "\n")
			if c.says == "" && got != "" || !strings.Contains(got, c.says) {
				t.Errorf("got %q, want %q", got, c.says)
			}
		})
	}
	guard := budget.NewGuard(caps)
	got := audited(t, phases.BuildStarted{Build: "b", Caps: caps}, heldCall(1, 30, 31)).Problems("the guard", &guard)
	if !slices.Contains(got, "money of task:t: the records add up to 30 held, the guard says 0") || !slices.Contains(got, "money of build: the records add up to 31 tokens held, the guard says 0") {
		t.Errorf("got %q", got)
	}
}

// A build's history is linear, in the order of its records, and holds what they say and no more.
func TestCheckHistory(t *testing.T) {
	t.Parallel()
	id := func(c string) string { return strings.Repeat(c, 40) }
	commit := func(c, task string, parents ...string) phases.CommitFacts {
		return phases.CommitFacts{ID: id(c), Tree: "tree-" + task, Parents: parents, Trailers: []phases.Trailer{{Key: phases.TrailerBuild, Value: "b"}, {Key: phases.TrailerTask, Value: task}}}
	}
	var facts []phases.Fact
	facts = append(facts, phases.BuildStarted{Build: "b"})
	for _, task := range []string{"1", "2", "3"} {
		facts = append(facts, phases.TaskStarted{Task: planner.TaskID(task)}, phases.TaskDone{Task: planner.TaskID(task), Commit: id(task), Tree: checkpoint.Hash(task)})
	}
	treeOf := func(h checkpoint.Hash) (string, error) { return "tree-" + string(h), nil }
	whole := []phases.CommitFacts{commit("3", "3", id("2")), commit("2", "2", id("a")), {ID: id("a"), Tree: "a person's", Parents: []string{id("1")}}, commit("1", "1")}
	a := audited(t, facts...)
	if sound, problems := a.CheckHistory(whole, treeOf); sound != 3 || len(problems) != 0 {
		t.Fatalf("%d, %q", sound, problems)
	}
	for says, change := range map[string]func([]phases.CommitFacts) []phases.CommitFacts{
		"has 2 parents": func(b []phases.CommitFacts) []phases.CommitFacts {
			b[0].Parents = append(b[0].Parents, id("9"))
			return b
		},
		"is not in the history":    func(b []phases.CommitFacts) []phases.CommitFacts { return b[1:] },
		"stands before that":       func(b []phases.CommitFacts) []phases.CommitFacts { b[0], b[1] = b[1], b[0]; return b },
		"the recorded manifest is": func(b []phases.CommitFacts) []phases.CommitFacts { b[1].Tree = "another"; return b },
		"says that it is of":       func(b []phases.CommitFacts) []phases.CommitFacts { b[1].Trailers[0].Value = "c"; return b },
		"no record knows it": func(b []phases.CommitFacts) []phases.CommitFacts {
			return append([]phases.CommitFacts{commit("f", "2")}, b...)
		},
	} {
		branch := slices.Clone(whole)
		for i := range branch {
			branch[i].Trailers = slices.Clone(branch[i].Trailers)
		}
		if _, problems := a.CheckHistory(change(branch), treeOf); len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), says) {
			t.Errorf("got %q, want %q", problems, says)
		}
	}
}

// Every blob that any kind of record names is found, without a line of code for it.
func TestBlobsOf(t *testing.T) {
	t.Parallel()
	h := func(c string) checkpoint.Hash { return checkpoint.Hash(strings.Repeat(c, 64)) }
	for name, c := range map[string]struct {
		fact phases.Fact
		want []checkpoint.Hash
	}{
		"effect":  {phases.EffectFinished{Blob: h("1"), Tree: h("2"), Full: h("3"), Gate: &phases.GateOutcome{Log: h("4")}, Result: json.RawMessage(`"x"`)}, []checkpoint.Hash{h("1"), h("2"), h("3"), h("4")}},
		"request": {phases.CallIntended{Hold: budget.Hold{RequestBlob: string(h("1"))}}, []checkpoint.Hash{h("1")}},
		"answer":  {phases.CallAnswered{Settlement: budget.Settlement{Answer: string(h("1"))}}, []checkpoint.Hash{h("1")}},
		"none":    {phases.Paused{}, nil},
	} {
		if got := phases.BlobsOf(c.fact); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
