package claudecode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// host answers what the CLI asks: permission, hooks, MCP. Each question is answered in a goroutine of its own, so that a
// slow callback keeps nothing else waiting.
type host struct {
	ctx     context.Context // of the callbacks; ends with the session
	opts    *Options
	out     *writer
	watch   *watch
	hooks   map[string]*Hook
	order   []string
	servers map[string]*serving
	wg      sync.WaitGroup

	mu      sync.Mutex
	ended   bool
	running map[string]context.CancelCauseFunc
}

// errCancelled is why the context of a callback ends when the CLI takes its question back.
var errCancelled = errors.New("cancelled by the CLI")

func newHost(ctx context.Context, o *Options, out *writer, w *watch) *host {
	h := &host{ctx: ctx, opts: o, out: out, watch: w, hooks: map[string]*Hook{}, servers: map[string]*serving{}, running: map[string]context.CancelCauseFunc{}}
	for i := range o.Hooks {
		id := fmt.Sprintf("hook_%d", i)
		h.hooks[id] = &o.Hooks[i]
		h.order = append(h.order, id)
	}
	for _, s := range o.Servers {
		h.servers[s.Name] = newServing(s)
	}
	return h
}

// question is a control request of the CLI.
type question struct {
	Subtype    string          `json:"subtype"`
	CallbackID string          `json:"callback_id"`
	ToolUseID  string          `json:"tool_use_id"`
	Input      json.RawMessage `json:"input"`
	ServerName string          `json:"server_name"`
	Message    json.RawMessage `json:"message"`
}

// serve answers a question, in the background.
func (h *host) serve(id string, raw json.RawMessage) {
	ctx, cancel := context.WithCancelCause(h.ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		cancel(ErrClosed)
		return
	}
	h.running[id] = cancel
	h.watch.serve(1)
	h.wg.Go(func() {
		defer cancel(nil)
		defer h.watch.serve(-1)
		answer, err := h.answer(ctx, raw)
		h.mu.Lock()
		_, wanted := h.running[id]
		delete(h.running, id)
		h.mu.Unlock()
		if !wanted {
			return // it was taken back: there must be no reply
		}
		reply := map[string]any{"subtype": "success", "request_id": id, "response": answer}
		if err != nil {
			reply = map[string]any{"subtype": "error", "request_id": id, "error": err.Error()}
		}
		// What cannot be sent has nobody any more to read it: the process is gone, or its stdin was closed.
		_ = h.out.send(ctx, map[string]any{"type": "control_response", "response": reply}, nil)
	})
}

// cancel takes a question back.
func (h *host) cancel(id string) {
	h.mu.Lock()
	cancel := h.running[id]
	delete(h.running, id)
	h.mu.Unlock()
	if cancel != nil {
		cancel(errCancelled)
	}
}

// answer asks whoever knows. A panic there is an error of the answer.
func (h *host) answer(ctx context.Context, raw json.RawMessage) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	var q question
	if err := soft(json.Unmarshal(raw, &q)); err != nil {
		return nil, err
	}
	switch q.Subtype {
	case "can_use_tool":
		return h.permit(ctx, raw)
	case "hook_callback":
		return h.hook(ctx, q)
	case "mcp_message":
		server := h.servers[q.ServerName]
		if server == nil {
			return mcpReply(unknownServer(q)), nil
		}
		return mcpReply(server.handle(ctx, q.Message)), nil
	}
	return nil, fmt.Errorf("unsupported control request subtype: %s", q.Subtype)
}

// wait waits for callbacks, but not for ever for one that does not look at its context.
func (h *host) wait(limit time.Duration) {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		h.wg.Wait()
	}()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-over:
	case <-t.C:
	}
}
