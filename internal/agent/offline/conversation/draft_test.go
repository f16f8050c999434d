package conversation_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

type draft struct {
	Project struct{ Name, Type, Summary string }
	Setup   []struct{ Run []string }
	Phases  []struct {
		ID    string
		Tasks []struct {
			ID                           string
			Covers, Needs, Writes, Gates []string
			Estimate                     map[string]int64
		}
	}
	Shared []string
	Gates  []draftGate
}

type draftGate struct {
	ID, Kind, Session string
	Start, Run, Steps []string
	Frozen            []struct{ Path, Content string }
}

func (d draft) gate(id string) draftGate {
	for _, g := range d.Gates {
		if g.ID == id {
			return g
		}
	}
	return draftGate{}
}

// ask asks for a plan draft.
func ask(t *testing.T, a conversation.Author, prompt string) draft {
	t.Helper()
	blocks, err := conversation.Speaker{Author: a}.Answer(agent.Request{
		System: []string{"You are a planner."}, Messages: []agent.Message{agent.Say(agent.User, prompt)},
		Schema: json.RawMessage(`{"title":"builder-plan-draft-1","type":"object"}`), MaxTokens: 32_000,
	})
	if err != nil || len(blocks) != 1 {
		t.Fatalf("answer %v, %v", blocks, err)
	}
	var d draft
	if err := json.Unmarshal([]byte(blocks[0].Text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

const question = "<spec path=\"specs/toolshed.md\">\n" + spec + "\n</spec>\n<requirements>\n" +
	"<requirement id=\"R1\" lines=\"4\">Tool: name</requirement>\n<requirement id=\"R2\" lines=\"5\">It feels like home.</requirement>\n" +
	"<requirement id=\"R3\" lines=\"7-8\">POST /tools</requirement>\n</requirements>\n"

// twoUnits is a store and a service on top.
func twoUnits() []unit.Unit {
	return []unit.Unit{
		{Name: "core", Title: "Core", Files: []unit.File{
			{Path: "go.mod", Content: "module toolshed\n"}, {Path: "internal/store/store.go", Content: "// Package store keeps.\npackage store\n"},
			{Path: "internal/store/store_test.go", Content: "package store\n"},
		}},
		{Name: "service", Title: "Service", Files: []unit.File{
			{Path: "go.mod", Content: "module toolshed // more\n"}, {Path: "cmd/toolshed/main.go", Content: "// Command toolshed serves.\npackage main\n"},
		}},
	}
}

func toolshed(more func(*blueprint.Blueprint)) conversation.Author {
	return func(string) conversation.Work {
		bp := &blueprint.Blueprint{
			Name: "toolshed", Type: "rest-api", Summary: "Neighbours lend.",
			Entities: []blueprint.Entity{{Name: "Tool", Line: 4, Fields: []blueprint.Field{{Name: "name", Key: "name", Kind: blueprint.Text, Required: true, Line: 4}}}},
			Endpoints: []blueprint.Endpoint{
				{Method: "POST", Path: "/tools", Entity: "Tool", Action: "create"}, {Method: "GET", Path: "/tools", Entity: "Tool", Action: "list"},
				{Method: "GET", Path: "/tools/{id}", Entity: "Tool", Action: "get"},
			},
			Running: []string{"toolshed", "serve", "--addr", "HOST:PORT", "--data=DIR"},
		}
		if more != nil {
			more(bp)
		}
		return conversation.Work{Blueprint: bp, Units: twoUnits(), Understands: func(first, last int) (bool, string) { return last < 5 || 5 < first, "a feeling" }}
	}
}

func TestDraft(t *testing.T) {
	t.Parallel()
	d := ask(t, toolshed(nil), question)
	if len(d.Phases) != 2 || len(d.Phases[0].Tasks) != 2 || len(d.Phases[1].Tasks) != 1 {
		t.Fatalf("phases %+v", d.Phases)
	}
	core, service, open := d.Phases[0].Tasks[0], d.Phases[0].Tasks[1], d.Phases[1].Tasks[0]
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"ids", []string{core.ID, service.ID, open.ID}, []string{"app.core", "app.service", "open.needs-model"}},
		{"core covers data", core.Covers, []string{"R1"}},
		{"service covers all understood", service.Covers, []string{"R1", "R3"}},
		{"open covers the rest", open.Covers, []string{"R2"}},
		{"core needs nothing", core.Needs, []string{}},
		{"service needs core", service.Needs, []string{"app.core"}},
		{"open needs the last", open.Needs, []string{"app.service"}},
		{"core has no program to build", core.Gates, []string{"compile", "vet", "unit"}},
		{"service is proven", service.Gates, []string{"build", "vet", "unit", "smoke"}},
		{"open has a gate that fails", open.Gates, []string{"unproven"}},
		{"core's claims", core.Writes, []string{"go.mod", "internal/store/**"}},
		{"shared", d.Shared, []string{"go.mod"}},
		{"smoke steps", d.gate("smoke").Steps, []string{`POST /tools {"name":"Sample"} -> 201 {"id":"$id1"}`, "GET /tools/$id1 -> 200", "GET /tools -> 200"}},
		{"smoke start", d.gate("smoke").Start, []string{"bin/toolshed", "serve", "--addr", "127.0.0.1:{port}", "--data={data}"}},
		{"setup", d.Setup[0].Run, []string{"go", "mod", "download"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
	}
	if core.Estimate["calls"] < 1 || core.Estimate["output_tokens"] < 1 {
		t.Errorf("estimate %v", core.Estimate)
	}
}

func TestDraftUsesGivenGates(t *testing.T) {
	t.Parallel()
	d := ask(t, toolshed(nil), question+"<acceptance>\n<gate id=\"acceptance-3\" kind=\"transcript\" lines=\"5-6\">\n$ feel\n</gate>\n<gate id=\"acceptance-1\" kind=\"http\" lines=\"9-12\">POST /tools</gate>\n<gate id=\"acceptance-2\" kind=\"transcript\" lines=\"14\">$ x</gate>\n</acceptance>")
	service := d.Phases[0].Tasks[1]
	if diff := cmp.Diff([]string{"build", "vet", "unit", "acceptance-1", "acceptance-2"}, service.Gates); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"acceptance-3"}, d.Phases[1].Tasks[0].Gates); diff != "" {
		t.Errorf("the gate of lines that no rule covers is not the open task's: %s", diff)
	}
	for _, g := range d.Gates {
		switch {
		case g.ID == "acceptance-1" && len(g.Start) == 0:
			t.Error("the http gate has no start")
		case strings.HasPrefix(g.ID, "acceptance") && len(g.Steps)+len(g.Session) > 0:
			t.Error("a given gate was repeated")
		case g.ID == "smoke":
			t.Error("a gate was derived though gates are given")
		}
	}
}

func TestDraftOfOddSpecs(t *testing.T) {
	t.Parallel()
	none := func(bp *blueprint.Blueprint) conversation.Author {
		return func(string) conversation.Work { return conversation.Work{Blueprint: bp} }
	}
	tests := map[string]struct {
		author conversation.Author
		prompt string
		covers []string
	}{
		"nothing at all":         {none(nil), "", nil},
		"nothing understood":     {none(&blueprint.Blueprint{Type: "rest-api"}), question, []string{"R1", "R2", "R3"}},
		"an unsupported type":    {none(&blueprint.Blueprint{Name: "x", Type: "enterprise"}), question, []string{"R1", "R2", "R3"}},
		"no requirements":        {none(nil), "<spec path=\"s\">\n\n</spec>\n", nil},
		"a spec with false tags": {none(nil), "<spec path=\"s\">\n</spec>\n<requirements>\n<requirement id=\"R9\" lines=\"1\">false</requirement>\n</requirements>\n\n</spec>\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := ask(t, tt.author, tt.prompt)
			if len(d.Phases) != 1 || len(d.Phases[0].Tasks) != 1 || d.Phases[0].Tasks[0].ID != "open.needs-model" {
				t.Fatalf("phases %+v", d.Phases)
			}
			only := d.Phases[0].Tasks[0]
			if !slices.Equal(only.Covers, tt.covers) || len(only.Needs) != 0 || len(only.Gates) == 0 {
				t.Errorf("task %+v", only)
			}
			if len(d.Gates) != 1 || d.Gates[0].ID != "unproven" || len(d.Gates[0].Frozen) != 1 {
				t.Errorf("gates %+v: want one that fails until a real one is planned", d.Gates)
			}
		})
	}
}

func TestDraftOfACommandLineTool(t *testing.T) {
	t.Parallel()
	a := toolshed(func(bp *blueprint.Blueprint) {
		bp.Type = "cli-tool"
		bp.Commands = []blueprint.Command{
			{Name: "list", Entity: "Tool", Action: "list"},
			{Name: "add", Entity: "Tool", Action: "create", Args: []blueprint.Arg{{Name: "name", Field: "name"}}},
			{Name: "lend", Entity: "Tool", Action: "other", Args: []blueprint.Arg{{Name: "x", Field: "?"}}},
		}
	})
	d := ask(t, a, question)
	g := d.gate("smoke")
	if g.Kind != "transcript" || g.Session != "$ toolshed help\n$ toolshed add Sample\n$ toolshed list\n" {
		t.Errorf("gate %+v", g)
	}
}

// Referred records come first; what has no value that follows from the spec is left out.
func TestSmokeFollowsReferences(t *testing.T) {
	t.Parallel()
	least, most := 12, 3
	low := "5"
	a := toolshed(func(bp *blueprint.Blueprint) {
		field := func(key string, k blueprint.Kind) blueprint.Field {
			return blueprint.Field{Name: key, Key: key, Kind: k, Required: true}
		}
		loan := field("tool", blueprint.Ref)
		loan.Ref = "Tool"
		long, short, count := field("borrower", blueprint.Text), field("code", blueprint.Text), field("n", blueprint.Integer)
		long.MinLen, short.MaxLen, count.Min = &least, &most, &low
		tags := field("tags", blueprint.Text)
		tags.List = true
		self := field("parent", blueprint.Ref)
		self.Ref = "Node"
		bp.Entities = append([]blueprint.Entity{
			{Name: "Loan", Fields: []blueprint.Field{loan, long, short, count, tags, field("due", blueprint.Date), field("open", blueprint.Bool)}},
			{Name: "Node", Fields: []blueprint.Field{self}},
		}, bp.Entities...)
		for _, e := range []string{"Loan", "Node"} {
			bp.Endpoints = append(bp.Endpoints, blueprint.Endpoint{Method: "POST", Path: "/" + strings.ToLower(e) + "s", Entity: e, Action: "create"})
		}
	})
	d := ask(t, a, question)
	want := []string{
		`POST /tools {"name":"Sample"} -> 201 {"id":"$id1"}`, "GET /tools/$id1 -> 200", "GET /tools -> 200",
		`POST /loans {"borrower":"Sampleeeeeee","code":"Sam","due":"2030-01-15","n":5,"open":false,"tags":["Sample"],"tool":"$id1"} -> 201 {"id":"$id2"}`,
	}
	if diff := cmp.Diff(want, d.gate("smoke").Steps); diff != "" {
		t.Error(diff)
	}
}

func TestOtherSchemasAreRefused(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{`{"title":"weather","type":"object"}`, `{}`, `[]`} {
		_, err := conversation.Speaker{Author: author(nil)}.Answer(agent.Request{Schema: json.RawMessage(schema), MaxTokens: 10})
		if err == nil {
			t.Errorf("%s was answered", schema)
		}
	}
}
