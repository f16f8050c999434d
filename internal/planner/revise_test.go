package planner_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// revision is fourTasks under an edited spec.
func revision(t *testing.T, edit ...string) (*planner.Plan, planner.Revision) {
	t.Helper()
	spec, p := fourTasks(t)
	r := planner.Revision{Plan: p}
	r.Spec, r.Difference = planner.Compare(spec, read(t, strings.NewReplacer(edit...).Replace(shop)))
	return p, r
}

func answer(phases, gates string) string {
	return `{"project":{"name":"shop","type":"cli-tool","summary":"","stack":["sh"]},"setup":[],"shared":[],"phases":[` + phases + `],"gates":[` + gates + `]}`
}

const lendAgain = `{"id":"a","title":"A","tasks":[{"id":"a.lend","title":"Lend and reserve","goal":"Reserved books stay.","covers":["R2"],"needs":["a.base"],"gates":["lend"]},
 {"id":"a.all","title":"All","goal":"All works.","covers":["R1","R2","R3"],"needs":["a.lend","a.price"],"gates":["acceptance-1","acceptance-2"]}]}`

const edited = "is lent or reserved cannot"

// The answer names what changes; every other task and its gates stay word for word.
func TestReviseKeepsWhatIsNotAffected(t *testing.T) {
	t.Parallel()
	old, r := revision(t, "is lent cannot", edited)
	s := &script{answers: []string{answer(lendAgain, `{"id":"lend","kind":"file","files":[{"path":"lend","contains":["reserved"]}]}`)}}
	p, err := planner.Revise(t.Context(), s, r, planner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []planner.TaskID{"a.base", "a.price"} {
		was, _ := old.Task(id)
		is, _ := p.Task(id)
		if d := cmp.Diff(was, is); d != "" {
			t.Errorf("%s changed\n%s", id, d)
		}
	}
	if got, _ := p.Task("a.lend"); got.Title != "Lend and reserve" {
		t.Errorf("the answer was not taken: %+v", got)
	}
	if g, _ := p.Gate("lend"); g.Files[0].Contains[0] != "reserved" {
		t.Errorf("the gate was not taken: %+v", g)
	}
	if p.Spec.SHA256 != r.Spec.SHA256 || p.Requirements[1].ID != "R2" || !strings.Contains(p.Requirements[1].Text, edited) {
		t.Errorf("the plan is not the spec's: %+v", p.Requirements[1])
	}
	for _, part := range []string{"<difference>", "was: A book that is lent cannot be sold.", "is: A book that " + edited + " be sold.", "<affected>", `"a.lend"`, `<task id="a.price"`} {
		if !strings.Contains(s.asked[0].Prompt, part) {
			t.Errorf("the question does not hold %q", part)
		}
	}
}

// A model that answers with the whole plan, reworded, changes no task that is not affected.
func TestReviseIgnoresRewording(t *testing.T) {
	t.Parallel()
	old, r := revision(t, "is lent cannot", edited)
	other := strings.Replace(lendAgain, `"tasks":[`, `"tasks":[{"id":"a.base","title":"Something else","goal":"x","covers":["R1"],"needs":[],"gates":["base"]},`, 1)
	p, err := planner.Revise(t.Context(), &script{answers: []string{answer(other, "")}}, r, planner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	was, _ := old.Task("a.base")
	if is, _ := p.Task("a.base"); !cmp.Equal(was, is) {
		t.Errorf("a.base is now %+v", is)
	}
}

// A gate of a task that is not affected is frozen; the answer goes back, and then fails.
func TestReviseRefusesOthersGates(t *testing.T) {
	t.Parallel()
	_, r := revision(t, "is lent cannot", edited)
	s := &script{answers: []string{answer(lendAgain, `{"id":"price","kind":"file","files":[{"path":"price","contains":["nothing"]}]}`)}}
	_, err := planner.Revise(t.Context(), s, r, planner.Options{})
	var ps planner.Problems
	if !errors.As(err, &ps) || !slices.ContainsFunc(ps, func(p planner.Problem) bool { return p.Code == "E_PLAN_AMEND" && strings.Contains(p.What, "a.price") }) {
		t.Fatalf("%v", err)
	}
	if len(s.asked) != 3 || !strings.Contains(s.asked[1].Repair, "E_PLAN_AMEND") {
		t.Errorf("asked %d times, told %q", len(s.asked), s.asked[len(s.asked)-1].Repair)
	}
}

// What was removed drops its task when the answer leaves it out; what is new may become a task.
func TestReviseAddsAndDrops(t *testing.T) {
	t.Parallel()
	_, r := revision(t, "- A book that is lent cannot be sold.\n", "- Gift wrapping costs extra in December.\n")
	phases := `{"id":"a","title":"A","tasks":[{"id":"a.all","title":"All","goal":"All works.","covers":["R1","R3"],"needs":["a.price"],"gates":["acceptance-1","acceptance-2"]}]},
 {"id":"b","title":"B","tasks":[{"id":"b.wrap","title":"Wrap","goal":"Wrapping costs.","covers":["R4"],"needs":["a.all"],"gates":["wrap"]}]}`
	p, err := planner.Revise(t.Context(), &script{answers: []string{answer(phases, `{"id":"wrap","kind":"file","files":[{"path":"wrap","contains":["extra"]}]}`)}}, r, planner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, task := range p.Tasks() {
		ids = append(ids, string(task.ID))
	}
	if want := []string{"a.base", "a.price", "a.all", "b.wrap"}; !slices.Equal(ids, want) {
		t.Errorf("tasks %v, want %v", ids, want)
	}
	if _, ok := p.Gate("lend"); ok {
		t.Error("the gate of the dropped task is still there")
	}
}

// Where nothing differs nobody is asked, and the plan is that of the new text.
func TestReviseWithoutDifference(t *testing.T) {
	t.Parallel()
	old, r := revision(t, "# Shop\n", "# Shop\n\nA place in town.\n")
	p, err := planner.Revise(t.Context(), &script{}, r, planner.Options{})
	if err != nil || p.Spec.SHA256 != r.Spec.SHA256 || !cmp.Equal(old.Phases, p.Phases) || !cmp.Equal(old.Gates, p.Gates) {
		t.Fatalf("%v\n%+v", err, p)
	}
}
