package claudecode

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// argv lists the arguments. Values that others may have chosen follow an equals sign, so that none of them can become a
// flag. What may be long or secret (prompts, agents, hooks) travels in initialize instead.
func (o *Options) argv() ([]string, error) {
	a := args{"--print", "--output-format", "stream-json", "--verbose", "--input-format", "stream-json"}
	o.systemFlags(&a)
	o.toolFlags(&a)
	if err := o.mcpFlags(&a); err != nil {
		return nil, err
	}
	o.modelFlags(&a)
	o.sessionFlags(&a)
	a.set("--include-partial-messages", o.PartialMessages)
	a.set("--include-hook-events", o.HookEvents)
	a.set("--replay-user-messages", o.ReplayUserMessages)
	a.set("--disable-slash-commands", o.NoSlashCommands)
	a.set("--bare", o.Bare)
	for _, name := range slices.Sorted(maps.Keys(o.Flags)) {
		if v := o.Flags[name]; v != "" {
			a = append(a, "--"+name+"="+v)
		} else {
			a = append(a, "--"+name)
		}
	}
	return a, nil
}

// args is a command line that is written.
type args []string

// value adds a flag with its value, unless that is empty.
func (a *args) value(flag, value string) {
	if value != "" {
		*a = append(*a, flag+"="+value)
	}
}

// list adds a flag with values between commas. nil adds nothing, an empty list the flag with an empty value.
func (a *args) list(flag string, values []string) {
	if values != nil {
		*a = append(*a, flag+"="+strings.Join(values, ","))
	}
}

func (a *args) number(flag string, n int) {
	if n > 0 {
		*a = append(*a, flag+"="+strconv.Itoa(n))
	}
}

func (a *args) set(flag string, on bool) {
	if on {
		*a = append(*a, flag)
	}
}

func (o *Options) systemFlags(a *args) {
	switch {
	case o.System.Preset:
	case o.System.File != "":
		a.value("--system-prompt-file", o.System.File)
	default: // the text itself travels in initialize, and takes this one's place
		*a = append(*a, "--system-prompt=")
	}
}

func (o *Options) toolFlags(a *args) {
	a.list("--tools", o.Tools)
	if len(o.AllowedTools) > 0 {
		a.list("--allowedTools", o.AllowedTools)
	}
	if len(o.DisallowedTools) > 0 {
		a.list("--disallowedTools", o.DisallowedTools)
	}
	a.value("--permission-mode", string(o.PermissionMode))
	if o.CanUseTool != nil {
		a.value("--permission-prompt-tool", "stdio")
	} else {
		a.value("--permission-prompt-tool", o.PermissionPromptTool)
	}
	a.list("--setting-sources", o.SettingSources)
	a.value("--settings", o.Settings)
	for _, dir := range o.AddDirs {
		a.value("--add-dir", dir)
	}
	for _, dir := range o.PluginDirs {
		a.value("--plugin-dir", dir)
	}
}

func (o *Options) mcpFlags(a *args) error {
	servers := map[string]any{}
	for name, config := range o.MCPServers {
		servers[name] = config
	}
	for _, s := range o.Servers {
		servers[s.Name] = map[string]string{"type": "sdk", "name": s.Name}
	}
	if len(servers) > 0 {
		config, err := json.Marshal(map[string]any{"mcpServers": servers})
		if err != nil {
			return &OptionError{Option: "MCPServers", Reason: err.Error()}
		}
		a.value("--mcp-config", string(config))
	}
	a.set("--strict-mcp-config", o.StrictMCP)
	return nil
}

func (o *Options) modelFlags(a *args) {
	a.value("--model", o.Model)
	a.value("--fallback-model", o.FallbackModel)
	a.number("--max-turns", o.MaxTurns)
	if o.MaxBudgetUSD > 0 {
		a.value("--max-budget-usd", strconv.FormatFloat(o.MaxBudgetUSD, 'f', -1, 64))
	}
	a.number("--task-budget", o.TaskBudget)
	switch o.Thinking.Mode {
	case "enabled":
		*a = append(*a, fmt.Sprintf("--max-thinking-tokens=%d", o.Thinking.Tokens))
	case "adaptive", "disabled":
		a.value("--thinking", o.Thinking.Mode)
	}
	a.value("--thinking-display", o.Thinking.Display)
	a.value("--effort", o.Effort)
	if len(o.Betas) > 0 {
		a.list("--betas", o.Betas)
	}
	a.value("--json-schema", string(o.JSONSchema))
}

func (o *Options) sessionFlags(a *args) {
	a.value("--session-id", o.SessionID)
	a.value("--resume", o.Resume)
	a.value("--resume-session-at", o.ResumeAt)
	if o.ResumeDropsTurn != nil {
		*a = append(*a, "--resume-drops-turn="+*o.ResumeDropsTurn)
	}
	a.set("--fork-session", o.Fork)
	a.set("--continue", o.Continue)
	a.set("--no-session-persistence", o.NoPersistence)
	a.set("--session-mirror", o.SessionMirror)
}

// initialize is the body of the first control request.
func (o *Options) initialize(hooks map[string][]hookMatcher) map[string]any {
	body := map[string]any{}
	if len(hooks) > 0 {
		body["hooks"] = hooks
	}
	if len(o.Agents) > 0 {
		body["agents"] = o.Agents
	}
	if len(o.Servers) > 0 {
		var names []string
		for _, s := range o.Servers {
			names = append(names, s.Name)
		}
		body["sdkMcpServers"] = names
	}
	if o.System.Text != "" {
		body["systemPrompt"] = o.System.Text
	}
	if o.System.Append != "" {
		body["appendSystemPrompt"] = o.System.Append
	}
	if o.System.ExcludeDynamic {
		body["excludeDynamicSections"] = true
	}
	if o.ForwardSubagents {
		body["forwardSubagentText"] = true
	}
	return body
}
