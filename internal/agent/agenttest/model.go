package agenttest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Model is an [agent.Model] that plays a script and keeps the requests it was given.
type Model struct {
	next func(n int, req agent.Request) Turn

	mu   sync.Mutex
	seen []agent.Request
}

var _ agent.Model = (*Model)(nil)

// NewModel plays turns in order. Asked beyond the last one it answers with a failure of class
// fix_request that says so.
func NewModel(turns ...Turn) *Model {
	return NewModelFunc(func(n int, _ agent.Request) Turn { return nth(turns, n) })
}

// NewModelFunc answers request n, counted from 0, with what next gives.
func NewModelFunc(next func(n int, req agent.Request) Turn) *Model { return &Model{next: next} }

func nth(turns []Turn, n int) Turn {
	if n < len(turns) {
		return turns[n]
	}
	end := Fail(400, "invalid_request_error", fmt.Sprintf("the script has %d turns, this is request %d", len(turns), n+1))
	end.Fault.Class = agent.FixRequest
	return end
}

// Requests are all requests so far.
func (m *Model) Requests() []agent.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]agent.Request(nil), m.seen...)
}

// Complete implements [agent.Model].
func (m *Model) Complete(ctx context.Context, req agent.Request) (agent.Response, error) {
	if err := ctx.Err(); err != nil {
		return agent.Response{}, context.Cause(ctx)
	}
	m.mu.Lock()
	n := len(m.seen)
	m.seen = append(m.seen, req)
	m.mu.Unlock()
	t := m.next(n, req)
	if f := t.Fault; f != nil {
		return agent.Response{}, &agent.Failure{Class: f.Class, Cause: f.Cause, Status: f.Status, Type: f.Type, Message: f.Message}
	}
	return t.response(n, req.Model), nil
}

// response is the turn as an adapter gives it.
func (t Turn) response(n int, model string) agent.Response {
	m := agent.Message{Role: agent.Assistant}
	if t.Thinking != "" {
		opaque, err := json.Marshal(map[string]string{"type": "thinking", "thinking": t.Thinking, "signature": "sig"})
		if err != nil {
			panic(fmt.Sprintf("encode thinking: %v", err))
		}
		m.Blocks = append(m.Blocks, agent.Block{Kind: agent.ThinkingBlock, Text: t.Thinking, Opaque: opaque})
	}
	if t.Text != "" {
		m.Blocks = append(m.Blocks, agent.Block{Kind: agent.TextBlock, Text: t.Text})
	}
	for i, c := range t.Calls {
		m.Blocks = append(m.Blocks, agent.Block{Kind: agent.UseBlock, ID: callID(c, n, i), Name: c.Name, Input: valid(c.Input)})
	}
	return agent.Response{ID: fmt.Sprintf("msg_%03d", n), Model: model, Message: m, Stop: t.stop(), Usage: t.usage()}
}

// valid is input as adapters hand it over: JSON, or a JSON string of what cannot be parsed.
func valid(input json.RawMessage) json.RawMessage {
	if json.Valid(input) {
		return input
	}
	quoted, err := json.Marshal(string(input))
	if err != nil {
		panic(fmt.Sprintf("quote input: %v", err)) // strings always encode
	}
	return quoted
}
