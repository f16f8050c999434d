package planfile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

var update = flag.Bool("update", false, "write golden files anew")

const schemaFile = "../../../docs/plan.schema.json"

// fullPlan has every field set.
func fullPlan() *planner.Plan {
	return &planner.Plan{
		Version: 1,
		Spec:    planner.SpecRef{Path: "specs/rest-api.md", SHA256: strings.Repeat("ab", 32)},
		Project: planner.Project{Name: "bookmarks", Type: planner.RESTAPI, Summary: "Keeps: bookmarks", Stack: []string{"go"}},
		Requirements: []planner.Requirement{
			{ID: "R1", Text: "`POST /x` creates #1; \"quoted\", it's: fine", Source: "12-13"},
			{ID: "R2", Text: "yes", Source: "14"},
		},
		Setup: []planner.Setup{{Run: []string{"go", "mod", "download"}, Inputs: []string{"go.mod"}, Network: planner.NetworkRegistries, Timeout: 90 * time.Second}},
		Phases: []planner.Phase{{ID: "foundation", Title: "Foundation", Tasks: []planner.Task{{
			ID: "foundation.module", Title: "Module", Role: "engineer", Goal: "One.\nTwo.\n", Covers: []planner.RequirementID{"R1", "R2"},
			Needs: []planner.TaskID{"foundation.x"}, Writes: []string{"internal/**"}, Gates: []planner.GateID{"all"},
			Estimate: planner.Quantity{Calls: 6, InputTokens: 60000, OutputTokens: 9000},
		}}}},
		Shared: []string{"go.mod"},
		Gates: []planner.Gate{{
			ID: "all", Kind: planner.GateHTTP, Title: "All", Source: "3-9", Proves: []planner.RequirementID{"R1"}, Run: []string{"a", "b c"}, Dir: "cmd",
			Expect: planner.Expect{Exit: 3, Stdout: "x", Tests: ">=1"}, Frozen: []planner.FrozenFile{{Path: "a_test.go", Content: "package a\n\n\tx\n"}},
			Start: []string{"bin/x", "127.0.0.1:{port}"}, Ready: "/up", Steps: []string{`GET /x -> 200 {"a":[1,"b"]}`},
			Session: "$ x\n  out\n\n$ y\n! exit 1\n", Files: []planner.FileCheck{{Path: "README.md", Absent: true, Contains: []string{"- x"}, Matches: "^a$", SHA256: strings.Repeat("0", 64)}},
			Network: planner.NetworkOff, Timeout: 5 * time.Minute,
		}},
		Budget: planner.Budget{USD: 10, Phases: map[planner.PhaseID]float64{"foundation": 2.5}},
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	data, err := planfile.Encode(fullPlan())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(data, []byte("# yaml-language-server: $schema=")) {
		t.Errorf("no schema line:\n%s", data)
	}
	got, err := planfile.Decode("plan.yaml", data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if d := cmp.Diff(fullPlan(), got); d != "" {
		t.Error(d)
	}
}

func TestFullPlanSetsEveryField(t *testing.T) {
	t.Parallel()
	var visit func(path string, v reflect.Value)
	visit = func(path string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("%s is not set, so the round trip does not test it", path)
		}
		switch v.Kind() {
		case reflect.Pointer:
			visit(path, v.Elem())
		case reflect.Slice:
			if v.Len() > 0 {
				visit(path+"[0]", v.Index(0))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				visit(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		}
	}
	visit("plan", reflect.ValueOf(fullPlan()))
}

// Any text survives: YAML has many ways to misread one.
func TestRoundTripOfAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := fullPlan()
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ \n\t#:'"|>&*!%@\-\\{}\[\],?a0~]{0,30}`))
		p.Requirements[0].Text = text.Draw(t, "text")
		p.Phases[0].Tasks[0].Goal = text.Draw(t, "goal")
		p.Gates[0].Session = text.Draw(t, "session")
		p.Gates[0].Steps[0] = text.Draw(t, "step")
		p.Gates[0].Run[1] = text.Draw(t, "word")
		p.Gates[0].Timeout = time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "timeout"))
		data, err := planfile.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := planfile.Decode("plan.yaml", data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if d := cmp.Diff(p, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("%s\n%s", d, data)
		}
		a, errA := planfile.Hash(p)
		b, errB := planfile.Hash(got)
		if a != b || errA != nil || errB != nil {
			t.Fatal("the hash changed on the way")
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good, err := planfile.Encode(fullPlan())
	if err != nil {
		t.Fatal(err)
	}
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 9), ",") + "]\n"
	}
	for name, c := range map[string]struct {
		data, code, where, what, hint string
	}{
		"empty":                  {"", "E_PLAN_EMPTY", "p", "empty", "builder plan"},
		"only comments":          {"# a\n", "E_PLAN_EMPTY", "p", "empty", ""},
		"syntax":                 {"version: 1\nspec: {path: a\nphases:\n", "E_PLAN_PARSE", "p:", "", ""},
		"unknown key":            {"version: 1\nphasis: []\n", "E_PLAN_UNKNOWN_KEY", "p:2", `"phasis"`, "phases"},
		"unknown key in a task":  {"phases:\n  - id: a\n    tasks:\n      - {id: a.b, neds: []}\n", "E_PLAN_UNKNOWN_KEY", "p:4", `"neds"`, "needs"},
		"doubled key":            {"version: 1\nversion: 1\n", "E_PLAN_DUP_KEY", "p:2", `"version"`, ""},
		"wrong type":             {"version: one\n", "E_PLAN_PARSE", "p:1", "", ""},
		"a number as duration":   {"gates:\n  - id: a\n    timeout: 300\n", "E_PLAN_PARSE", "p:3", "no duration", "5m"},
		"no duration":            {"gates:\n  - id: a\n    timeout: soon\n", "E_PLAN_PARSE", "p:3", "", ""},
		"two documents":          {"version: 1\n---\nversion: 1\n", "E_PLAN_PARSE", "p", "more than one", ""},
		"broken second document": {"version: 1\n---\n[", "E_PLAN_PARSE", "p", "more than one", ""},
		"a bomb":                 {bomb, "E_PLAN_", "p", "", ""},
		"a bomb in a known key":  {strings.Replace(bomb, "\n", "\n", 1) + "shared: *j\n", "E_PLAN_", "p", "", ""},
		"not UTF-8":              {"version: 1 # \xff\n", "E_PLAN_PARSE", "p", "UTF-8", ""},
		"too large":              {strings.Repeat("# a\n", 5<<20), "E_PLAN_TOO_LARGE", "p", "16 MiB", ""},
		"a list":                 {"- a\n", "E_PLAN_PARSE", "p:1", "", ""},
		"a cycle of aliases":     {"a: &a [*a]\n", "E_PLAN_", "p", "", ""},
		"deep":                   {strings.Repeat("[", 20_000), "E_PLAN_PARSE", "p", "", ""},
		"half a plan":            {string(good[:len(good)-len(good)/4]) + "\n  - {", "E_PLAN_PARSE", "p", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := planfile.Decode("p", []byte(c.data))
			var ps planner.Problems
			if !errors.As(err, &ps) {
				t.Fatalf("got %v", err)
			}
			p := ps[0]
			if !strings.HasPrefix(p.Code, c.code) || !strings.HasPrefix(p.Where, c.where) || !strings.Contains(p.What, c.what) || !strings.Contains(p.Hint, c.hint) || p.Hint == "" {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestDecodeReportsAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := planfile.Decode("p", []byte("version: 1\nphasis: []\ngatez: []\ngates:\n  - id: a\n    timeout: 3\n"))
	var ps planner.Problems
	if !errors.As(err, &ps) || len(ps) != 3 {
		t.Errorf("got %v", err)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	base, err := planfile.Hash(fullPlan())
	if err != nil || len(base) != 64 {
		t.Fatalf("got %q, %v", base, err)
	}
	same := fullPlan()
	same.Phases[0].Tasks[0].Needs = append([]planner.TaskID(nil), same.Phases[0].Tasks[0].Needs...)
	changed := fullPlan()
	changed.Gates[0].Frozen[0].Content += " "
	a, errA := planfile.Hash(same)
	b, errB := planfile.Hash(changed)
	if errA != nil || errB != nil || a != base || b == base {
		t.Errorf("%s, same %s, changed %s", base, a, b)
	}
	none, empty := fullPlan(), fullPlan()
	none.Shared, empty.Shared = nil, []string{}
	a, _ = planfile.Hash(none)
	b, _ = planfile.Hash(empty)
	if a != b {
		t.Error("nothing and an empty list differ")
	}
}

func TestSchemaIsPublished(t *testing.T) {
	t.Parallel()
	want, err := planfile.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/plan.schema.json is not that of the Go types; write it with: go test ./internal/planner/planfile -run TestSchemaIsPublished -update")
	}
}

// compiled gives the published schema.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("plan.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaTakesWhatIsWritten(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	asJSON := func(p *planner.Plan) any {
		data, err := planfile.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := yaml.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	if err := s.Validate(asJSON(fullPlan())); err != nil {
		t.Errorf("%#v", err)
	}
	for name, spoil := range map[string]func(p *planner.Plan){
		"version": func(p *planner.Plan) { p.Version = 2 }, "type": func(p *planner.Plan) { p.Project.Type = "x" },
		"kind": func(p *planner.Plan) { p.Gates[0].Kind = "x" }, "id": func(p *planner.Plan) { p.Gates[0].ID = "A b" },
		"estimate": func(p *planner.Plan) { p.Phases[0].Tasks[0].Estimate.Calls = -1 }, "role": func(p *planner.Plan) { p.Phases[0].Tasks[0].Role = "x" },
	} {
		p := fullPlan()
		spoil(p)
		if s.Validate(asJSON(p)) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, err := planfile.Encode(fullPlan())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "plan.yaml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := planfile.Read(t.Context(), path); err != nil || p.Project.Name != "bookmarks" {
		t.Errorf("got %v, %v", p, err)
	}
	for path, code := range map[string]string{filepath.Join(dir, "gone"): "E_PLAN_NOT_FOUND", filepath.Join(path, "x"): "E_PLAN_NOT_FOUND", dir: "E_PLAN_NOT_FILE", "/dev/zero": "E_PLAN_NOT_FILE"} {
		_, err := planfile.Read(t.Context(), path)
		var ps planner.Problems
		if !errors.As(err, &ps) || ps[0].Code != code {
			t.Errorf("%s: got %v, want %s", path, err, code)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := planfile.Read(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	data, err := planfile.Encode(fullPlan())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	f.Add([]byte("version: 1\nphases: [{tasks: [{estimate: {calls: 1e3}}]}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := planfile.Decode("p", data)
		if err != nil {
			var ps planner.Problems
			if !errors.As(err, &ps) || len(ps) == 0 || ps[0].Code == "" || ps[0].What == "" || ps[0].Hint == "" {
				t.Fatalf("got %v", err)
			}
			return
		}
		planner.Validate(p, nil)
		written, err := planfile.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := planfile.Decode("p", written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if d := cmp.Diff(p, again, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); d != "" {
			t.Fatal(d)
		}
	})
}
