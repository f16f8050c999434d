package claudecode

import (
	"crypto/rand"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// NewID returns a random UUID, for [Options.SessionID].
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Environ picks variables of this process by name, for [Options.Env]. Those that are not set are left out.
func Environ(names ...string) map[string]string {
	env := make(map[string]string, len(names))
	for _, name := range names {
		if v, ok := os.LookupEnv(name); ok {
			env[name] = v
		}
	}
	return env
}

var (
	uuidShape   = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	serverShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	flagShape   = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]*$`)
)

// check refuses options that contradict each other, or that the CLI would take for something else without a word.
func (o *Options) check() error {
	bad := func(option, format string, args ...any) error {
		return &OptionError{Option: option, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case o.CanUseTool != nil && o.PermissionPromptTool != "":
		return bad("CanUseTool", "PermissionPromptTool is given too")
	case o.SessionID != "" && !uuidShape.MatchString(o.SessionID):
		return bad("SessionID", "%q is no UUID", o.SessionID)
	case o.SessionID != "" && (o.Resume != "" || o.Continue) && !o.Fork:
		return bad("SessionID", "a session that goes on keeps its id, unless Fork is set")
	case o.Resume != "" && o.Continue:
		return bad("Continue", "Resume is given too")
	case o.Fork && o.Resume == "" && !o.Continue:
		return bad("Fork", "there is nothing to fork without Resume or Continue")
	case o.ResumeAt != "" && o.Resume == "":
		return bad("ResumeAt", "it needs Resume")
	case o.Bare && len(o.Hooks) > 0:
		return bad("Hooks", "Bare turns them off without a word")
	case o.System.Text != "" && o.System.File != "", o.System.Preset && (o.System.Text != "" || o.System.File != ""):
		return bad("System", "only one of Text, File and Preset makes sense")
	case o.MaxBudgetUSD < 0:
		return bad("MaxBudgetUSD", "it is negative")
	case o.MaxTurns < 0:
		return bad("MaxTurns", "it is negative")
	case !slices.Contains([]string{"", "adaptive", "enabled", "disabled"}, o.Thinking.Mode):
		return bad("Thinking", "there is no mode %q", o.Thinking.Mode)
	}
	for name := range o.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(o.Env[name], "\x00") {
			return bad("Env", "%q cannot be a variable", name)
		}
	}
	for name := range o.Flags {
		if !flagShape.MatchString(name) {
			return bad("Flags", "%q cannot be a flag; write it without dashes", name)
		}
	}
	for i, h := range o.Hooks {
		if h.Run == nil || h.Event == "" {
			return bad("Hooks", "number %d has no Event or no Run", i)
		}
	}
	return o.checkServers(bad)
}

func (o *Options) checkServers(bad func(option, format string, args ...any) error) error {
	seen := map[string]bool{}
	for name := range o.MCPServers {
		seen[name] = true
	}
	for _, s := range o.Servers {
		if s == nil || !serverShape.MatchString(s.Name) {
			return bad("Servers", "a server needs a name of letters, digits, - and _")
		}
		if seen[s.Name] {
			return bad("Servers", "there are two named %q", s.Name)
		}
		seen[s.Name] = true
		if err := s.check(); err != nil {
			return bad("Servers", "%s: %v", s.Name, err)
		}
	}
	return nil
}

// Warnings tells of settings that keep tool calls from being asked of [Options.CanUseTool].
func (o *Options) Warnings() []string {
	if o.CanUseTool == nil {
		return nil
	}
	var out []string
	if o.PermissionMode == ModeBypassPermissions {
		out = append(out, "permission mode bypassPermissions allows every call: CanUseTool is never asked")
	}
	for _, rule := range o.AllowedTools {
		name, spec, has := strings.Cut(rule, "(")
		if has && spec != ")" && spec != "*)" {
			continue // only some calls
		}
		warning := "AllowedTools allows every call of " + name + ": CanUseTool is not asked about it"
		if !slices.Contains(out, warning) {
			out = append(out, warning)
		}
	}
	return out
}
