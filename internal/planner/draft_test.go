package planner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
)

// script answers questions in order and keeps them; the last answer is repeated.
type script struct {
	answers []string
	asked   []planner.Question
}

func (s *script) Ask(_ context.Context, q planner.Question) (json.RawMessage, error) {
	s.asked = append(s.asked, q)
	return json.RawMessage(s.answers[min(len(s.asked), len(s.answers))-1]), nil
}

const oneTask = `{"project":{"name":"other","type":"cli-tool","summary":"Lends tools.","stack":["go"]},"setup":[],
"phases":[{"id":"app","title":"App","tasks":[{"id":"app.all","title":"The API","role":"engineer","goal":"It works.","covers":["R1","R2"],
"needs":[],"writes":[],"gates":["unit"],"estimate":{"calls":4,"input_tokens":40000,"output_tokens":8000}}]}],"shared":["Makefile"],"gates":[]}`

func TestDraftFillsInWhatIsOurs(t *testing.T) {
	t.Parallel()
	s := &script{answers: []string{oneTask}}
	p, err := planner.Draft(t.Context(), s, goodSpec(), planner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &planner.Plan{
		Version: 1, Spec: planner.SpecRef{Path: "spec.md", SHA256: strings.Repeat("ab", 32)},
		Project:      planner.Project{Name: "toolshed", Type: planner.RESTAPI, Summary: "Lends tools.", Stack: []string{"go"}},
		Requirements: goodSpec().Requirements,
		Phases: []planner.Phase{{ID: "app", Title: "App", Tasks: []planner.Task{{
			ID: "app.all", Title: "The API", Role: "engineer", Goal: "It works.", Covers: []planner.RequirementID{"R1", "R2"},
			Needs: []planner.TaskID{}, Writes: []string{}, Gates: []planner.GateID{"unit", "build", "acceptance-1"},
			Estimate: planner.Quantity{Calls: 4, InputTokens: 40000, OutputTokens: 8000},
		}}}},
		Shared: []string{"Makefile", "go.mod", "go.sum", ".gitignore", "README.md"},
		Gates: []planner.Gate{
			goodSpec().Acceptance[0],
			{ID: "build", Kind: planner.GateCommand, Title: "It builds", Run: []string{"go", "build", "-trimpath", "-o", "bin/", "./..."}},
			{ID: "unit", Kind: planner.GateCommand, Title: "Its own tests pass", Run: []string{"go", "test", "-json", "./..."}, Expect: planner.Expect{Tests: ">=1"}},
		},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	if len(s.asked) != 1 {
		t.Fatalf("asked %d times", len(s.asked))
	}
	q := s.asked[0]
	for _, part := range []string{
		"<spec path=\"spec.md\">\n# Toolshed\n", "\n</spec>\n", `<project name="toolshed" type="rest-api">`,
		`<requirement id="R2" lines="4-5">A broken tool cannot be lent.</requirement>`, `<gate id="acceptance-1" kind="http" lines="5" start="bin/toolshed serve --addr 127.0.0.1:{port}">GET /tools -> 200</gate>`,
	} {
		if !strings.Contains(q.Prompt, part) {
			t.Errorf("the prompt lacks %q:\n%s", part, q.Prompt)
		}
	}
	var schema struct{ Title string }
	if err := json.Unmarshal(q.Schema, &schema); err != nil || schema.Title != "builder-plan-draft-1" {
		t.Errorf("schema %q, %v", schema.Title, err)
	}
}

func TestDraftSendsProblemsBack(t *testing.T) {
	t.Parallel()
	uncovered := strings.Replace(oneTask, `"R1","R2"`, `"R1"`, 1)
	s := &script{answers: []string{"I would rather not.", uncovered, "```json\n" + oneTask + "\n```"}}
	if _, err := planner.Draft(t.Context(), s, goodSpec(), planner.Options{}); err != nil {
		t.Fatal(err)
	}
	if len(s.asked) != 3 || s.asked[0].Repair != "" || s.asked[0].Answer != "" {
		t.Fatalf("asked %d times, first %+v", len(s.asked), s.asked[0])
	}
	if q := s.asked[1]; q.Answer != "I would rather not." || !strings.HasPrefix(q.Repair, "E_PLAN_PARSE: ") {
		t.Errorf("second question: %q, %q", q.Answer, q.Repair)
	}
	if q := s.asked[2]; q.Answer != uncovered || !strings.Contains(q.Repair, "E_PLAN_UNCOVERED: requirements[1] R2: no task covers it") {
		t.Errorf("third question: %q", q.Repair)
	}
	if s.asked[0].Prompt != s.asked[2].Prompt || !slices.Equal(s.asked[0].System, s.asked[2].System) {
		t.Error("the prompt changed between rounds")
	}
}

func TestDraftGivesUpAfterTwoRepairs(t *testing.T) {
	t.Parallel()
	s := &script{answers: []string{strings.Replace(oneTask, `"unit"`, `"lint"`, 1)}}
	_, err := planner.Draft(t.Context(), s, goodSpec(), planner.Options{})
	var ps planner.Problems
	if !errors.As(err, &ps) || ps[0].Code != "E_PLAN_DRAFT" || ps[1].Code != "E_PLAN_UNKNOWN_GATE" || len(s.asked) != 3 {
		t.Errorf("asked %d times, got %v", len(s.asked), err)
	}
}

// failing is an asker without an answer.
type failing struct{ err error }

func (f failing) Ask(context.Context, planner.Question) (json.RawMessage, error) { return nil, f.err }

func TestDraftReturnsTheAskersError(t *testing.T) {
	t.Parallel()
	pause := errors.New("no money")
	if _, err := planner.Draft(t.Context(), failing{pause}, goodSpec(), planner.Options{}); !errors.Is(err, pause) {
		t.Errorf("got %v", err)
	}
}

func TestDraftRefusesBadAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]string{
		"no object":       {"[]", "E_PLAN_PARSE"},
		"unknown key":     {strings.Replace(oneTask, `"shared"`, `"shard"`, 1), "E_PLAN_PARSE"},
		"two objects":     {oneTask + oneTask, "E_PLAN_PARSE"},
		"cut short":       {oneTask[:len(oneTask)/2], "E_PLAN_PARSE"},
		"no tasks":        {strings.Replace(oneTask, `"phases":[`, `"phases":[],"budget":[`, 1), "E_PLAN_EMPTY"},
		"empty phase":     {strings.Replace(oneTask, `"tasks":[`, `"tasks":[]}],"budget":[{"x":[`, 1), "E_PLAN_EMPTY"},
		"forged gate":     {strings.Replace(oneTask, `"unit"`, `"acceptance-2"`, 1), "E_PLAN_UNKNOWN_GATE"},
		"vacuous gate":    {strings.Replace(oneTask, `"gates":[]}`, `"gates":[{"id":"unit","kind":"command","run":["true"]}]}`, 1), "E_VERIFY_VACUOUS"},
		"leaves the tree": {strings.Replace(oneTask, `"Makefile"`, `"../x"`, 1), "E_PATH_ESCAPE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := planner.Draft(t.Context(), &script{answers: []string{c[0]}}, goodSpec(), planner.Options{})
			var ps planner.Problems
			if !errors.As(err, &ps) || !slices.ContainsFunc(ps, func(p planner.Problem) bool { return p.Code == c[1] }) {
				t.Errorf("got %v, want %s", err, c[1])
			}
		})
	}
}

func TestDraftTakesNoAcceptanceFromTheModel(t *testing.T) {
	t.Parallel()
	spec := goodSpec()
	spec.Acceptance[0].Start = nil
	forged := strings.Replace(oneTask, `"gates":[]}`, `"gates":[{"id":"acceptance-1","kind":"http","start":["bin/x","{port}"],"ready":"/up","steps":["GET / -> 500"],"network":"registries"}]}`, 1)
	p, err := planner.Draft(t.Context(), &script{answers: []string{forged}}, spec, planner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := planner.Gate{ID: "acceptance-1", Kind: planner.GateHTTP, Source: "5", Start: []string{"bin/x", "{port}"}, Ready: "/up", Steps: []string{"GET /tools -> 200"}}
	got, _ := p.Gate("acceptance-1")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAcceptanceWaitsForAllTasks(t *testing.T) {
	t.Parallel()
	proof := `{"id":"g","kind":"file","files":[{"path":"a"}]}`
	task := func(id, needs string) string {
		return fmt.Sprintf(`{"id":%q,"title":"t","role":"engineer","goal":"","covers":["R1","R2"],"needs":[%s],"writes":[],"gates":["g"],"estimate":{"calls":1,"input_tokens":1,"output_tokens":1}}`, id, needs)
	}
	answer := `{"project":{"name":"","type":"other","summary":"","stack":[]},"setup":[],"phases":[{"id":"a","title":"","tasks":[` +
		task("a.base", "") + "," + task("a.left", `"a.base"`) + "," + task("a.late", `"a.last"`) + "," + task("a.last", `"a.base"`) + `]}],"shared":[],"gates":[` + proof + `]}`
	p, err := planner.Draft(t.Context(), &script{answers: []string{answer}}, goodSpec(), planner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last, _ := p.Task("a.last")
	if d := cmp.Diff([]planner.TaskID{"a.base", "a.left"}, last.Needs); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]planner.GateID{"g", "build", "acceptance-1"}, last.Gates); d != "" {
		t.Error(d)
	}
}

// byPart plans each part of a spec with one task that covers what the part asks for.
type byPart struct {
	asked []planner.Question
	skip  string // requirement that no task covers
	gates string // more gates of the first task, where the part has them
}

func (b *byPart) Ask(_ context.Context, q planner.Question) (json.RawMessage, error) {
	b.asked = append(b.asked, q)
	var covers []string
	for _, piece := range strings.Split(q.Prompt, `<requirement id="`)[1:] {
		if id, _, _ := strings.Cut(piece, `"`); id != b.skip {
			covers = append(covers, id)
		}
	}
	more := ""
	if b.gates != "" && strings.Contains(q.Prompt, "<acceptance>") {
		more = b.gates
	}
	list, err := json.Marshal(covers)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(fmt.Sprintf(`{"project":{"name":"","type":"other","summary":"","stack":["go"]},"setup":[],"phases":[{"id":"core","title":"Core","tasks":[
		{"id":"core.a","title":"A","role":"engineer","goal":"","covers":%s,"needs":[],"writes":[],"gates":["build","files"%s],"estimate":{"calls":1,"input_tokens":1,"output_tokens":1}},
		{"id":"core.b","title":"B","role":"engineer","goal":"","covers":[],"needs":["core.a"],"writes":[],"gates":["unit"],"estimate":{"calls":1,"input_tokens":1,"output_tokens":1}}]}],
		"shared":[],"gates":[{"id":"files","kind":"file","files":[{"path":"a.go"}]}]}`, list, more)), nil
}

// largeSpec is a spec of many sections.
func largeSpec(t *testing.T, sections int) *planner.Spec {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Large\n\n")
	for i := range sections {
		fmt.Fprintf(&b, "## Part %d\n\n", i)
		for j := range 8 {
			fmt.Fprintf(&b, "- It must do thing %d of part %d, and do it well.\n", j, i)
		}
		b.WriteString("\n" + strings.Repeat("Prose of no weight. ", 10) + "\n\n")
	}
	spec, err := markdown.Parse("large.md", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestDraftOfALargeSpec(t *testing.T) {
	t.Parallel()
	spec := largeSpec(t, 30)
	b := &byPart{}
	const size = 8 << 10
	p, err := planner.Draft(t.Context(), b, spec, planner.Options{PartBytes: size})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.asked) < 3 {
		t.Fatalf("asked %d times", len(b.asked))
	}
	if d := cmp.Diff(spec.Requirements, p.Requirements); d != "" {
		t.Error("requirements are lost:", d)
	}
	var text strings.Builder
	for _, q := range b.asked {
		if len(q.Prompt) > size*3/2 {
			t.Errorf("a prompt of %d bytes", len(q.Prompt))
		}
		_, rest, _ := strings.Cut(q.Prompt, ">\n")
		body, _, _ := strings.Cut(rest, "\n</spec>")
		text.WriteString(body + "\n")
		if first := strings.SplitN(body, "\n", 2)[0]; !strings.HasPrefix(first, "#") {
			t.Errorf("a part begins with %q", first)
		}
	}
	if text.String() != spec.Text {
		t.Error("the parts are not the whole spec")
	}
	tasks := p.Tasks()
	if tasks[0].ID != "part1-core.a" || tasks[2].ID != "part2-core.a" || tasks[2].Needs[0] != "part1-core.a" || tasks[3].Needs[0] != "part2-core.a" {
		t.Errorf("got tasks %+v", tasks[:4])
	}
	for _, known := range []string{
		fmt.Sprintf(` part="2 of %d">`, len(b.asked)), "<outline>\n# Large\n1 # Large\n3 ## Part 0\n", "## Part 29\n</outline>", ` stack="go"></project>`,
		"<earlier>\n" + `<task id="part1-core.a" writes="" gates="build part1-files">A: </task>`,
	} {
		if !strings.Contains(b.asked[1].Prompt, known) {
			t.Errorf("the second part does not know of %q:\n%s", known, b.asked[1].Prompt)
		}
	}
	if ps := planner.Validate(p, spec); len(ps) > 0 {
		t.Error(ps)
	}
}

// A part ends before a heading of the highest level there is, so that no chapter is torn.
func TestPartsEndBetweenChapters(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("# Large\n\n")
	for i := range 12 {
		fmt.Fprintf(&text, "## Chapter %d\n\n- It must do thing %d.\n\n%s\n\n### Details of %d\n\n- It must do it well.\n\n", i, i, strings.Repeat("Prose of no weight. ", 30), i)
	}
	spec, err := markdown.Parse("large.md", []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	b := &byPart{}
	if _, err := planner.Draft(t.Context(), b, spec, planner.Options{PartBytes: 3500}); err != nil {
		t.Fatal(err)
	}
	for i, q := range b.asked[1:] {
		if _, body, _ := strings.Cut(q.Prompt, ">\n"); !strings.HasPrefix(body, "## Chapter ") {
			t.Errorf("part %d begins with %.40q", i+2, body)
		}
	}
	if len(b.asked) < 3 {
		t.Errorf("asked %d times", len(b.asked))
	}
}

// The acceptance of a later part looks at the whole program: it waits for what earlier parts make.
func TestAcceptanceOfALaterPartWaits(t *testing.T) {
	t.Parallel()
	text := largeSpec(t, 12).Text + "## Acceptance\n\n```console\n$ large do\ndone\n```\n"
	spec, err := markdown.Parse("large.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	b := &byPart{gates: `,"acceptance-1"`}
	p, err := planner.Draft(t.Context(), b, spec, planner.Options{PartBytes: 6 << 10})
	if err != nil {
		t.Fatal(err)
	}
	tasks := p.Tasks()
	last := tasks[len(tasks)-2] // the one that covers what the last part asks for
	var want []planner.TaskID
	for i := 1; i < len(b.asked); i++ {
		want = append(want, planner.TaskID(fmt.Sprintf("part%d-core.b", i)))
	}
	if !slices.Contains(last.Gates, "acceptance-1") || len(want) < 2 {
		t.Fatalf("%d parts, last task %+v", len(b.asked), last)
	}
	for _, id := range want {
		if !slices.Contains(last.Needs, id) {
			t.Errorf("%s needs %v, not %s", last.ID, last.Needs, id)
		}
	}
}

// What the prompt shows again of the spec is cut short, and is told from its neighbours all the same.
func TestDraftSaysThingsOnce(t *testing.T) {
	t.Parallel()
	spec := goodSpec()
	long := "A requirement of many words, " + strings.Repeat("which goes on ", 20)
	spec.Requirements[1].Text = long
	spec.Acceptance[0].Steps = []string{"GET /tools -> 200", "GET /hidden -> 404"}
	s := &script{answers: []string{oneTask}}
	p, err := planner.Draft(t.Context(), s, spec, planner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	prompt := s.asked[0].Prompt
	if !strings.Contains(prompt, `lines="4-5">A requirement of many words, which`) || strings.Contains(prompt, long) || !strings.Contains(prompt, " …</requirement>") {
		t.Errorf("got %s", prompt)
	}
	if !strings.Contains(prompt, "GET /tools -> 200 …</gate>") || strings.Contains(prompt, "/hidden") {
		t.Errorf("got %s", prompt)
	}
	if p.Requirements[1].Text != long || len(p.Gates[0].Steps) != 2 {
		t.Error("the plan was cut too")
	}
}

func TestDraftAsksTheSameAgain(t *testing.T) {
	t.Parallel()
	one, two := &byPart{}, &byPart{}
	for _, b := range []*byPart{one, two} {
		if _, err := planner.Draft(t.Context(), b, largeSpec(t, 20), planner.Options{PartBytes: 8 << 10}); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(one.asked, two.asked); d != "" {
		t.Error(d)
	}
}

func TestDraftOfALargeSpecNamesWhatIsNotCovered(t *testing.T) {
	t.Parallel()
	b := &byPart{skip: "R100"}
	_, err := planner.Draft(t.Context(), b, largeSpec(t, 20), planner.Options{PartBytes: 8 << 10})
	var ps planner.Problems
	if !errors.As(err, &ps) || len(ps) != 2 || ps[1].Code != "E_PLAN_UNCOVERED" || !strings.Contains(ps[1].Where, "R100") {
		t.Errorf("got %v", err)
	}
}

func FuzzDraftAnswer(f *testing.F) {
	f.Add(oneTask)
	f.Add(`{"phases":[{"id":"a","tasks":[{"id":"a.b","needs":["a.b"],"gates":["acceptance-1"]}]}]}`)
	f.Fuzz(func(t *testing.T, answer string) {
		p, err := planner.Draft(context.Background(), &script{answers: []string{answer}}, goodSpec(), planner.Options{})
		if err != nil {
			var ps planner.Problems
			if !errors.As(err, &ps) || ps[0].Code != "E_PLAN_DRAFT" {
				t.Fatalf("got %v", err)
			}
			return
		}
		if ps := planner.Validate(p, goodSpec()); len(ps) > 0 {
			t.Fatal(ps)
		}
	})
}
