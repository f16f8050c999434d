package phases

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
	"pgregory.net/rapid"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	m := Models{Roles: map[string]string{"planner": "p", "writer": "usual"}, Escalate: "strong", Fallback: []string{"f1", "f2"}}
	for _, tc := range []struct {
		name, role string
		past       []string
		want, why  string
	}{
		{"the build's", "", nil, "usual", ""},
		{"a role's own", "planner", nil, "p", "role planner"},
		{"a role with the build's", "writer", nil, "usual", ""},
		{"after a failure", "engineer", []string{"stuck"}, "strong", "attempt 1 ended stuck with usual"},
		{"once is enough", "engineer", []string{"stuck", "stuck"}, "strong", "attempt 1"},
		{"declined", "engineer", []string{"declined"}, "f1", "attempt 1 was declined with usual"},
		{"declined twice", "engineer", []string{"declined", "unreachable"}, "f2", "attempt 2 was unreachable with f1"},
		{"no more of them", "engineer", []string{"declined", "declined", "declined"}, "f2", "attempt 2"},
		{"failed, then declined", "engineer", []string{"stuck", "declined"}, "f1", "attempt 2 was declined with strong"},
		{"declined, then failed", "engineer", []string{"declined", "stuck"}, "strong", "attempt 2 ended stuck with f1"},
		{"the builder's own doing", "engineer", []string{"diverged"}, "usual", ""},
	} {
		got := m.Choose("usual", tc.role, tc.past)
		if got.Model != tc.want || !strings.Contains(got.Why, tc.why) || (got.Why == "") != (tc.why == "") {
			t.Errorf("%s: got %+v, want %s (%s)", tc.name, got, tc.want, tc.why)
		}
	}
}

// Whatever happened, a model is used only where the user named it, and only with a reason; without
// any of the three the build's own model is never left.
func TestNoSilentChangeOfModel(t *testing.T) {
	t.Parallel()
	outcomes := []string{"accepted", "declined", "unreachable", "diverged", "stuck", "blocked", "failed"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"", "a", "b", "c"})
		m := Models{Roles: map[string]string{"engineer": name.Draw(t, "engineer")}, Escalate: name.Draw(t, "escalate")}
		for range rapid.IntRange(0, 3).Draw(t, "fallbacks") {
			m.Fallback = append(m.Fallback, rapid.SampledFrom([]string{"d", "e"}).Draw(t, "fallback"))
		}
		past := rapid.SliceOfN(rapid.SampledFrom(outcomes), 0, 8).Draw(t, "past")
		role := rapid.SampledFrom([]string{"", "engineer", "planner", "nobody"}).Draw(t, "role")
		c := m.Choose("usual", role, past)
		if !slices.Contains(m.All("usual"), c.Model) {
			t.Fatalf("%+v is not one of %v", c, m.All("usual"))
		}
		if c.Model != "usual" && c.Why == "" {
			t.Fatalf("%+v has no reason", c)
		}
		if (Models{}).Choose("usual", role, past) != (Choice{Model: "usual"}) {
			t.Fatal("a build with one model left it")
		}
	})
}

// Only what another model may mend is a reason to take one.
func TestUnreachableIsTheModelsAlone(t *testing.T) {
	t.Parallel()
	for cause, want := range map[agent.Cause]bool{
		agent.CauseLoad: true, agent.CauseRate: true, agent.CauseModel: true, agent.CauseNetwork: true,
		agent.CauseMoney: false, agent.CauseKey: false, agent.CauseProtocol: false, "": false,
	} {
		f := &agent.Failure{Class: agent.PauseBuild, Cause: cause}
		if got := unreachable(&PauseError{Err: f}); got != want {
			t.Errorf("cause %q: %v", cause, got)
		}
		if unreachable(f) {
			t.Errorf("cause %q: it was not waited for", cause)
		}
	}
}

// asked tells which model was asked, in order of change.
type asked struct {
	mu    sync.Mutex
	names []string
}

func (a *asked) note(model string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.names); n == 0 || a.names[n-1] != model {
		a.names = append(a.names, model)
	}
}

// Each role is carried out by its model, a failed attempt is followed by a stronger one, a declined
// one by the fallback; every change is a record and stands in the status.
func TestModelsOfABuild(t *testing.T) {
	t.Parallel()
	w, seen := newWorld(t), &asked{}
	w.set = Settings{Model: "weak", MaxTokens: 2000, Limits: map[string]ModelLimit{"strong": {MaxTokens: 1500}}, Models: Models{
		Roles: map[string]string{"planner": "planner"}, Escalate: "strong", Fallback: []string{"spare"},
	}}
	w.answer = func(req agent.Request) (agent.Message, error) {
		seen.note(req.Model)
		b := strings.Contains(req.Messages[0].Words(), "one.b")
		switch {
		case req.Model == "weak" && !b: // never mends it
			return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{
				use("1", "write_file", map[string]string{"path": "a.txt", "content": "bad"}), use("2", "finish", map[string]string{"summary": "done"}),
			}}, nil
		case req.Model == "weak":
			return agent.Message{}, &agent.Failure{Class: agent.FailTask, Status: 400, Type: "refusal", Message: "no"}
		case req.Model == "strong" && req.MaxTokens != 1500, req.Model == "spare" && req.MaxTokens != 2000:
			t.Errorf("%s may write %d tokens", req.Model, req.MaxTokens)
		}
		return scripted(req)
	}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"planner", "weak", "strong", "weak", "spare"}; !slices.Equal(seen.names, want) {
		t.Errorf("asked %v, want %v", seen.names, want)
	}
	plan := twoTasks()
	st := StatusOf(&plan, s)
	for _, task := range st.Tasks {
		want := map[planner.TaskID]string{"plan": "role planner", "one.a": "escalated: attempt 1", "one.b": "fallback: attempt 1 was declined"}[task.ID]
		if !strings.Contains(task.Why, want) || task.Model == "weak" {
			t.Errorf("%s was made with %s (%s), want %s", task.ID, task.Model, task.Why, want)
		}
	}
	if st.State != DoneState {
		t.Errorf("the build is %s", st.State)
	}
}

// A provider without an answer ends the attempt only where the user named a model to fall back on,
// and takes no attempt away; without one the build pauses. A build that goes on keeps the model of
// its open attempt.
func TestUnreachableModel(t *testing.T) {
	t.Parallel()
	down := true
	answer := func(seen *asked) func(agent.Request) (agent.Message, error) {
		return func(req agent.Request) (agent.Message, error) {
			seen.note(req.Model)
			if down && req.Model == "gone" {
				return agent.Message{}, &agent.Failure{Class: agent.PauseBuild, Cause: agent.CauseModel, Status: 404, Type: "not_found_error", Message: "model: gone"}
			}
			if down && req.Model == "weak" && req.Schema == nil {
				return agent.Message{}, &agent.Failure{Class: agent.Retry, Cause: agent.CauseLoad, Status: 529, Type: "overloaded_error", Message: "busy"}
			}
			return scripted(req)
		}
	}
	w, seen := newWorld(t), &asked{}
	w.set = Settings{Model: "weak", MaxTokens: 2000, Attempts: 1, Models: Models{Roles: map[string]string{"planner": "gone"}, Fallback: []string{"spare"}}}
	w.answer = answer(seen)
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || !slices.Equal(s.Task("one.a").Past, []string{outcomeUnreachable, "accepted"}) {
		t.Fatalf("with a fallback: %v, %v", err, s.Task("one.a"))
	}
	w, seen = newWorld(t), &asked{}
	w.set = Settings{Model: "weak", MaxTokens: 2000, Models: Models{Escalate: "strong"}}
	w.answer = answer(seen)
	if s, err = w.run(t, budget.Caps{USD: budget.Dollar}); err == nil || s.Run != PausedState {
		t.Fatalf("without a fallback: %v, %s", err, s.Run)
	}
	down = false
	w.set.Model = "other" // what is set now does not count for the attempt that is open
	w.set.Models.Roles = map[string]string{"engineer": "another"}
	if s, err = w.run(t, budget.Caps{USD: budget.Dollar}); err != nil || s.Run != DoneState || s.Task("one.a").Model != "weak" || s.Task("one.b").Model != "another" {
		t.Fatalf("resumed: %v, %+v", err, s.Tasks)
	}
}
