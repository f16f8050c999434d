package claudecode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Server is an MCP server inside this program. The model knows its tools as mcp__<server>__<tool>.
type Server struct {
	Name         string
	Version      string // "" is "1.0.0"
	Instructions string // for the model
	Tools        []Tool
	// Handle, where set, gets every message in place of the tools, as JSON-RPC, and returns the whole reply; nil for a notification.
	Handle func(context.Context, json.RawMessage) (json.RawMessage, error)
}

// Tool is something that the model can call.
type Tool struct {
	Name        string
	Description string
	InputSchema json.RawMessage // JSON Schema of an object; nil is one without properties. Inputs are checked against it, see [CheckInput]
	Annotations json.RawMessage // as MCP has them: readOnlyHint, ...
	// MaxResultChars is how much the CLI shows the model of a result before it puts it into a file; 0 is the CLI's own measure.
	MaxResultChars int
	// Handler makes the call. Its error and its panic are told to the model, as a result that is an error. Its context ends
	// when the CLI takes the call back or the session ends.
	Handler func(context.Context, ToolCall) (ToolResult, error)
}

// ToolCall is a call of a tool.
type ToolCall struct {
	Name      string
	Input     json.RawMessage // an object
	ToolUseID string          // of the tool_use block; "" where the CLI does not tell
	Meta      json.RawMessage // _meta of the call
}

// ToolResult is what the model reads.
type ToolResult struct {
	Content    []Content
	Structured json.RawMessage // an object, beside Content
	IsError    bool
}

// Content is a part of a result. Which fields count follows from Type; Raw, where set, is sent as it is.
type Content struct {
	Type     string          `json:"type"` // "text", "image", "audio", "resource", "resource_link"
	Text     string          `json:"text,omitempty"`
	Data     []byte          `json:"data,omitempty"` // of an image; written in base64
	MIMEType string          `json:"mimeType,omitempty"`
	URI      string          `json:"uri,omitempty"`
	Name     string          `json:"name,omitempty"`
	Resource json.RawMessage `json:"resource,omitempty"`
	Raw      json.RawMessage `json:"-"`
}

// MarshalJSON writes text also where it is empty.
func (c Content) MarshalJSON() ([]byte, error) {
	if c.Raw != nil {
		return c.Raw, nil
	}
	type plain Content
	if c.Type == "text" {
		return json.Marshal(map[string]string{"type": "text", "text": c.Text})
	}
	return json.Marshal(plain(c))
}

// TextResult is a result of text.
func TextResult(text string) ToolResult {
	return ToolResult{Content: []Content{{Type: "text", Text: text}}}
}

// ErrorResult is a result that tells the model that the call failed.
func ErrorResult(text string) ToolResult {
	r := TextResult(text)
	r.IsError = true
	return r
}

// check says what is wrong with a server before it is started.
func (s *Server) check() error {
	if s.Handle != nil {
		return nil
	}
	seen := map[string]bool{}
	for _, t := range s.Tools {
		switch {
		case !serverShape.MatchString(t.Name):
			return fmt.Errorf("a tool needs a name of letters, digits, - and _, not %q", t.Name)
		case seen[t.Name]:
			return fmt.Errorf("there are two tools named %q", t.Name)
		case t.Handler == nil:
			return fmt.Errorf("tool %s has no handler", t.Name)
		}
		seen[t.Name] = true
		if err := checkSchema(t.InputSchema); err != nil {
			return fmt.Errorf("input schema of tool %s: %w", t.Name, err)
		}
	}
	return nil
}

// noProperties is the schema of a tool that takes nothing.
var noProperties = json.RawMessage(`{"type":"object","properties":{}}`)

// schema is what the model is told of the input.
func (t Tool) schema() json.RawMessage {
	if len(bytes.TrimSpace(t.InputSchema)) == 0 {
		return noProperties
	}
	return t.InputSchema
}

// call runs the handler. Whatever goes wrong is a result for the model.
func (t Tool) call(ctx context.Context, c ToolCall) (r ToolResult) {
	defer func() {
		if p := recover(); p != nil {
			r = ErrorResult(fmt.Sprintf("the tool failed: panic: %v", p))
		}
	}()
	if err := CheckInput(t.schema(), c.Input); err != nil {
		return ErrorResult("invalid input: " + err.Error())
	}
	r, err := t.Handler(ctx, c)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
			err = cause
		}
		return ErrorResult(err.Error())
	}
	if r.Content == nil {
		r.Content = []Content{}
	}
	return r
}
