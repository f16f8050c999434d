package claudecode

import (
	"context"
	"encoding/json"
	"time"
)

// Options say how the CLI is started and what it may do. The zero value starts the claude on PATH in the current folder,
// with an empty system prompt, its default tools and model, and an empty environment.
type Options struct {
	// CLI is the program. Empty means the first claude on PATH, then where its installers put it.
	CLI string
	// Dir is the folder to work in. Empty means the current one.
	Dir string
	// Env is the whole environment of the CLI and of the tools that it runs. Nothing is inherited. It should have HOME or
	// CLAUDE_CONFIG_DIR, PATH, and a key. See [Environ].
	Env map[string]string
	// Launch starts the process; nil means [Launch]. Use it to put the CLI into a sandbox or to change its command. It gets CLI
	// as it is, or "claude"; see [Find].
	Launch func(context.Context, Command) (Process, error)

	// Model is an alias or a name; empty means the CLI's default. The CLI may replace old names by newer ones without a
	// word: [Init.Model] tells.
	Model         string
	FallbackModel string // when Model is overloaded or not there
	System        SystemPrompt
	// Tools are the built-in tools that the model is told of. nil means the CLI's default; an empty list none.
	Tools []string
	// AllowedTools need no permission; DisallowedTools are refused. Both hold rules, as "Bash(git *)".
	AllowedTools    []string
	DisallowedTools []string
	PermissionMode  PermissionMode
	// CanUseTool is asked for each call that no rule decides. See [Options.Warnings] for rules that keep calls from it.
	CanUseTool func(context.Context, PermissionRequest) (Permission, error)
	// PermissionPromptTool is the MCP tool that is asked instead. It excludes CanUseTool.
	PermissionPromptTool string
	Hooks                []Hook
	// Servers are MCP servers inside this program.
	Servers []*Server
	// MCPServers are others: name to their configuration as the CLI takes it.
	MCPServers map[string]json.RawMessage
	// StrictMCP ignores all servers that are configured elsewhere.
	StrictMCP bool

	// SettingSources are which settings are read: "user", "project", "local". nil means all, an empty list none.
	SettingSources []string
	Settings       string // a path, or JSON
	AddDirs        []string
	Agents         map[string]Agent
	PluginDirs     []string

	MaxTurns     int // 0 is no limit
	MaxBudgetUSD float64
	TaskBudget   int // tokens
	Thinking     Thinking
	Effort       string // "low", "medium", "high", "xhigh", "max"
	Betas        []string
	JSONSchema   json.RawMessage // what the structured output must fit

	// SessionID is the id of a new session, a UUID. See [NewID].
	SessionID string
	// Resume goes on with a session of the same folder. One session MUST NOT be resumed twice at the same time.
	Resume          string
	ResumeAt        string  // message to go back to; needs Resume
	ResumeDropsTurn *string // newer CLIs only; the empty string means something too
	Fork            bool    // resume under a new id
	Continue        bool    // the newest session of this folder; without any, a new one

	PartialMessages    bool // print [StreamEvent]
	HookEvents         bool // print [HookEvent]
	ReplayUserMessages bool
	ForwardSubagents   bool // print the texts of subagents too
	NoPersistence      bool // write no transcript; such a session cannot be resumed
	SessionMirror      bool // print [TranscriptMirror]
	NoSlashCommands    bool
	Bare               bool // tiny prompts, three tools; turns off all hooks, so it excludes Hooks
	// Flags are further flags by name, without dashes; an empty value is a flag without one.
	Flags map[string]string

	// Stderr is called for each line that the CLI writes there, from one goroutine.
	Stderr func(line string)
	// Trace is called for each line of the protocol, both ways, as it is; from several goroutines. The bytes MUST NOT be kept.
	Trace func(Direction, []byte)
	// OnSilence is called when the CLI has printed nothing for Silence during a turn, once for each silence. The time that
	// callbacks take does not count. It may call Interrupt or Close.
	OnSilence func(since time.Time)
	Silence   time.Duration

	MaxLine        int           // bytes of a line; 0 is 64 MiB
	MaxQueue       int           // bytes of messages that nobody has taken yet, beyond which reading waits; 0 is 64 MiB
	MaxStderr      int           // bytes of stderr kept for errors; 0 is 64 KiB
	StartTimeout   time.Duration // for the answer to initialize; 0 is 2 minutes: many at once start slowly
	ControlTimeout time.Duration // for the answer to any other control request; 0 is 1 minute
	Grace          time.Duration // between one step of Close and the next; 0 is 5 seconds
}

// SystemPrompt is what the model is told first. The zero value is an empty one. Text and Append travel over the protocol, not
// among the arguments: they may be long, and nobody on the machine reads them in a list of processes.
type SystemPrompt struct {
	Text   string
	File   string // a file with the text
	Preset bool   // keep the CLI's own prompt of many thousand tokens
	Append string // put behind the others
	// ExcludeDynamic moves what differs from run to run out of the prompt, so that more of it is cached.
	ExcludeDynamic bool
}

// Thinking says how the model thinks. The zero value leaves it to the CLI.
type Thinking struct {
	Mode    string // "adaptive", "disabled", or "enabled" with Tokens
	Tokens  int
	Display string // "summarized", "omitted", "updates"
}

// PermissionMode is what the CLI allows by itself.
type PermissionMode string

// The modes.
const (
	ModeDefault           PermissionMode = "default"
	ModeAcceptEdits       PermissionMode = "acceptEdits"
	ModePlan              PermissionMode = "plan"
	ModeDontAsk           PermissionMode = "dontAsk"
	ModeAuto              PermissionMode = "auto"
	ModeBypassPermissions PermissionMode = "bypassPermissions"
)

// Agent is a subagent that the model may hand work to.
type Agent struct {
	Description     string   `json:"description"`
	Prompt          string   `json:"prompt"`
	Tools           []string `json:"tools,omitempty"`
	DisallowedTools []string `json:"disallowedTools,omitempty"`
	Model           string   `json:"model,omitempty"` // an alias, "inherit", or a name
	Skills          []string `json:"skills,omitempty"`
	Memory          string   `json:"memory,omitempty"` // "user", "project", "local"
	// MCPServers are names, or objects of name and configuration.
	MCPServers     []json.RawMessage `json:"mcpServers,omitempty"`
	InitialPrompt  string            `json:"initialPrompt,omitempty"`
	MaxTurns       int               `json:"maxTurns,omitempty"`
	Background     bool              `json:"background,omitempty"`
	Effort         json.RawMessage   `json:"effort,omitempty"` // a level as a string, or a number
	PermissionMode PermissionMode    `json:"permissionMode,omitempty"`
}

// Direction is which way a line of the protocol went.
type Direction string

// The directions.
const (
	Sent     Direction = "sent"     // to the CLI
	Received Direction = "received" // from the CLI
)
