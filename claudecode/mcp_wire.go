package claudecode

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// The codes of JSON-RPC.
const (
	codeParse    = -32700
	codeRequest  = -32600
	codeMethod   = -32601
	codeParams   = -32602
	codeInternal = -32603
)

// rpcRequest is a message of the CLI's MCP client. One without id is a notification; one without method an answer.
type rpcRequest struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// rpcReply is the answer.
type rpcReply struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// acknowledged answers a notification: the control request that carries it wants an answer, though JSON-RPC has none.
var acknowledged = rpcReply{JSONRPC: "2.0", ID: json.RawMessage("0"), Result: struct{}{}}

func refuse(id json.RawMessage, code int, format string, args ...any) rpcReply {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	return rpcReply{JSONRPC: "2.0", ID: id, Error: &rpcError{Code: code, Message: fmt.Sprintf(format, args...)}}
}

func mcpReply(reply any) map[string]any { return map[string]any{"mcp_response": reply} }

func unknownServer(q question) rpcReply {
	var r rpcRequest
	_ = json.Unmarshal(q.Message, &r) // without an id it is null
	return refuse(r.ID, codeMethod, "there is no server %q", q.ServerName)
}

// serving is a server of one session.
type serving struct {
	server *Server

	mu    sync.Mutex
	calls map[string][]*runningCall // by JSON-RPC id; the CLI counts anew for each connection, so that ids may meet
}

type runningCall struct{ cancel context.CancelCauseFunc }

func newServing(s *Server) *serving { return &serving{server: s, calls: map[string][]*runningCall{}} }

// handle answers one message.
func (s *serving) handle(ctx context.Context, raw json.RawMessage) any {
	if s.server.Handle != nil {
		return s.byHand(ctx, raw)
	}
	var r rpcRequest
	if err := json.Unmarshal(raw, &r); err != nil {
		return refuse(nil, codeRequest, "malformed message: %v", err)
	}
	isNotification := len(r.ID) == 0 || string(r.ID) == "null"
	switch {
	case r.Method == "" && !isNotification:
		return acknowledged // an answer to nothing that we asked
	case r.Method == "":
		return refuse(nil, codeRequest, "message has no method")
	case isNotification:
		if r.Method == "notifications/cancelled" {
			s.cancelled(r.Params)
		}
		return acknowledged
	}
	return s.request(ctx, r)
}

func (s *serving) byHand(ctx context.Context, raw json.RawMessage) any {
	reply, err := s.server.Handle(ctx, raw)
	var r rpcRequest
	_ = json.Unmarshal(raw, &r) // only for the id
	switch {
	case err != nil:
		return refuse(r.ID, codeInternal, "%v", err)
	case len(bytes.TrimSpace(reply)) == 0:
		return acknowledged
	}
	return reply
}

func (s *serving) request(ctx context.Context, r rpcRequest) rpcReply {
	ok := func(result any) rpcReply { return rpcReply{JSONRPC: "2.0", ID: r.ID, Result: result} }
	switch r.Method {
	case "initialize":
		return ok(s.greeting(r.Params))
	case "ping":
		return ok(struct{}{})
	case "tools/list":
		return ok(map[string]any{"tools": s.list()})
	case "tools/call":
		return s.call(ctx, r)
	}
	return refuse(r.ID, codeMethod, "method not found: %s", r.Method)
}

// latestProtocol is what is answered to a client that names no version.
const latestProtocol = "2025-06-18"

// greeting takes the version that the client speaks: what is served here is the same in all of them.
func (s *serving) greeting(params json.RawMessage) map[string]any {
	var p struct {
		Version string `json:"protocolVersion"`
	}
	_ = json.Unmarshal(params, &p)
	answer := map[string]any{
		"protocolVersion": firstOf(p.Version, latestProtocol),
		"capabilities":    map[string]any{"tools": struct{}{}},
		"serverInfo":      map[string]string{"name": s.server.Name, "version": firstOf(s.server.Version, "1.0.0")},
	}
	if s.server.Instructions != "" {
		answer["instructions"] = s.server.Instructions
	}
	return answer
}

// list describes the tools.
func (s *serving) list() []map[string]any {
	tools := []map[string]any{}
	for _, t := range s.server.Tools {
		tool := map[string]any{"name": t.Name, "description": t.Description, "inputSchema": t.schema()}
		if len(t.Annotations) > 0 {
			tool["annotations"] = t.Annotations
		}
		if t.MaxResultChars > 0 {
			tool["_meta"] = map[string]any{"anthropic/maxResultSizeChars": t.MaxResultChars}
		}
		tools = append(tools, tool)
	}
	return tools
}

// call calls a tool. A tool that is not there is told to the model too: it may have made the name up.
func (s *serving) call(ctx context.Context, r rpcRequest) rpcReply {
	var p struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
		Meta      json.RawMessage `json:"_meta"`
	}
	if err := json.Unmarshal(r.Params, &p); err != nil || p.Name == "" {
		return refuse(r.ID, codeParams, "params of tools/call have no name")
	}
	if len(p.Arguments) == 0 || string(p.Arguments) == "null" {
		p.Arguments = json.RawMessage("{}")
	}
	var meta struct {
		ToolUseID string `json:"claudecode/toolUseId"`
	}
	_ = json.Unmarshal(p.Meta, &meta)
	ctx, done := s.track(ctx, string(r.ID))
	defer done()
	result := ErrorResult(fmt.Sprintf("there is no tool %q", p.Name))
	for _, t := range s.server.Tools {
		if t.Name == p.Name {
			result = t.call(ctx, ToolCall{Name: p.Name, Input: p.Arguments, ToolUseID: meta.ToolUseID, Meta: p.Meta})
		}
	}
	answer := map[string]any{"content": result.Content, "isError": result.IsError}
	if len(result.Structured) > 0 {
		answer["structuredContent"] = result.Structured
	}
	return rpcReply{JSONRPC: "2.0", ID: r.ID, Result: answer}
}

// track lets a call be cancelled by its id.
func (s *serving) track(ctx context.Context, id string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	call := &runningCall{cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[id] = append(s.calls[id], call)
	return ctx, func() {
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		var rest []*runningCall
		for _, c := range s.calls[id] {
			if c != call {
				rest = append(rest, c)
			}
		}
		if s.calls[id] = rest; len(rest) == 0 {
			delete(s.calls, id)
		}
	}
}

// cancelled ends the newest call with the id that a notification names.
func (s *serving) cancelled(params json.RawMessage) {
	var p struct {
		ID json.RawMessage `json:"requestId"`
	}
	_ = json.Unmarshal(params, &p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if running := s.calls[string(p.ID)]; len(running) > 0 {
		running[len(running)-1].cancel(errCancelled)
	}
}
