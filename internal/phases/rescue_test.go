package phases

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// kept are facts as a journal keeps them, from number first on.
func kept(t *testing.T, first uint64, facts ...Fact) []checkpoint.Envelope {
	t.Helper()
	var out []checkpoint.Envelope
	for i, f := range facts {
		rec, err := Encode(f, time.Unix(int64(i), 0))
		if err != nil {
			t.Fatal(err)
		}
		e, err := checkpoint.Seal(first+uint64(i), rec)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func rescued(t *testing.T, facts ...Fact) *State {
	t.Helper()
	s := NewState()
	for _, f := range facts {
		if err := s.Apply(f, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

var (
	began   = BuildStarted{Build: "b", Caps: budget.Caps{USD: budget.Dollar}}
	callOne = budget.Op{Build: "b", Task: "m.a", Attempt: 1, Step: 1, Send: 1}
	holdOne = budget.Hold{Op: callOne, Scopes: []budget.Scope{budget.Build, "phase:m", "task:m.a"}, Money: 900, Tokens: 90}
)

// A tail is taken as long as it follows, is whole, and fits what is known.
func TestTail(t *testing.T) {
	t.Parallel()
	all := kept(t, 1, began, SessionStarted{PID: 1}, TaskStarted{Task: "m.a"}, CallIntended{Hold: holdOne}, Paused{})
	flipped := slices.Clone(all)
	flipped[2].CRC32C ^= 1
	contradicts := append(slices.Clone(all[:2]), kept(t, 3, CallAnswered{budget.Settlement{Op: callOne, Fate: budget.Unknown}}, Paused{})...)
	for name, c := range map[string]struct {
		envs []checkpoint.Envelope
		want int
	}{
		"whole":       {all, 4},
		"a gap":       {slices.Delete(slices.Clone(all), 2, 3), 1},
		"flipped":     {flipped, 1},
		"contradicts": {contradicts, 1},
		"old":         {all[:1], 0},
	} {
		s := rescued(t, began)
		if got := s.Tail(c.envs); len(got) != c.want || s.Seq != uint64(1+c.want) {
			t.Errorf("%s: %d taken, at %d, want %d", name, len(got), s.Seq, c.want)
		}
	}
}

// Calls whose records cannot be taken over are charged what they cost, or all that was held for them.
func TestStrays(t *testing.T) {
	t.Parallel()
	paid := budget.Settlement{Op: callOne, Fate: budget.Answered, Cost: 30, Usage: budget.Usage{Input: 3}}
	for name, c := range map[string]struct {
		facts  []Fact
		money  budget.Micro
		tokens int64
	}{
		"in flight":  {[]Fact{CallIntended{Hold: holdOne}}, 900, 90},
		"answered":   {[]Fact{CallIntended{Hold: holdOne}, CallAnswered{paid}}, 30, 3},
		"free":       {[]Fact{CallIntended{Hold: holdOne}, CallAnswered{budget.Settlement{Op: callOne, Fate: budget.Free}}}, 0, 0},
		"unknown":    {[]Fact{CallIntended{Hold: holdOne}, CallAnswered{budget.Settlement{Op: callOne, Fate: budget.Unknown}}}, 900, 90},
		"told twice": {[]Fact{CallIntended{Hold: holdOne}, CallIntended{Hold: holdOne}}, 900, 90},
	} {
		got := Strays(kept(t, 7, c.facts...))
		if len(got) != 3 {
			t.Fatalf("%s: %+v", name, got)
		}
		for _, one := range got {
			if one.Money != c.money || one.Tokens != c.tokens {
				t.Errorf("%s: %+v", name, one)
			}
		}
	}
	if got := Strays(kept(t, 1, CallAnswered{paid})); len(got) != 0 {
		t.Errorf("an answer without its call: %+v", got)
	}
}

// What a newer status says was used counts, held money included, in every scope that it may be of;
// an older one says nothing.
func TestBeyond(t *testing.T) {
	t.Parallel()
	s := rescued(t, began, TaskStarted{Task: "m.a", Phase: "m"}, CallIntended{Hold: holdOne})
	told := Status{Seq: 9, Budget: BudgetStatus{Spent: 500, Unknown: 600, Held: 400, Tokens: 200}, Tasks: []TaskStatus{
		{ID: "m.a", Phase: "m", State: TaskIsDone, Cost: 1000}, {ID: "m.b", Phase: "m", State: TaskRunning, Cost: 100}, {ID: "n.c", Phase: "n", State: TaskPending},
	}}
	got := map[budget.Scope]Charge{}
	for _, c := range Beyond(s, told) {
		got[c.Scope] = c
	}
	want := map[budget.Scope]Charge{
		"build": {"build", 600, 110}, "task:m.a": {"task:m.a", 100, 0}, "task:m.b": {"task:m.b", 600, 110}, "phase:m": {"phase:m", 600, 110},
	}
	for scope, c := range want {
		if got[scope] != c {
			t.Errorf("%s: %+v, want %+v", scope, got[scope], c)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%+v", got)
	}
	told.Seq = s.Seq
	if old := Beyond(s, told); len(old) != 0 {
		t.Errorf("an old status charges %+v", old)
	}
}

// A task that is recognised is done and moves the branch; what its merge would do is forgotten, unless
// that merge is just what put it there. Charges count, and restarted tasks wait to begin.
func TestRescueRecords(t *testing.T) {
	t.Parallel()
	items := []MergeItem{{Task: "m.a", Candidate: "c", Tree: "d"}, {Task: "m.b", Candidate: "e", Tree: "f"}}
	s := rescued(t, began, TaskStarted{Task: "m.a", Tree: "t"}, TaskStarted{Task: "m.b", Tree: "t"}, MergeStarted{Merge: 1, Tree: "t", Items: items})
	one := Recognised{Task: "m.a", Phase: "m", Attempt: 2, Commit: "id", Tree: "d"}
	if !s.Landing([]Recognised{one}) || s.Landing([]Recognised{one, {Task: "m.c"}}) || s.Landing(nil) {
		t.Error("a merge does not know its own")
	}
	if _, trees := s.Needs("m.a"); !slices.Contains(trees, "e") || slices.Contains(trees, "") {
		t.Errorf("needs %v", trees)
	}
	for _, f := range []Fact{one, Rescued{Charges: Charges{{budget.Build, 70, 7}}, Restarted: []planner.TaskID{"m.b"}}} {
		if err := s.Apply(f, time.Unix(2, 0)); err != nil {
			t.Fatal(err)
		}
	}
	a, b := s.Task("m.a"), s.Task("m.b")
	if a.State != TaskIsDone || a.Attempts != 2 || s.Head != "id" || s.HeadTree != "d" || s.Commits != 1 || s.Merge != nil {
		t.Errorf("%+v, head %s", a, s.Head)
	}
	if b.State != TaskPending || s.Guard.Account(budget.Build).Unknown != 70 {
		t.Errorf("%+v, %+v", b, s.Guard.Account(budget.Build))
	}
	if open := OpenTasks(nil, s); len(open) != 0 {
		t.Errorf("open: %v", open)
	}
	if err := s.Apply(Rescued{Restarted: []planner.TaskID{"none"}}, time.Unix(3, 0)); err == nil {
		t.Error("a task that never began was restarted")
	}
}
