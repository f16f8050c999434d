package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// Runner runs a command in confinement. A command that fails is an Output; an error is ours.
type Runner interface {
	Run(ctx context.Context, c sandbox.Command) (sandbox.Output, error)
}

// Config says what an agent's hands may touch.
type Config struct {
	Root    string          // absolute folder of the work tree; it must exist when a tool is called
	Runner  Runner          // nil: the tool run is not offered
	Profile sandbox.Profile // what toolchains need, added to every command
	Network bool            // commands may use the network
	Limits  sandbox.Limits  // of each command; zero values are the sandbox's defaults
	Writes  []string        // globs that the task may write; none: all of the tree
	Shared  []string        // globs that many tasks write, allowed besides Writes
	Tree    func() string   // names the state of the tree for the loop guard; may be nil
}

// Toolbox is the hands of one agent on one work tree. It keeps nothing open between calls. Calls
// run one after the other; it is not for concurrent use.
type Toolbox struct {
	conf  Config
	tools []tool
}

var (
	_ agent.Toolbox    = (*Toolbox)(nil)
	_ agent.TreeTeller = (*Toolbox)(nil)
)

// tool is one tool: what the model is told, and what it does.
type tool struct {
	def agent.ToolDef
	run func(ctx context.Context, root *os.Root, input json.RawMessage) (agent.ToolResult, error)
}

// New makes a toolbox.
func New(c Config) *Toolbox {
	t := &Toolbox{conf: c}
	t.tools = []tool{t.readTool(), t.writeTool(), t.editTool(), t.listTool(), t.searchTool()}
	if c.Runner != nil {
		t.tools = append(t.tools, t.runTool())
	}
	t.tools = append(t.tools, noteTool())
	return t
}

// Defs implements [agent.Toolbox]; the order and the bytes never change.
func (t *Toolbox) Defs() []agent.ToolDef {
	defs := make([]agent.ToolDef, len(t.tools))
	for i, tool := range t.tools {
		defs[i] = tool.def
	}
	return defs
}

// Call implements [agent.Toolbox].
func (t *Toolbox) Call(ctx context.Context, call agent.ToolCall) (agent.ToolResult, error) {
	for _, tool := range t.tools {
		if tool.def.Name != call.Name {
			continue
		}
		root, err := os.OpenRoot(t.conf.Root)
		if err != nil {
			return agent.ToolResult{}, fmt.Errorf("open work tree: %w", err)
		}
		defer root.Close() //nolint:errcheck // only a descriptor
		out, err := tool.run(ctx, root, call.Input)
		if err != nil {
			return agent.ToolResult{}, fmt.Errorf("%s: %w", call.Name, err)
		}
		return out, nil
	}
	return told(agent.ToolResult{}, fault(agent.CodeToolUnknown, "there is no tool %q", clip(call.Name)))
}

// Tree implements [agent.TreeTeller]; "" when nobody can tell.
func (t *Toolbox) Tree() string {
	if t.conf.Tree == nil {
		return ""
	}
	return t.conf.Tree()
}

// define makes a tool of words, schema and a function from its input to a result. A [Fault] that
// the function returns becomes a result, too.
func define[In any](name, words, schema string, readOnly bool, run func(ctx context.Context, root *os.Root, in In) (agent.ToolResult, error)) tool {
	def := agent.ToolDef{Name: name, Description: strings.TrimSpace(words), Schema: json.RawMessage(schema), ReadOnly: readOnly, Tells: !readOnly}
	return tool{def: def, run: func(ctx context.Context, root *os.Root, input json.RawMessage) (agent.ToolResult, error) {
		var in In
		if err := agent.DecodeInput(input, &in); err != nil {
			return agent.ToolResult{Text: err.Error(), Error: true}, nil
		}
		return told(run(ctx, root, in))
	}}
}

// mayWrite refuses what the task has not claimed.
func (t *Toolbox) mayWrite(path string) error {
	if len(t.conf.Writes) == 0 {
		return nil
	}
	for _, globs := range [][]string{t.conf.Writes, t.conf.Shared} {
		for _, glob := range globs {
			if matches(glob, path) {
				return nil
			}
		}
	}
	return fault(CodePathNotInTask, "%q is outside of what this task may write: %s", path, strings.Join(append(append([]string(nil), t.conf.Writes...), t.conf.Shared...), " "))
}
