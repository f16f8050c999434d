package claudecode

import (
	"context"
	"encoding/json"
	"errors"
)

// PermissionRequest is a call that the CLI asks about.
type PermissionRequest struct {
	ToolName       string             `json:"tool_name"`
	Input          json.RawMessage    `json:"input"`
	ToolUseID      string             `json:"tool_use_id"`
	AgentID        string             `json:"agent_id"` // "" for the main conversation
	Suggestions    []PermissionUpdate `json:"permission_suggestions"`
	BlockedPath    string             `json:"blocked_path"`
	DecisionReason string             `json:"decision_reason"`
	Title          string             `json:"title"`
	DisplayName    string             `json:"display_name"`
	Description    string             `json:"description"`
	Raw            json.RawMessage    `json:"-"`
}

// Permission is the answer. The zero value denies. See [Allow] and [Deny].
type Permission struct {
	allow     bool
	input     json.RawMessage
	updates   []PermissionUpdate
	message   string
	interrupt bool
}

// Allow permits the call, and changes rules where updates are given.
func Allow(updates ...PermissionUpdate) Permission { return Permission{allow: true, updates: updates} }

// WithInput makes the call with another input.
func (p Permission) WithInput(input json.RawMessage) Permission {
	p.input = input
	return p
}

// Deny refuses the call. The model reads message.
func Deny(message string) Permission { return Permission{message: message} }

// Interrupting also ends the turn.
func (p Permission) Interrupting() Permission {
	p.interrupt = true
	return p
}

// Allowed says which it is.
func (p Permission) Allowed() bool { return p.allow }

// PermissionUpdate changes permissions. Which fields count follows from Type.
type PermissionUpdate struct {
	Type        string           `json:"type"` // addRules, replaceRules, removeRules, setMode, addDirectories, removeDirectories
	Rules       []PermissionRule `json:"rules,omitempty"`
	Behavior    string           `json:"behavior,omitempty"` // "allow", "deny", "ask"
	Mode        PermissionMode   `json:"mode,omitempty"`
	Directories []string         `json:"directories,omitempty"`
	Destination string           `json:"destination,omitempty"` // userSettings, projectSettings, localSettings, session
}

// PermissionRule is one rule, as "Bash(git *)" in two parts.
type PermissionRule struct {
	ToolName    string `json:"toolName"`
	RuleContent string `json:"ruleContent,omitempty"`
}

// permit asks the callback and writes its answer as the CLI wants it.
func (h *host) permit(ctx context.Context, raw json.RawMessage) (any, error) {
	if h.opts.CanUseTool == nil {
		return nil, errors.New("no permission callback is set")
	}
	var r PermissionRequest
	if err := soft(json.Unmarshal(raw, &r)); err != nil {
		return nil, err
	}
	r.Raw = raw
	p, err := h.opts.CanUseTool(ctx, r)
	if err != nil {
		return nil, err
	}
	if !p.allow {
		answer := map[string]any{"behavior": "deny", "message": firstOf(p.message, "denied")}
		if p.interrupt {
			answer["interrupt"] = true
		}
		return answer, nil
	}
	input := p.input
	if input == nil {
		input = r.Input
	}
	answer := map[string]any{"behavior": "allow", "updatedInput": input}
	if len(p.updates) > 0 {
		answer["updatedPermissions"] = p.updates
	}
	return answer, nil
}
