package offline_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// The requests and tool results here have the shapes that the Claude Code CLI 2.1.197 was recorded
// with, its long words cut to what matters.

type object = map[string]any

func textBlock(text string) object { return object{"type": "text", "text": text} }

func spoken(role string, blocks ...object) object { return object{"role": role, "content": blocks} }

// cliTool is a tool as the CLI offers it; all its inputs are texts.
func cliTool(name, description string, required []string, optional ...string) object {
	props := object{}
	for _, p := range slices.Concat(required, optional) {
		props[p] = object{"type": "string"}
		if p == "file_path" {
			props[p] = object{"type": "string", "description": "The absolute path to the file"}
		}
	}
	return object{"name": name, "description": description, "input_schema": object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": props, "required": required, "additionalProperties": false,
	}}
}

var (
	bashTool    = cliTool("Bash", "Executes a given bash command and returns its output.", []string{"command"}, "description")
	editTool    = cliTool("Edit", "Performs exact string replacements in files.", []string{"file_path", "old_string", "new_string"})
	readTool    = cliTool("Read", "Reads a file from the local filesystem.", []string{"file_path"})
	writeTool   = cliTool("Write", "Writes a file.\n- If this is an existing file, you MUST use the Read tool first to read the file's contents.", []string{"file_path", "content"})
	finishTool  = cliTool("mcp__builder__finish", "Say that the task is done.", []string{"summary"})
	blockedTool = cliTool("mcp__builder__blocked", "Say that it cannot be done.", []string{"reason", "evidence"}, "question")
	noteTool    = cliTool("mcp__builder__note", "Keep a note.", []string{"text"})
	agentTool   = cliTool("Agent", "Launch a new agent.", []string{"description", "prompt"})
	notebook    = cliTool("NotebookEdit", "Edit a notebook.", []string{"notebook_path", "new_source"})

	leanTools = []object{bashTool, editTool, readTool, writeTool, blockedTool, finishTool, noteTool}
	bareTools = []object{bashTool, editTool, readTool, blockedTool, finishTool, noteTool}
	allTools  = []object{agentTool, bashTool, editTool, notebook, readTool, writeTool, blockedTool, finishTool, noteTool}
)

// reminder is what the CLI puts before every prompt.
const reminder = "<system-reminder>\nAs you answer the user's questions, you can use the following context:\n# currentDate\nToday's date is 2026-11-29.\n</system-reminder>\n\n"

// cliBody is a request of the CLI.
func cliBody(t *testing.T, system []string, tools []object, messages []object, stream bool) string {
	t.Helper()
	blocks := []object{textBlock("x-anthropic-billing-header: cc_version=2.1.197.4ba; cc_entrypoint=sdk-cli;")}
	for _, s := range append([]string{"You are a Claude agent, built on Anthropic's Claude Agent SDK."}, system...) {
		b := textBlock(s)
		b["cache_control"] = object{"type": "ephemeral"}
		blocks = append(blocks, b)
	}
	body := object{
		"model": "offline", "max_tokens": 64000, "system": blocks, "messages": messages, "tools": tools,
		"metadata":           object{"user_id": `{"device_id":"d","account_uuid":"","session_id":"s"}`},
		"thinking":           object{"type": "adaptive"},
		"output_config":      object{"effort": "high"},
		"context_management": object{"edits": []object{{"type": "clear_thinking_20251015", "keep": "all"}}},
	}
	if stream {
		body["stream"] = true
	}
	return encode(t, body)
}

// cliAnswer is what a request was answered with.
type cliAnswer struct {
	Content []struct {
		Type, Text, ID, Name string
		Input                json.RawMessage
	}
	StopReason string `json:"stop_reason"`
}

// ask sends a body as the CLI does.
func ask(t *testing.T, h http.Handler, body string) cliAnswer {
	t.Helper()
	status, text, _ := post(t, h, "/v1/messages?beta=true", body, "Anthropic-Beta", "claude-code-20250219,context-management-2025-06-27")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	var a cliAnswer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// message is a as the CLI sends it back.
func (a cliAnswer) message() object {
	var blocks []object
	for _, c := range a.Content {
		if c.Type == "text" {
			blocks = append(blocks, textBlock(c.Text))
		} else {
			blocks = append(blocks, object{"type": "tool_use", "id": c.ID, "name": c.Name, "input": c.Input})
		}
	}
	return spoken("assistant", blocks...)
}

// cliBrief is a task of a plan as Builder words it.
func cliBrief(id, spec string, more func(*agent.Brief)) (system []string, prompt string) {
	b := agent.Brief{Role: "engineer", SpecPath: "specs/s.md", Spec: spec, Project: "p", Plan: "app.core: Core", TaskID: id, Title: "Core", Goal: "All of it.", Tree: "(empty)",
		Gates: []agent.BriefGate{{ID: "vet", Kind: "command", Text: "runs go vet ./...; expects exit 0"}}}
	if more != nil {
		more(&b)
	}
	system, first := b.Render()
	return system, first.Words()
}

// cliFolder carries out the CLI's tools on a tree in memory, with the CLI's answers.
type cliFolder struct {
	cwd     string
	tree    map[string]string
	seen    map[string]bool // read or written in this session
	verdict func(n int) string
	full    bool // no room is left for what is written
	hands   int
	blocked string
	turns   [][]string // the names of the tools called, by turn
	said    string
}

// work runs a session to its end.
func (f *cliFolder) work(t *testing.T, h http.Handler, system []string, tools []object, messages ...object) {
	t.Helper()
	for range 20 {
		a := ask(t, h, cliBody(t, system, tools, messages, false))
		var results []object
		var names []string
		for _, c := range a.Content {
			if c.Type == "text" {
				f.said = c.Text
				continue
			}
			names = append(names, c.Name)
			checkInput(t, tools, c.Name, c.Input)
			content, failed := f.call(t, c.Name, c.Input)
			r := object{"type": "tool_result", "tool_use_id": c.ID, "content": content}
			if failed {
				r["is_error"] = true
			}
			results = append(results, r)
		}
		if len(results) == 0 {
			return
		}
		f.turns = append(f.turns, names)
		messages = append(messages, a.message(), spoken("user", results...))
	}
	t.Fatal("the session goes in circles")
}

// checkInput checks a call against the schema that was offered.
func checkInput(t *testing.T, tools []object, name string, input json.RawMessage) {
	t.Helper()
	i := slices.IndexFunc(tools, func(d object) bool { return d["name"] == name })
	if i < 0 {
		t.Fatalf("%s was not offered", name)
	}
	schema := tools[i]["input_schema"].(object)
	var in map[string]string
	if err := json.Unmarshal(input, &in); err != nil {
		t.Fatalf("input of %s: %v", name, err)
	}
	for p := range in {
		if _, ok := schema["properties"].(object)[p]; !ok {
			t.Errorf("%s has no input %q", name, p)
		}
	}
	for _, p := range schema["required"].([]string) {
		if _, ok := in[p]; !ok {
			t.Errorf("%s wants %q", name, p)
		}
	}
}

func (f *cliFolder) call(t *testing.T, name string, input json.RawMessage) (content any, failed bool) {
	t.Helper()
	var in map[string]string
	if err := json.Unmarshal(input, &in); err != nil {
		t.Fatal(err)
	}
	path := in["file_path"]
	if rest, under := strings.CutPrefix(path, f.cwd+"/"); under {
		path = rest
	} else if strings.HasPrefix(path, "/") {
		t.Fatalf("%s outside of the folder: %s", name, path)
	}
	old, exists := f.tree[path]
	mistake := func(s string) (any, bool) { return "<tool_use_error>" + s + "</tool_use_error>", true }
	switch name {
	case "Write":
		if f.full {
			return "ENOSPC: no space left on device", true
		}
		if exists && !f.seen[path] {
			return mistake("File has not been read yet. Read it first before writing to it.")
		}
		f.tree[path], f.seen[path] = in["content"], true
		return "File created successfully at: " + in["file_path"] + " (file state is current in your context — no need to Read it back)", false
	case "Edit":
		switch {
		case in["old_string"] == "" && exists:
			return mistake("Cannot create new file - file already exists.")
		case in["old_string"] != "" && strings.Count(old, in["old_string"]) != 1:
			return mistake("String to replace not found in file.")
		}
		f.tree[path], f.seen[path] = strings.Replace(old, in["old_string"], in["new_string"], 1), true
		return "The file " + in["file_path"] + " has been updated successfully.", false
	case "Read":
		if !exists {
			return mistake("File does not exist.")
		}
		f.seen[path] = true
		return "1\t" + strings.ReplaceAll(old, "\n", "\n2\t"), false
	case "Bash":
		file, ok := strings.CutPrefix(in["command"], "rm -f -- '"+f.cwd+"/")
		if !ok || in["description"] == "" {
			t.Fatalf("command %q, described %q", in["command"], in["description"])
		}
		delete(f.tree, strings.TrimSuffix(file, "'"))
		return "(Bash completed with no output)", false
	case "mcp__builder__finish":
		f.hands++
		if f.verdict != nil {
			if v := f.verdict(f.hands); v != "" {
				return []object{textBlock(v)}, true
			}
		}
		return []object{textBlock("accepted")}, false
	case "mcp__builder__blocked":
		f.blocked = in["reason"] + "\n" + in["evidence"]
		return []object{textBlock("noted; the task ends here")}, false
	}
	return mistake(fmt.Sprintf("No such tool available: %s", name))
}

// firstOf is the first of the inputs that a call has.
func firstOf(input json.RawMessage, names ...string) string {
	var in map[string]string
	if json.Unmarshal(input, &in) != nil {
		return ""
	}
	for _, n := range names {
		if v, ok := in[n]; ok {
			return v
		}
	}
	return ""
}
