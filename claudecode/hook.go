package claudecode

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// The events that hooks are called at. The CLI has more, by whatever name.
const (
	PreToolUse         = "PreToolUse"
	PostToolUse        = "PostToolUse"
	PostToolUseFailure = "PostToolUseFailure"
	UserPromptSubmit   = "UserPromptSubmit"
	SessionStart       = "SessionStart"
	SessionEnd         = "SessionEnd"
	Stop               = "Stop"
	SubagentStart      = "SubagentStart"
	SubagentStop       = "SubagentStop"
	PreCompact         = "PreCompact"
	Notification       = "Notification"
	PermissionAsked    = "PermissionRequest"
)

// Hook is called when something happens in the CLI. A PreToolUse hook without a matcher sees every call of every tool,
// and its denial holds in any permission mode.
type Hook struct {
	Event   string
	Matcher string        // of tool names, as "Write|Edit"; "" is all
	Timeout time.Duration // for the CLI and the context of Run; 0 leaves it to the CLI
	Run     func(context.Context, HookInput) (HookOutput, error)
}

// HookInput is what happened. Which fields are set follows from Event; Raw has all.
type HookInput struct {
	Event                string          `json:"hook_event_name"`
	SessionID            string          `json:"session_id"`
	TranscriptPath       string          `json:"transcript_path"`
	CWD                  string          `json:"cwd"`
	PermissionMode       PermissionMode  `json:"permission_mode"`
	AgentID              string          `json:"agent_id"`
	AgentType            string          `json:"agent_type"`
	ToolName             string          `json:"tool_name"`
	ToolInput            json.RawMessage `json:"tool_input"`
	ToolResponse         json.RawMessage `json:"tool_response"`
	ToolUseID            string          `json:"tool_use_id"`
	Prompt               string          `json:"prompt"`
	Message              string          `json:"message"`
	Trigger              string          `json:"trigger"`
	Error                string          `json:"error"`
	StopHookActive       bool            `json:"stop_hook_active"`
	LastAssistantMessage string          `json:"last_assistant_message"`
	Raw                  json.RawMessage `json:"-"`
}

// HookOutput is what follows. The zero value changes nothing.
type HookOutput struct {
	Continue       *bool         `json:"continue,omitempty"` // false ends the turn, with StopReason
	StopReason     string        `json:"stopReason,omitempty"`
	SuppressOutput bool          `json:"suppressOutput,omitempty"`
	Decision       string        `json:"decision,omitempty"` // "block", with Reason
	Reason         string        `json:"reason,omitempty"`
	SystemMessage  string        `json:"systemMessage,omitempty"`
	Async          bool          `json:"async,omitempty"` // the CLI does not wait for what the hook goes on doing
	AsyncTimeout   int           `json:"asyncTimeout,omitempty"`
	Specific       *HookSpecific `json:"hookSpecificOutput,omitempty"`
}

// HookSpecific is what only some events know.
type HookSpecific struct {
	Event                    string          `json:"hookEventName"` // filled in where it is empty
	PermissionDecision       string          `json:"permissionDecision,omitempty"`
	PermissionDecisionReason string          `json:"permissionDecisionReason,omitempty"`
	UpdatedInput             json.RawMessage `json:"updatedInput,omitempty"`
	AdditionalContext        string          `json:"additionalContext,omitempty"`
	UpdatedToolOutput        json.RawMessage `json:"updatedToolOutput,omitempty"`
	UpdatedMCPToolOutput     json.RawMessage `json:"updatedMCPToolOutput,omitempty"`
	Decision                 json.RawMessage `json:"decision,omitempty"` // of PermissionRequest hooks
}

// DenyTool is the output of a PreToolUse hook that refuses the call. The model reads reason.
func DenyTool(reason string) HookOutput {
	return HookOutput{Specific: &HookSpecific{Event: PreToolUse, PermissionDecision: "deny", PermissionDecisionReason: reason}}
}

// hookMatcher is how initialize announces hooks.
type hookMatcher struct {
	Matcher any      `json:"matcher"` // null is all
	IDs     []string `json:"hookCallbackIds"`
	Timeout float64  `json:"timeout,omitempty"` // seconds
}

// matchers announces the hooks, by event.
func (h *host) matchers() map[string][]hookMatcher {
	out := map[string][]hookMatcher{}
	for _, id := range h.order {
		hook := h.hooks[id]
		out[hook.Event] = append(out[hook.Event], hookMatcher{Matcher: orNil(hook.Matcher), IDs: []string{id}, Timeout: hook.Timeout.Seconds()})
	}
	return out
}

// hook calls a hook.
func (h *host) hook(ctx context.Context, q question) (any, error) {
	hook := h.hooks[q.CallbackID]
	if hook == nil {
		return nil, fmt.Errorf("no hook has the id %q", q.CallbackID)
	}
	in := HookInput{}
	if err := soft(json.Unmarshal(q.Input, &in)); err != nil {
		return nil, fmt.Errorf("hook input: %w", err)
	}
	in.Raw = q.Input
	in.ToolUseID = firstOf(in.ToolUseID, q.ToolUseID)
	if hook.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, hook.Timeout)
		defer cancel()
	}
	out, err := hook.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	if out.Specific != nil && out.Specific.Event == "" {
		specific := *out.Specific
		specific.Event = hook.Event
		out.Specific = &specific
	}
	return out, nil
}
