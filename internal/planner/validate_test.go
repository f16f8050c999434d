package planner_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/planner"
)

func TestValidateTakesAGoodPlan(t *testing.T) {
	t.Parallel()
	if ps := planner.Validate(goodPlan(), goodSpec()); len(ps) > 0 {
		t.Error(ps)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	type plan = planner.Plan
	task := func(p *plan, i int) *planner.Task { return &p.Phases[0].Tasks[i] }
	for name, c := range map[string]struct {
		spoil func(p *plan)
		code  string
		where string // beginning of the place
		what  string // part of the message
	}{
		"version":      {func(p *plan) { p.Version = 2 }, "E_PLAN_VERSION", "version", "2"},
		"spec hash":    {func(p *plan) { p.Spec.SHA256 = "AB" }, "E_PLAN_SPEC", "spec.sha256", ""},
		"project name": {func(p *plan) { p.Project.Name = "../x" }, "E_PLAN_PROJECT", "project.name", ""},
		"project type": {func(p *plan) { p.Project.Type = "game" }, "E_PLAN_PROJECT", "project.type", "game"},
		"no tasks":     {func(p *plan) { p.Phases, p.Requirements, p.Gates, p.Budget = nil, nil, nil, planner.Budget{} }, "E_PLAN_EMPTY", "phases", ""},
		"empty phase":  {func(p *plan) { p.Phases = append(p.Phases, planner.Phase{ID: "x"}) }, "E_PLAN_EMPTY", "phases[2] x", ""},
		"cycle":        {func(p *plan) { task(p, 0).Needs = []planner.TaskID{"docs.readme"} }, "E_PLAN_CYCLE", "tasks[0] core.store", "core.store -> docs.readme -> core.api -> core.store"},
		"needs itself": {func(p *plan) { task(p, 0).Needs = []planner.TaskID{"core.store"} }, "E_PLAN_CYCLE", "tasks[0]", "core.store -> core.store"},
		"unknown need": {func(p *plan) { task(p, 1).Needs = []planner.TaskID{"core.stor"} }, "E_PLAN_UNKNOWN_DEP", "tasks[1] core.api", "core.stor"},
		"task twice":   {func(p *plan) { p.Phases[1].Tasks = append(p.Phases[1].Tasks, p.Phases[1].Tasks[0]) }, "E_PLAN_DUP_ID", "tasks[3] docs.readme", ""},
		"gate twice":   {func(p *plan) { p.Gates = append(p.Gates, p.Gates[0]) }, "E_PLAN_DUP_ID", "gates[7] build", ""},
		"phase twice": {func(p *plan) {
			p.Phases = append(p.Phases, p.Phases[1])
			p.Phases[2].Tasks = []planner.Task{{ID: "docs.x", Title: "x", Gates: []planner.GateID{"build"}}}
		}, "E_PLAN_DUP_ID", "phases[2] docs", ""},
		"requirement twice": {func(p *plan) {
			p.Requirements = append(p.Requirements, planner.Requirement{ID: "r1", Text: "x"})
			task(p, 1).Covers = append(task(p, 1).Covers, "r1")
		}, "E_PLAN_DUP_ID", "requirements[2] r1", ""},
		"gate named twice": {func(p *plan) { task(p, 0).Gates = append(task(p, 0).Gates, "build") }, "E_PLAN_DUP_ID", "tasks[0]", "twice"},
		"id with slash":    {func(p *plan) { p.Gates[6].ID = "a/b"; p.Phases[1].Tasks[0].Gates[2] = "a/b" }, "E_PLAN_BAD_ID", "gates[6]", ""},
		"id with dots":     {func(p *plan) { p.Gates[6].ID = "a..b"; p.Phases[1].Tasks[0].Gates[2] = "a..b" }, "E_PLAN_BAD_ID", "gates[6]", ""},
		"id with line end": {func(p *plan) { p.Gates[6].ID = "a\nb"; p.Phases[1].Tasks[0].Gates[2] = "a\nb" }, "E_PLAN_BAD_ID", `gates[6] "a\nb"`, ""},
		"long id": {func(p *plan) {
			id := planner.GateID(strings.Repeat("a", 65))
			p.Gates[6].ID = id
			p.Phases[1].Tasks[0].Gates[2] = id
		}, "E_PLAN_BAD_ID", "gates[6]", ""},
		"accented id":           {func(p *plan) { p.Gates[6].ID = "é"; p.Phases[1].Tasks[0].Gates[2] = "é" }, "E_PLAN_BAD_ID", "gates[6]", ""},
		"task of another phase": {func(p *plan) { p.Phases[1].Tasks[0].ID = "core.readme" }, "E_PLAN_BAD_ID", "tasks[2] core.readme", "phase"},
		"reserved task":         {func(p *plan) { p.Phases[1].Tasks[0].ID = "plan" }, "E_PLAN_RESERVED", "tasks[2] plan", ""},
		"reserved phase":        {func(p *plan) { p.Phases[1].ID, p.Phases[1].Tasks[0].ID, p.Budget.Phases = "plan", "plan.x", nil }, "E_PLAN_RESERVED", "phases[1] plan", ""},
		"no gate":               {func(p *plan) { p.Phases[1].Tasks = append(p.Phases[1].Tasks, planner.Task{ID: "docs.x", Title: "x"}) }, "E_PLAN_NO_GATE", "tasks[3] docs.x", ""},
		"only a review": {func(p *plan) {
			p.Phases[1].Tasks = append(p.Phases[1].Tasks, planner.Task{ID: "docs.x", Title: "x", Gates: []planner.GateID{"look"}})
		}, "E_PLAN_NO_GATE", "tasks[3] docs.x", "review"},
		"unknown gate":          {func(p *plan) { task(p, 1).Gates = append(task(p, 1).Gates, "bild") }, "E_PLAN_UNKNOWN_GATE", "tasks[1] core.api", "bild"},
		"gate that nobody runs": {func(p *plan) { p.Phases[1].Tasks[0].Gates = p.Phases[1].Tasks[0].Gates[:2] }, "E_PLAN_GATE", "gates[6] look", "no task"},
		"covers the unknown":    {func(p *plan) { task(p, 0).Covers = append(task(p, 0).Covers, "R9") }, "E_PLAN_UNKNOWN_REQUIREMENT", "tasks[0]", "R9"},
		"proves the unknown":    {func(p *plan) { p.Gates[4].Proves = []planner.RequirementID{"R9"} }, "E_PLAN_UNKNOWN_REQUIREMENT", "gates[4]", "R9"},
		"uncovered":             {func(p *plan) { task(p, 1).Covers = []planner.RequirementID{"R1"} }, "E_PLAN_UNCOVERED", "requirements[1] R2", ""},
		"unproven":              {func(p *plan) { p.Gates[3].Proves = []planner.RequirementID{"R1"} }, "E_PLAN_UNPROVEN", "requirements[1] R2", ""},
		"proven by agent's tests": {func(p *plan) {
			p.Phases[1].Tasks[0].Gates = append(p.Phases[1].Tasks[0].Gates, "api")
			task(p, 1).Gates = []planner.GateID{"build", "unit"}
		}, "E_PLAN_UNPROVEN", "requirements[1] R2", ""},
		"requirement without text": {func(p *plan) { p.Requirements[0].Text = " " }, "E_PLAN_REQUIREMENT", "requirements[0] R1", ""},
		"title of two lines":       {func(p *plan) { task(p, 0).Title = "a\n\nBuilder-Task: x" }, "E_PLAN_TASK", "tasks[0]", "title"},
		"no title":                 {func(p *plan) { task(p, 0).Title = "" }, "E_PLAN_TASK", "tasks[0]", "title"},
		"unknown role":             {func(p *plan) { task(p, 0).Role = "boss" }, "E_PLAN_TASK", "tasks[0]", "boss"},
		"negative estimate":        {func(p *plan) { task(p, 0).Estimate.Calls = -1 }, "E_PLAN_ESTIMATE", "tasks[0]", ""},
		"claim outside":            {func(p *plan) { task(p, 0).Writes = []string{"../x"} }, "E_PATH_ESCAPE", "tasks[0] core.store writes", "../x"},
		"shared outside":           {func(p *plan) { p.Shared = []string{"/etc/passwd"} }, "E_PATH_ESCAPE", "shared", ""},
		"frozen outside":           {func(p *plan) { p.Gates[2].Frozen[0].Path = "a/../../b_test.go" }, "E_PATH_ESCAPE", "gates[2]", ""},
		"folder outside":           {func(p *plan) { p.Gates[0].Dir = ".." }, "E_PATH_ESCAPE", "gates[0] build dir", ""},
		"file outside":             {func(p *plan) { p.Gates[4].Files[0].Path = `a\..\b` }, "E_PATH_ESCAPE", "gates[4]", ""},
		"inputs outside":           {func(p *plan) { p.Setup[0].Inputs = []string{"~/x"} }, "E_PATH_ESCAPE", "setup[0] inputs", ""},
		"program outside":          {func(p *plan) { p.Gates[0].Run[0] = "/bin/sh" }, "E_PATH_ESCAPE", "gates[0]", ""},
		"shares too large":         {func(p *plan) { p.Budget.Phases["core"] = 2.01 }, "E_BUDGET_SPLIT", "budget.phases", "3.01"},
		"share of no phase":        {func(p *plan) { p.Budget.Phases = map[planner.PhaseID]float64{"cor": 1} }, "E_BUDGET_SPLIT", "budget.phases cor", ""},
		"negative budget":          {func(p *plan) { p.Budget = planner.Budget{USD: -1} }, "E_BUDGET_INVALID", "budget.usd", ""},
		"budget is no number":      {func(p *plan) { p.Budget.Phases["core"] = math.NaN() }, "E_BUDGET_INVALID", "budget.phases core", ""},
		"endless budget":           {func(p *plan) { p.Budget = planner.Budget{USD: math.Inf(1)} }, "E_BUDGET_INVALID", "budget.usd", ""},
		"setup without command":    {func(p *plan) { p.Setup[0].Run = nil }, "E_PLAN_SETUP", "setup[0]", ""},
		"setup network":            {func(p *plan) { p.Setup[0].Network = "all" }, "E_PLAN_SETUP", "setup[0]", "all"},
		"setup timeout":            {func(p *plan) { p.Setup[0].Timeout = -1 }, "E_PLAN_SETUP", "setup[0]", ""},
		"gate timeout":             {func(p *plan) { p.Gates[0].Timeout = 25 * time.Hour }, "E_PLAN_GATE", "gates[0]", ""},
		"gate network":             {func(p *plan) { p.Gates[0].Network = "on" }, "E_PLAN_GATE", "gates[0]", ""},
		"gate kind":                {func(p *plan) { p.Gates[6].Kind = "vote" }, "E_PLAN_GATE", "gates[6]", "vote"},
		"a line as argv":           {func(p *plan) { p.Gates[0].Run = []string{"go build ./..."} }, "E_PLAN_GATE", "gates[0]", "line"},
		"no program":               {func(p *plan) { p.Gates[0].Run = nil }, "E_PLAN_GATE", "gates[0]", ""},
		"odd exit code":            {func(p *plan) { p.Gates[0].Expect.Exit = 256 }, "E_PLAN_GATE", "gates[0]", ""},
		"odd number of tests":      {func(p *plan) { p.Gates[1].Expect.Tests = ">=0" }, "E_PLAN_GATE", "gates[1]", ""},
		"http without start":       {func(p *plan) { p.Gates[3].Start = nil }, "E_PLAN_GATE", "gates[3]", "start"},
		"http without port":        {func(p *plan) { p.Gates[3].Start = []string{"bin/x"} }, "E_PLAN_GATE", "gates[3]", "port"},
		"http ready":               {func(p *plan) { p.Gates[3].Ready = "http://x" }, "E_PLAN_GATE", "gates[3]", "ready"},
		"http without steps":       {func(p *plan) { p.Gates[3].Steps = nil }, "E_PLAN_GATE", "gates[3]", "steps"},
		"http with a bad step":     {func(p *plan) { p.Gates[3].Steps[1] = "GET /x" }, "E_PLAN_GATE", "gates[3] api steps[1]", ""},
		"bad session":              {func(p *plan) { p.Gates[5].Session = "hello" }, "E_PLAN_GATE", "gates[5]", ""},
		"no files":                 {func(p *plan) { p.Gates[4].Files = nil }, "E_PLAN_GATE", "gates[4]", ""},
		"absent with content":      {func(p *plan) { p.Gates[4].Files[0].Absent = true }, "E_PLAN_GATE", "gates[4]", ""},
		"bad expression":           {func(p *plan) { p.Gates[4].Files[0].Matches = "(" }, "E_PLAN_GATE", "gates[4]", ""},
		"bad file hash":            {func(p *plan) { p.Gates[4].Files[0].SHA256 = "xy" }, "E_PLAN_GATE", "gates[4]", ""},
		"field of another kind":    {func(p *plan) { p.Gates[0].Session = "$ a\nb" }, "E_PLAN_GATE", "gates[0]", "session"},
		"vacuous gate":             {func(p *plan) { p.Gates[0].Run = []string{"true"} }, "E_VERIFY_VACUOUS", "gates[0]", ""},
		"spec changed":             {func(p *plan) { p.Spec.SHA256 = strings.Repeat("cd", 32) }, "E_SPEC_CHANGED", "spec.sha256", "cdcd"},
		"requirement dropped":      {func(p *plan) { p.Requirements = p.Requirements[:1]; task(p, 1).Covers = nil }, "E_PLAN_UNCOVERED", "requirements", "R2 of the spec"},
		"requirement reworded":     {func(p *plan) { p.Requirements[1].Text = "Anything." }, "E_PLAN_REQUIREMENT", "requirements R2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := goodPlan()
			c.spoil(p)
			var spec *planner.Spec
			if name == "spec changed" || name == "requirement dropped" || name == "requirement reworded" {
				spec = goodSpec()
			}
			ps := planner.Validate(p, spec)
			if len(ps) != 1 {
				t.Fatalf("want one problem, got %d:\n%v", len(ps), ps)
			}
			if ps[0].Code != c.code || !strings.HasPrefix(ps[0].Where, c.where) || !strings.Contains(ps[0].What, c.what) || ps[0].Hint == "" {
				t.Errorf("got %+v, want %s at %s", ps[0], c.code, c.where)
			}
		})
	}
}

func TestValidateFindsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	p := goodPlan()
	p.Version, p.Shared, p.Gates[0].Run = 9, []string{"../x"}, []string{":"}
	p.Phases[0].Tasks[0].Needs = []planner.TaskID{"core.api", "nowhere"}
	var codes []string
	for _, q := range planner.Validate(p, nil) {
		codes = append(codes, q.Code)
	}
	want := []string{"E_VERIFY_VACUOUS", "E_PATH_ESCAPE", "E_PLAN_CYCLE", "E_PLAN_UNKNOWN_DEP", "E_PLAN_VERSION"}
	if !slices.Equal(codes, want) {
		t.Errorf("got %v, want %v", codes, want)
	}
}

// chain is a plan of n tasks, each needing the one before.
func chain(n int) *planner.Plan {
	p := goodPlan()
	for i := range n {
		task := planner.Task{ID: planner.TaskID(fmt.Sprintf("docs.t%d", i)), Title: "t", Gates: []planner.GateID{"build"}}
		if i > 0 {
			task.Needs = []planner.TaskID{planner.TaskID(fmt.Sprintf("docs.t%d", i-1))}
		}
		p.Phases[1].Tasks = append(p.Phases[1].Tasks, task)
	}
	return p
}

func TestValidateBoundsPlans(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{planner.MaxDepth: "", planner.MaxDepth + 1: "E_PLAN_TOO_LARGE", planner.MaxTasks: "E_PLAN_TOO_LARGE"} {
		ps := planner.Validate(chain(n), nil)
		if want == "" && len(ps) > 0 || want != "" && (len(ps) != 1 || ps[0].Code != want) {
			t.Errorf("%d tasks: got %v, want %q", n, ps, want)
		}
	}
}

func TestVacuous(t *testing.T) {
	t.Parallel()
	for _, argv := range [][]string{
		{"true"}, {":"}, {"exit", "0"}, {"echo", "ok"}, {"/usr/bin/true"}, {"env", "A=b", "true"}, {"timeout", "5", "true"},
		{"sh", "-c", "exit 0"}, {"bash", "-lc", "go test ./... || true"}, {"sh", "-c", "go test; echo done"}, {"sh", "-c", "go test ./... || :"},
		{"sh", "-c", "go test ./... || exit 0"}, {"sh", "-c", ""}, {"sh", "-c", "go test ./... | tee log"}, {"sh", "-c", "true && echo ok"}, {"sh", "-c", "go test &"},
		{"sh", "-c", "go test\ntrue\n"}, {"sh", "-c", "sh -c true"}, {"go", "test", "-run", "^$", "./..."}, {"go", "test", "-run=^$", "./..."}, {"go", "test", "--run=$^"},
		{"go", "test", "-count=0"}, {"go", "test", "-c"}, {"go", "test", "-list", "."}, {"go", "test", "-exec", "true"}, {"go", "test", "-skip=."},
		{"go", "version"}, {"node", "--version"}, {"make", "-n", "test"}, {"pytest", "--collect-only"}, {"ls", "-l"}, {"pwd"},
		{"env"}, {"sh", "-c", "go vet; exit 0"}, {"sh", "-c", "set -e; echo a"}, {"sh", "-c", "exit"}, {"sh", "-ec", "true; echo a"},
	} {
		if planner.Vacuous(planner.Gate{Kind: planner.GateCommand, Run: argv}) == "" {
			t.Errorf("%q is not seen as vacuous", argv)
		}
	}
	for _, argv := range [][]string{
		{"go", "test", "./..."}, {"go", "test", "-run", "TestX", "./..."}, {"go", "build", "./..."}, {"go", "vet", "./..."}, {"bin/app", "version"}, {"bin/app", "--help"},
		{"sh", "-c", "go test ./... && echo ok"}, {"sh", "-c", "bin/app | grep -q hello"}, {"sh", "-c", "set -o pipefail; go test | tee log"}, {"make", "test"},
		{"npm", "test"}, {"pytest"}, {"ls", "README.md"}, {"sh", "test.sh"}, {"false"}, {"test", "-f", "x"},
		{"sh", "-c", "exit 1"}, {"sh", "-c", "set -e; go test ./...; echo done"}, {"sh", "-ec", "go test ./...; echo done"}, {"sh", "-c", "echo a; go vet"},
		{"sh", "-c", "grep -q x y || exit 1"}, {"sh", "-c", "grep -q x y || exit 3; echo fine"}, {"sh", "-c", "'"},
	} {
		if why := planner.Vacuous(planner.Gate{Kind: planner.GateCommand, Run: argv}); why != "" {
			t.Errorf("%q is seen as vacuous: %s", argv, why)
		}
	}
	frozen := func(path string, run ...string) planner.Gate {
		return planner.Gate{Kind: planner.GateCommand, Run: run, Frozen: []planner.FrozenFile{{Path: path, Content: "x"}}}
	}
	for _, c := range []struct {
		gate planner.Gate
		want bool
	}{
		{frozen("README.md", "go", "build", "./..."), true},
		{frozen("a_test.go", "go", "build", "./..."), true},
		{frozen("a_test.go", "go", "test", "./..."), false},
		{frozen("check.sh", "sh", "check.sh"), false},
		{frozen("tests/a.py", "pytest"), false},
		{planner.Gate{Kind: planner.GateTranscript, Session: "$ echo hi\nhi\n$ true\n"}, true},
		{planner.Gate{Kind: planner.GateTranscript, Session: "$ echo hi\nhi\n$ shelf list\n"}, false},
	} {
		if got := planner.Vacuous(c.gate) != ""; got != c.want {
			t.Errorf("%+v: got %v", c.gate, got)
		}
	}
}

func TestProtectedPaths(t *testing.T) {
	t.Parallel()
	for path, ok := range map[string]bool{
		"a/b.go": true, "**": true, "a/**/*.go": true, "./a": true, "[ab].go": true, ".github/x": true, ".gitignore": true, "a..b": true, "...a": true,
		"": false, "..": false, "a/..": false, "/a": false, "C:/a": false, "c:a": false, `a\b`: false, "a//b": false, "a\x00": false, "[a": false, "...": false, "a/. /b": false,
		".git/hooks/x": false, "x/.GIT/y": false, ".git.": false, ".git ": false, ".git::$INDEX": false, ".claude/settings.json": false, ".builder/x": false,
		"~/x": false, strings.Repeat("a", 1025): false,
	} {
		p := goodPlan()
		p.Shared = []string{path}
		if got := len(planner.Validate(p, nil)) == 0; got != ok {
			t.Errorf("%q: allowed %v, want %v", path, got, ok)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "tasks")
		p := &planner.Plan{Phases: []planner.Phase{{ID: "p"}}}
		id := func(i int) planner.TaskID { return planner.TaskID(fmt.Sprintf("p.t%d", i)) }
		rank := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		})).Draw(t, "rank")
		for i := range n {
			task := planner.Task{ID: id(i)}
			for range rapid.IntRange(0, 3).Draw(t, "needs") {
				if j := rapid.IntRange(0, n-1).Draw(t, "need"); rank[j] < rank[i] {
					task.Needs = append(task.Needs, id(j))
				}
			}
			p.Phases[0].Tasks = append(p.Phases[0].Tasks, task)
		}
		order, err := planner.Order(p)
		if err != nil || len(order) != n {
			t.Fatalf("got %v, %v", order, err)
		}
		at := map[planner.TaskID]int{}
		for i, o := range order {
			at[o] = i
		}
		for _, task := range p.Tasks() {
			for _, need := range task.Needs {
				if at[need] >= at[task.ID] {
					t.Fatalf("%s comes before %s, which it needs", task.ID, need)
				}
			}
		}
		again, _ := planner.Order(p)
		if !slices.Equal(order, again) {
			t.Fatal("two orders of one plan")
		}
	})
	loop := goodPlan()
	loop.Phases[0].Tasks[0].Needs = []planner.TaskID{"core.api"}
	if _, err := planner.Order(loop); err == nil || !strings.Contains(err.Error(), "core.store -> core.api -> core.store") {
		t.Errorf("got %v", err)
	}
	lost := goodPlan()
	lost.Phases[0].Tasks[0].Needs = []planner.TaskID{"x"}
	if _, err := planner.Order(lost); err == nil {
		t.Error("an unknown need is no error")
	}
}

func TestProblemsSortNaturally(t *testing.T) {
	t.Parallel()
	ps := planner.Problems{{Where: "a:11"}, {Where: "a:5", Code: "B"}, {Where: "a:5", Code: "A"}, {Where: "a"}}.Sorted()
	if ps[0].Where != "a" || ps[1].Code != "A" || ps[3].Where != "a:11" {
		t.Errorf("got %+v", ps)
	}
}
