package claudecode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
)

// calls are the control requests to the CLI that wait for an answer.
type calls struct {
	mu      sync.Mutex
	n       int
	waiting map[string]chan envelope
	ended   chan struct{}
	why     error
}

func newCalls() *calls {
	return &calls{waiting: map[string]chan envelope{}, ended: make(chan struct{})}
}

// open names a new request.
func (c *calls) open() (string, <-chan envelope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	id := fmt.Sprintf("go-%d", c.n)
	ch := make(chan envelope, 1)
	c.waiting[id] = ch
	return id, ch
}

func (c *calls) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// answer hands an answer to whoever waits for it. One that nobody waits for any more is dropped.
func (c *calls) answer(e envelope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch := c.waiting[e.Response.RequestID]; ch != nil {
		delete(c.waiting, e.Response.RequestID)
		ch <- e
	}
}

// end says that no answer comes any more.
func (c *calls) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		err = ErrClosed
	}
	c.why = err
	close(c.ended)
}

// Control sends a control request of any subtype and returns the CLI's answer. The methods below are written with it.
// Errors are [*ControlError], [*TimeoutError], the context's cause, and why the session ended.
func (s *Session) Control(ctx context.Context, subtype string, fields map[string]any) (json.RawMessage, error) {
	return s.request(ctx, subtype, fields, s.opts.controlTimeout())
}

func (s *Session) request(ctx context.Context, subtype string, fields map[string]any, limit time.Duration) (json.RawMessage, error) {
	body := map[string]any{}
	maps.Copy(body, fields)
	body["subtype"] = subtype
	what := "control request " + subtype
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &TimeoutError{What: "answer", After: limit})
	defer cancel()
	id, answer := s.calls.open()
	defer s.calls.forget(id)
	err := s.out.send(ctx, map[string]any{"type": "control_request", "request_id": id, "request": body}, nil)
	if err != nil && !errors.Is(err, ErrClosed) {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	// When the pipe is closed, the reason is on its way, or the session ends without an answer.
	select {
	case e := <-answer:
		return answered(subtype, e)
	case <-s.calls.ended:
		return nil, fmt.Errorf("%s: %w", what, s.calls.why)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
}

func answered(subtype string, e envelope) (json.RawMessage, error) {
	if e.Response.Subtype == "success" {
		return e.Response.Response, nil
	}
	text := string(e.Response.Error)
	var plain string
	if json.Unmarshal(e.Response.Error, &plain) == nil {
		text = plain
	}
	return nil, &ControlError{Subtype: subtype, Code: e.Response.ErrorCode, Message: firstOf(text, "refused without a reason")}
}

// tell sends a request whose answer says nothing more than that it was done.
func (s *Session) tell(ctx context.Context, subtype string, fields map[string]any) error {
	_, err := s.Control(ctx, subtype, fields)
	return err
}

// Interrupt stops the turn that runs. Its result comes soon, as [ErrInterrupted]; the session can go on.
func (s *Session) Interrupt(ctx context.Context) error { return s.tell(ctx, "interrupt", nil) }

// SetPermissionMode changes what is allowed from now on.
func (s *Session) SetPermissionMode(ctx context.Context, mode PermissionMode) error {
	return s.tell(ctx, "set_permission_mode", map[string]any{"mode": mode})
}

// SetModel changes the model from now on; "" is the CLI's default. Newer CLIs ask the API about it first.
func (s *Session) SetModel(ctx context.Context, model string) error {
	return s.tell(ctx, "set_model", map[string]any{"model": orNil(model)})
}

// SetMaxThinkingTokens changes how much is thought from now on; 0 is not at all.
func (s *Session) SetMaxThinkingTokens(ctx context.Context, tokens int) error {
	return s.tell(ctx, "set_max_thinking_tokens", map[string]any{"max_thinking_tokens": tokens})
}

// StopTask stops a task in the background.
func (s *Session) StopTask(ctx context.Context, taskID string) error {
	return s.tell(ctx, "stop_task", map[string]any{"task_id": taskID})
}

// ReconnectServer connects an MCP server again.
func (s *Session) ReconnectServer(ctx context.Context, name string) error {
	return s.tell(ctx, "mcp_reconnect", map[string]any{"serverName": name})
}

// ToggleServer turns an MCP server on or off.
func (s *Session) ToggleServer(ctx context.Context, name string, enabled bool) error {
	return s.tell(ctx, "mcp_toggle", map[string]any{"serverName": name, "enabled": enabled})
}

// RewindFiles brings files back to what they were at a message of the user. It needs file checkpoints:
// CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING=true in the environment.
func (s *Session) RewindFiles(ctx context.Context, userMessageID string) (json.RawMessage, error) {
	return s.Control(ctx, "rewind_files", map[string]any{"user_message_id": userMessageID})
}

// MCPStatus tells how the MCP servers are.
func (s *Session) MCPStatus(ctx context.Context) ([]ServerStatus, error) {
	raw, err := s.Control(ctx, "mcp_status", nil)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Servers []ServerStatus `json:"mcpServers"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, &MessageError{Line: raw, Err: err}
	}
	return answer.Servers, nil
}

// ContextUsage tells what fills the model's window. The CLI asks the API to count for it.
func (s *Session) ContextUsage(ctx context.Context) (json.RawMessage, error) {
	return s.Control(ctx, "get_context_usage", nil)
}

// Spent is what the process has spent so far, by the CLI's own computation, also during a turn.
type Spent struct {
	TotalCostUSD      float64               `json:"total_cost_usd"`
	APIDurationMillis float64               `json:"total_api_duration_ms"`
	DurationMillis    float64               `json:"total_duration_ms"`
	LinesAdded        int64                 `json:"total_lines_added"`
	LinesRemoved      int64                 `json:"total_lines_removed"`
	ModelUsage        map[string]ModelUsage `json:"model_usage"`
}

// Spent asks the CLI.
func (s *Session) Spent(ctx context.Context) (Spent, error) {
	raw, err := s.Control(ctx, "get_usage", nil)
	if err != nil {
		return Spent{}, err
	}
	var answer struct {
		Session Spent `json:"session"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return Spent{}, &MessageError{Line: raw, Err: err}
	}
	return answer.Session, nil
}
