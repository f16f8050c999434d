package conversation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

const spec = "# Toolshed\n\n## Data\n- **Tool**: name (text, required)\n- It feels like home.\n"

// files are what the fake author writes for the unit "core".
func files(contents ...string) []unit.File {
	var fs []unit.File
	for i, c := range contents {
		fs = append(fs, unit.File{Path: fmt.Sprintf("internal/p%d/f.go", i), Content: c})
	}
	return fs
}

// author writes fs as the unit core; line 5 of the spec is not understood.
func author(fs []unit.File) conversation.Author {
	return func(string) conversation.Work {
		return conversation.Work{
			Blueprint: &blueprint.Blueprint{Name: "toolshed", Type: "rest-api", Entities: []blueprint.Entity{{Name: "Tool", Line: 4}}},
			Units:     []unit.Unit{{Name: "core", Title: "Core", Goal: "Everything.", Files: fs}},
			Understands: func(first, last int) (bool, string) {
				if first <= 5 && 5 <= last {
					return false, "a feeling is no rule"
				}
				return true, ""
			},
		}
	}
}

// toolDef is a tool with string properties, all of them required.
func toolDef(name string, props ...string) agent.ToolDef {
	ps := map[string]any{}
	for _, p := range props {
		ps[p] = map[string]string{"type": "string"}
	}
	schema, err := json.Marshal(map[string]any{"type": "object", "properties": ps, "required": props})
	if err != nil {
		panic(err)
	}
	return agent.ToolDef{Name: name, Schema: schema}
}

// builderTools are the tools of Builder's own loop.
func builderTools() []agent.ToolDef {
	return []agent.ToolDef{
		toolDef("read_file", "path"), toolDef("write_file", "path", "content"),
		toolDef("edit_file", "path", "old", "new"), toolDef("run", "command"),
		toolDef("finish", "summary"), toolDef("blocked", "reason", "evidence"),
	}
}

// task is an engineer's task as agent.Brief words it.
func task(t *testing.T, id string, more func(*agent.Brief)) agent.Request {
	t.Helper()
	b := agent.Brief{
		Role: "engineer", SpecPath: "specs/toolshed.md", Spec: spec, Project: "toolshed", TaskID: id, Title: "Core", Goal: "Everything.",
		Requirements: []agent.BriefRequirement{{ID: "R1", Text: "Tool: name", Source: "4"}},
		Gates:        []agent.BriefGate{{ID: "build", Kind: "command", Text: "go build ./..."}},
	}
	if more != nil {
		more(&b)
	}
	system, first := b.Render()
	return agent.Request{Model: "offline", System: system, Tools: builderTools(), Messages: []agent.Message{first}, MaxTokens: 32_000}
}

// world carries out the calls of a conversation on a tree in memory.
type world struct {
	tree    map[string]string
	fail    func(call agent.ToolCall, n int) string // the error of the n-th call; "" lets it through
	verdict func(n int, tree map[string]string) string
	calls   []agent.ToolCall
	reads   int
	turns   int
	hands   int
	done    string // summary of the finish that was accepted
	blocked string // reason and evidence
	said    string // the last words
}

// run drives the speaker until it finishes, gives up or ends its turn without calls.
func (w *world) run(t *testing.T, s conversation.Speaker, req agent.Request) {
	t.Helper()
	if w.tree == nil {
		w.tree = map[string]string{}
	}
	for w.turns = 1; w.turns <= 200; w.turns++ {
		blocks, err := s.Answer(req)
		if err != nil {
			t.Fatalf("answer: %v", err)
		}
		turn := agent.Message{Role: agent.Assistant}
		for i, b := range blocks {
			if b.Kind == agent.UseBlock {
				b.ID = fmt.Sprintf("t%d-%d", w.turns, i)
			} else {
				w.said = b.Text
			}
			turn.Blocks = append(turn.Blocks, b)
		}
		results := agent.Message{Role: agent.User}
		for _, c := range turn.Calls() {
			text, failed := w.call(t, c)
			results.Blocks = append(results.Blocks, agent.Block{Kind: agent.ResultBlock, ID: c.ID, Text: text, Error: failed})
		}
		if w.done != "" || w.blocked != "" || len(results.Blocks) == 0 {
			return
		}
		req.Messages = append(req.Messages, turn, results)
	}
	t.Fatal("the conversation goes in circles")
}

func (w *world) call(t *testing.T, c agent.ToolCall) (string, bool) {
	t.Helper()
	w.calls = append(w.calls, c)
	if w.fail != nil {
		if e := w.fail(c, len(w.calls)); e != "" {
			return e, true
		}
	}
	var in map[string]string
	if err := json.Unmarshal(c.Input, &in); err != nil {
		t.Fatalf("input of %s: %v", c.Name, err)
	}
	pick := func(names ...string) string {
		for _, n := range names {
			if v, ok := in[n]; ok {
				return v
			}
		}
		return ""
	}
	path := pick("path", "file_path")
	switch strings.ToLower(c.Name) {
	case "write_file", "write", "mcp__builder__write_file":
		w.tree[path] = in["content"]
	case "edit_file", "edit":
		old := pick("old", "old_string")
		if old == "" {
			w.tree[path] = pick("new", "new_string")
			return "ok", false
		}
		if strings.Count(w.tree[path], old) != 1 {
			return "old must occur exactly once", true
		}
		w.tree[path] = strings.Replace(w.tree[path], old, pick("new", "new_string"), 1)
	case "read_file", "read":
		w.reads++
		return w.tree[path], false
	case "finish":
		w.hands++
		if w.verdict != nil {
			if v := w.verdict(w.hands, w.tree); v != "" {
				return v, true
			}
		}
		w.done = in["summary"]
	case "blocked":
		w.blocked = in["reason"] + "\n" + in["evidence"]
	default:
		t.Fatalf("unknown tool %q called", c.Name)
	}
	return "ok", false
}
