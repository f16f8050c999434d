package tools_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/tools"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// hands is a toolbox on a fresh tree, with an outside beside it that must never change.
type hands struct {
	*tools.Toolbox
	root, outside string
	runner        *runner
}

// runner keeps the command it was given and answers out.
type runner struct {
	got sandbox.Command
	out sandbox.Output
	err error
}

func (r *runner) Run(_ context.Context, c sandbox.Command) (sandbox.Output, error) {
	r.got = c
	return r.out, r.err
}

func newHands(t testing.TB, change ...func(*tools.Config)) *hands {
	t.Helper()
	dir := t.TempDir()
	h := &hands{root: filepath.Join(dir, "tree"), outside: filepath.Join(dir, "outside"), runner: &runner{}}
	for _, d := range []string{h.root, h.outside} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(h.outside, "secret"), "canary")
	conf := tools.Config{Root: h.root, Runner: h.runner}
	for _, c := range change {
		c(&conf)
	}
	h.Toolbox = tools.New(conf)
	return h
}

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// put writes a file of the tree.
func (h *hands) put(t testing.TB, path, content string) { put(t, filepath.Join(h.root, path), content) }

func (h *hands) get(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(h.root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// do calls a tool; input is a value to be encoded or raw JSON.
func (h *hands) do(t testing.TB, name string, input any) agent.ToolResult {
	t.Helper()
	raw, ok := input.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(input); err != nil {
			t.Fatal(err)
		}
	}
	out, err := h.Call(t.Context(), agent.ToolCall{ID: "1", Name: name, Input: raw})
	if err != nil {
		t.Fatalf("%s %s: %v", name, raw, err)
	}
	return out
}

// untouched fails when anything outside the tree changed.
func (h *hands) untouched(t testing.TB) {
	t.Helper()
	var found []string
	err := filepath.WalkDir(h.outside, func(path string, _ fs.DirEntry, err error) error {
		found = append(found, strings.TrimPrefix(path, h.outside))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(found, " "); got != " /secret" {
		t.Errorf("outside holds %q", got)
	}
	if b, err := os.ReadFile(filepath.Join(h.outside, "secret")); err != nil || string(b) != "canary" {
		t.Errorf("the outside file is %q, %v", b, err)
	}
}

type args map[string]any

func wantCode(t testing.TB, out agent.ToolResult, code string) {
	t.Helper()
	if !out.Error || !strings.HasPrefix(out.Text, code+": ") {
		t.Errorf("got %q (error %v), want %s", out.Text, out.Error, code)
	}
}

func TestDefs(t *testing.T) {
	t.Parallel()
	defs := newHands(t).Defs()
	var names, readOnly []string
	for _, d := range defs {
		names = append(names, d.Name)
		if d.ReadOnly {
			readOnly = append(readOnly, d.Name)
		}
		var schema struct {
			Type       string         `json:"type"`
			Properties map[string]any `json:"properties"`
			Required   []string       `json:"required"`
			Additional *bool          `json:"additionalProperties"`
		}
		if err := json.Unmarshal(d.Schema, &schema); err != nil || schema.Type != "object" || schema.Additional == nil || *schema.Additional {
			t.Errorf("schema of %s: %s %v", d.Name, d.Schema, err)
		}
		for _, r := range schema.Required {
			if schema.Properties[r] == nil {
				t.Errorf("%s requires %s, which it does not have", d.Name, r)
			}
		}
		if d.Description == "" {
			t.Errorf("%s has no words", d.Name)
		}
	}
	if got := strings.Join(names, " "); got != "read_file write_file edit_file list_files search run note" {
		t.Errorf("tools are %s", got)
	}
	if got := strings.Join(readOnly, " "); got != "read_file list_files search" {
		t.Errorf("read-only tools are %s", got)
	}
	without := newHands(t, func(c *tools.Config) { c.Runner = nil })
	if len(without.Defs()) != len(defs)-1 {
		t.Error("run is offered without a runner")
	}
}

// The words sent with every call are paid for with every call.
func TestFirstRequestIsSmall(t *testing.T) {
	t.Parallel()
	system, _ := agent.Brief{Role: agent.Engineer}.Render()
	raw, err := json.Marshal(append(newHands(t).Defs(), agent.LoopTools()...))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(system[0]) + len(raw); n > 9000 {
		t.Errorf("rules and tools have %d bytes, at most 9000", n)
	} else {
		t.Logf("rules and tools have %d bytes", n)
	}
}

func TestUnknownToolAndInput(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	wantCode(t, h.do(t, "rm", args{}), agent.CodeToolUnknown)
	wantCode(t, h.do(t, "finish", args{"summary": "x"}), agent.CodeToolUnknown)
	wantCode(t, h.do(t, "read_file", args{"path": 3}), agent.CodeToolInput)
	wantCode(t, h.do(t, "read_file", args{"path": "a", "follow": true}), agent.CodeToolInput)
	wantCode(t, h.do(t, "read_file", json.RawMessage(`"{\"path\":"`)), agent.CodeToolInput)
	wantCode(t, h.do(t, "write_file", args{"path": "a"}), tools.CodeEditInvalid)
}

func TestGoneTreeIsTheMachinesFailure(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	if err := os.RemoveAll(h.root); err != nil {
		t.Fatal(err)
	}
	_, err := h.Call(t.Context(), agent.ToolCall{Name: "list_files", Input: json.RawMessage(`{}`)})
	if err == nil {
		t.Error("want an error")
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	if got := newHands(t).Tree(); got != "" {
		t.Errorf("nobody can tell, got %q", got)
	}
	h := newHands(t, func(c *tools.Config) { c.Tree = func() string { return "m1" } })
	if got := h.Tree(); got != "m1" {
		t.Errorf("got %q", got)
	}
}

// Whatever a model writes as input, the answer is a result, nothing outside changes, and nothing is
// printed beyond the cap.
func FuzzToolInput(f *testing.F) {
	f.Add("write_file", `{"path":"../outside/x","content":"y"}`)
	f.Add("write_file", `{"path":"a/b","content":"y"}`)
	f.Add("edit_file", `{"path":"main.go","old":"main","new":"x"}`)
	f.Add("read_file", `{"path":"main.go","offset":-1,"limit":9223372036854775807}`)
	f.Add("list_files", `{"path":"lnk","glob":"[**"}`)
	f.Add("search", `{"pattern":"(a*)*b","glob":"**/*.go"}`)
	f.Add("run", `{"command":"x","timeout_seconds":-5,"dir":".."}`)
	f.Add("note", `{"text":"\u0000"}`)
	h := newHands(f)
	h.put(f, "main.go", "package main\n\nfunc main() {}\n")
	if err := os.Symlink(h.outside, filepath.Join(h.root, "lnk")); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, input string) {
		out, err := h.Call(t.Context(), agent.ToolCall{Name: name, Input: json.RawMessage(input)})
		if err != nil {
			t.Fatalf("%s %q: %v", name, input, err)
		}
		if len(out.Text) > 20<<10 {
			t.Errorf("%s %q: %d bytes", name, input, len(out.Text))
		}
		h.untouched(t)
	})
}
