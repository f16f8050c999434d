package claudecode

import (
	"bytes"
	"encoding/json"
)

// System is a system message of a kind that has no type of its own here; Raw has its fields.
type System struct{ Header }

// Init tells at the start of every turn what the CLI works with.
type Init struct {
	Header
	Model          string         `json:"model"` // compare it with what was asked for
	CWD            string         `json:"cwd"`
	Version        string         `json:"claude_code_version"`
	PermissionMode PermissionMode `json:"permissionMode"`
	APIKeySource   string         `json:"apiKeySource"`
	OutputStyle    string         `json:"output_style"`
	Tools          nameList       `json:"tools"`
	Agents         nameList       `json:"agents"`
	Skills         nameList       `json:"skills"`
	SlashCommands  nameList       `json:"slash_commands"`
	MCPServers     []ServerStatus `json:"mcp_servers"`
}

// ServerStatus is how an MCP server is.
type ServerStatus struct {
	Name   string `json:"name"`
	Status string `json:"status"` // "connected", "failed", "pending", ...
}

// APIRetry says that a call failed and is made again.
type APIRetry struct {
	Header
	Attempt          int     `json:"attempt"`
	MaxRetries       int     `json:"max_retries"`
	RetryDelayMillis float64 `json:"retry_delay_ms"`
	ErrorStatus      int     `json:"error_status"` // 0 where there was no answer
	Error            string  `json:"error"`
}

// ModelFallback says that another model goes on.
type ModelFallback struct {
	Header
	Trigger       string `json:"trigger"`
	OriginalModel string `json:"original_model"`
	FallbackModel string `json:"fallback_model"`
	Content       string `json:"content"`
}

// Status says what the CLI is at: "requesting", "compacting", or "" for nothing.
type Status struct {
	Header
	Status         string         `json:"status"`
	PermissionMode PermissionMode `json:"permissionMode"`
}

// CompactBoundary says that the conversation before it was replaced by a summary.
type CompactBoundary struct {
	Header
	Metadata struct {
		Trigger    string `json:"trigger"`
		PreTokens  int64  `json:"pre_tokens"`
		PostTokens int64  `json:"post_tokens"`
	} `json:"compact_metadata"`
}

// TaskStarted says that a task runs beside the conversation: a shell in the background, a subagent.
type TaskStarted struct {
	Header
	TaskID       string `json:"task_id"`
	ToolUseID    string `json:"tool_use_id"`
	Description  string `json:"description"`
	TaskType     string `json:"task_type"` // "local_bash", "local_agent", ...
	SubagentType string `json:"subagent_type"`
	Prompt       string `json:"prompt"`
}

// TaskProgress says how far a task is.
type TaskProgress struct {
	Header
	TaskID       string    `json:"task_id"`
	ToolUseID    string    `json:"tool_use_id"`
	Description  string    `json:"description"`
	SubagentType string    `json:"subagent_type"`
	LastToolName string    `json:"last_tool_name"`
	Usage        TaskUsage `json:"usage"`
}

// TaskUsage is what a task used.
type TaskUsage struct {
	TotalTokens    int64   `json:"total_tokens"`
	ToolUses       int64   `json:"tool_uses"`
	DurationMillis float64 `json:"duration_ms"`
}

// TaskUpdated changes a task. A task may end with it alone.
type TaskUpdated struct {
	Header
	TaskID string          `json:"task_id"`
	Patch  json.RawMessage `json:"patch"`
	Status string          `json:"-"` // of the patch; "" where it has none
}

// UnmarshalJSON also takes a patch that is no object.
func (t *TaskUpdated) UnmarshalJSON(raw []byte) error {
	type plain TaskUpdated
	err := json.Unmarshal(raw, (*plain)(t))
	var patch struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(t.Patch, &patch) == nil {
		t.Status = patch.Status
	}
	return err
}

// Terminal says whether the task has ended with it.
func (t *TaskUpdated) Terminal() bool {
	switch t.Status {
	case "completed", "failed", "stopped", "killed":
		return true
	}
	return false
}

// TaskNotification says that a task has ended. The model is told in a turn of its own.
type TaskNotification struct {
	Header
	TaskID     string    `json:"task_id"`
	ToolUseID  string    `json:"tool_use_id"`
	Status     string    `json:"status"` // "completed", "failed", "stopped"
	OutputFile string    `json:"output_file"`
	Summary    string    `json:"summary"`
	Usage      TaskUsage `json:"usage"`
}

func (t *TaskStarted) taskID() string      { return t.TaskID }
func (t *TaskProgress) taskID() string     { return t.TaskID }
func (t *TaskUpdated) taskID() string      { return t.TaskID }
func (t *TaskNotification) taskID() string { return t.TaskID }

// HookEvent says that a hook began or answered; see [Options.HookEvents].
type HookEvent struct {
	Header
	HookID   string `json:"hook_id"`
	HookName string `json:"hook_name"`
	Event    string `json:"hook_event"`
	Output   string `json:"output"`
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
	ExitCode int    `json:"exit_code"`
	Outcome  string `json:"outcome"`
}

// RateLimit tells how much of a subscription's quota is used.
type RateLimit struct {
	Header
	Info RateLimitInfo `json:"rate_limit_info"`
}

// RateLimitInfo is the state of one limit.
type RateLimitInfo struct {
	Status                string  `json:"status"`        // "allowed", "allowed_warning", "rejected"
	Type                  string  `json:"rateLimitType"` // "five_hour", "seven_day", ...
	ResetsAt              float64 `json:"resetsAt"`      // seconds since 1970
	Utilization           float64 `json:"utilization"`   // 0 to 1
	OverageStatus         string  `json:"overageStatus"`
	OverageResetsAt       float64 `json:"overageResetsAt"`
	OverageDisabledReason string  `json:"overageDisabledReason"`
}

// systemShape is an empty message for a subtype of system messages.
func systemShape(subtype string) Message {
	switch subtype {
	case "init":
		return &Init{}
	case "api_retry":
		return &APIRetry{}
	case "model_fallback":
		return &ModelFallback{}
	case "status":
		return &Status{}
	case "compact_boundary":
		return &CompactBoundary{}
	case "task_started":
		return &TaskStarted{}
	case "task_progress":
		return &TaskProgress{}
	case "task_updated":
		return &TaskUpdated{}
	case "task_notification":
		return &TaskNotification{}
	case "hook_started", "hook_response", "hook_progress":
		return &HookEvent{}
	}
	return &System{}
}

// nameList is a list of names that may also come as objects with a name.
type nameList []string

// UnmarshalJSON takes both.
func (l *nameList) UnmarshalJSON(raw []byte) error {
	*l = nil
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	for _, item := range items {
		var s string
		var named struct {
			Name string `json:"name"`
		}
		switch {
		case json.Unmarshal(item, &s) == nil:
			*l = append(*l, s)
		case json.Unmarshal(item, &named) == nil && named.Name != "":
			*l = append(*l, named.Name)
		default:
			*l = append(*l, string(bytes.Clone(item)))
		}
	}
	return nil
}
