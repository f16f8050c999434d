package agenttest

import (
	"context"
	"sync"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Verifier plays verdicts in order, the last one again and again; none at all accepts.
type Verifier struct {
	Verdicts []agent.Verdict

	mu        sync.Mutex
	summaries []string
}

// Verify implements [agent.Verifier].
func (v *Verifier) Verify(_ context.Context, summary string) (agent.Verdict, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := len(v.summaries)
	v.summaries = append(v.summaries, summary)
	if len(v.Verdicts) == 0 {
		return agent.Verdict{Accepted: true}, nil
	}
	return v.Verdicts[min(n, len(v.Verdicts)-1)], nil
}

// Summaries are what the agent said each time it was finished.
func (v *Verifier) Summaries() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.summaries...)
}

// Toolbox answers calls with Answer and keeps them. Tree, when set, is its state.
type Toolbox struct {
	Offered []agent.ToolDef
	Answer  func(call agent.ToolCall) (agent.ToolResult, error)
	State   func() string

	mu    sync.Mutex
	calls []agent.ToolCall
}

var (
	_ agent.Toolbox    = (*Toolbox)(nil)
	_ agent.TreeTeller = (*Toolbox)(nil)
)

// Defs implements [agent.Toolbox].
func (b *Toolbox) Defs() []agent.ToolDef { return b.Offered }

// Call implements [agent.Toolbox].
func (b *Toolbox) Call(_ context.Context, call agent.ToolCall) (agent.ToolResult, error) {
	b.mu.Lock()
	b.calls = append(b.calls, call)
	b.mu.Unlock()
	if b.Answer == nil {
		return agent.ToolResult{Text: "ok"}, nil
	}
	return b.Answer(call)
}

// Tree implements [agent.TreeTeller].
func (b *Toolbox) Tree() string {
	if b.State == nil {
		return ""
	}
	return b.State()
}

// Calls are all calls so far.
func (b *Toolbox) Calls() []agent.ToolCall {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]agent.ToolCall(nil), b.calls...)
}
