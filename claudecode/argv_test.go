package claudecode_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/claudecode"
)

const base = "--print --output-format stream-json --verbose --input-format stream-json --system-prompt="

func TestArgv(t *testing.T) {
	t.Parallel()
	empty := ""
	type o = claudecode.Options
	for _, c := range []struct {
		name string
		opts o
		want string // what follows the base; all of it where it begins with "--print"
	}{
		{"T01 base", o{}, ""},
		{"T04 resume", o{Resume: "--evil"}, "--resume=--evil"},
		{"T04 session id", o{SessionID: "0e6ff5ae-0000-4000-8000-000000000000"}, "--session-id=0e6ff5ae-0000-4000-8000-000000000000"},
		{"T05 resume at", o{Resume: "r", ResumeAt: "u"}, "--resume=r --resume-session-at=u"},
		{"T05 empty drops turn", o{Resume: "r", ResumeDropsTurn: &empty}, "--resume=r --resume-drops-turn="},
		{"T06 preset", o{System: claudecode.SystemPrompt{Preset: true}}, strings.TrimSuffix(base, " --system-prompt=")},
		{"T06 file", o{System: claudecode.SystemPrompt{File: "/p"}}, strings.TrimSuffix(base, "=") + "-file=/p"},
		{"T06 text travels in initialize", o{System: claudecode.SystemPrompt{Text: "secret", Append: "more"}}, ""},
		{"T07 tools", o{Tools: []string{"Bash", "Read"}}, "--tools=Bash,Read"},
		{"T07 no tools", o{Tools: []string{}}, "--tools="},
		{"T10 no setting sources", o{SettingSources: []string{}}, "--setting-sources="},
		{"T10 setting sources", o{SettingSources: []string{"user", "project"}}, "--setting-sources=user,project"},
		{"T11 adaptive", o{Thinking: claudecode.Thinking{Mode: "adaptive", Display: "omitted"}}, "--thinking=adaptive --thinking-display=omitted"},
		{"T11 enabled", o{Thinking: claudecode.Thinking{Mode: "enabled", Tokens: 2000}}, "--max-thinking-tokens=2000"},
		{"T11 disabled", o{Thinking: claudecode.Thinking{Mode: "disabled"}}, "--thinking=disabled"},
		{"T12 model", o{Model: "m", FallbackModel: "f", Effort: "xhigh", TaskBudget: 5}, "--model=m --fallback-model=f --task-budget=5 --effort=xhigh"},
		{"T12 permission", o{PermissionMode: claudecode.ModeDontAsk, AddDirs: []string{"/a", "/b"}}, "--permission-mode=dontAsk --add-dir=/a --add-dir=/b"},
		{"T13 servers", o{MCPServers: map[string]json.RawMessage{"x": json.RawMessage(`{"command":"c"}`)}, Servers: []*claudecode.Server{{Name: "calc"}}, StrictMCP: true},
			`--mcp-config={"mcpServers":{"calc":{"name":"calc","type":"sdk"},"x":{"command":"c"}}} --strict-mcp-config`},
		{"T14 settings", o{Settings: `{"a":1}`}, `--settings={"a":1}`},
		{"T15 agents", o{Agents: map[string]claudecode.Agent{"rv": {Description: strings.Repeat("x", 300_000)}}}, ""},
		{"T16 flags", o{Flags: map[string]string{"bare-one": "", "with": "v", "dash": "-v"}}, "--bare-one --dash=-v --with=v"},
		{"limits", o{MaxTurns: 3, MaxBudgetUSD: 0.25}, "--max-turns=3 --max-budget-usd=0.25"},
		{"schema", o{JSONSchema: json.RawMessage(`{}`)}, "--json-schema={}"},
		{"fork", o{Resume: "r", Fork: true, SessionID: claudecode.NewID()[:0]}, "--resume=r --fork-session"},
		{"output", o{PartialMessages: true, HookEvents: true, ReplayUserMessages: true}, "--include-partial-messages --include-hook-events --replay-user-messages"},
	} {
		argv, err := c.opts.Argv()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := c.want
		if !strings.HasPrefix(want, "--print") {
			want = strings.TrimSpace(base + " " + want)
		}
		if got := strings.Join(argv, " "); got != want {
			t.Errorf("%s: got %.300s, want %s", c.name, got, want)
		}
	}
}

func TestInitialize(t *testing.T) {
	t.Parallel()
	type o = claudecode.Options
	for _, c := range []struct {
		name string
		opts o
		want string
	}{
		{"T32 nothing", o{}, `{}`},
		{"T06 prompt", o{System: claudecode.SystemPrompt{Text: "t", Append: "a", ExcludeDynamic: true}}, `{"appendSystemPrompt":"a","excludeDynamicSections":true,"systemPrompt":"t"}`},
		{"T32 subagents", o{ForwardSubagents: true}, `{"forwardSubagentText":true}`},
		{"T13 servers", o{Servers: []*claudecode.Server{{Name: "calc"}}}, `{"sdkMcpServers":["calc"]}`},
		{"T56 agent leaves out what is not set", o{Agents: map[string]claudecode.Agent{"rv": {Description: "d", Prompt: "p", DisallowedTools: []string{"Bash"}, Effort: json.RawMessage("7"), Model: "claude-opus-5-5"}}},
			`{"agents":{"rv":{"description":"d","prompt":"p","disallowedTools":["Bash"],"model":"claude-opus-5-5","effort":7}}}`},
	} {
		got, err := json.Marshal(c.opts.Initialize())
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	type o = claudecode.Options
	tool := adder(nil).Tools[0]
	for _, c := range []struct {
		name, option string
		opts         o
	}{
		{"T60 two who are asked", "CanUseTool", o{CanUseTool: allowAll, PermissionPromptTool: "mcp__x"}},
		{"T04 session id", "SessionID", o{SessionID: "--evil"}},
		{"resume and session id", "SessionID", o{SessionID: claudecode.NewID(), Resume: "r"}},
		{"resume and continue", "Continue", o{Resume: "r", Continue: true}},
		{"fork of nothing", "Fork", o{Fork: true}},
		{"T05 resume at", "ResumeAt", o{ResumeAt: "u"}},
		{"bare turns hooks off", "Hooks", o{Bare: true, Hooks: []claudecode.Hook{{Event: "Stop"}}}},
		{"hook without function", "Hooks", o{Hooks: []claudecode.Hook{{Event: "Stop"}}}},
		{"two prompts", "System", o{System: claudecode.SystemPrompt{Text: "a", File: "b"}}},
		{"T11 thinking", "Thinking", o{Thinking: claudecode.Thinking{Mode: "hard"}}},
		{"T16 flag", "Flags", o{Flags: map[string]string{"-x": ""}}},
		{"environment", "Env", o{Env: map[string]string{"A=B": "c"}}},
		{"server name", "Servers", o{Servers: []*claudecode.Server{{Name: "a b"}}}},
		{"two servers", "Servers", o{Servers: []*claudecode.Server{{Name: "a"}, {Name: "a"}}}},
		{"two tools", "Servers", o{Servers: []*claudecode.Server{{Name: "a", Tools: []claudecode.Tool{tool, tool}}}}},
		{"tool without handler", "Servers", o{Servers: []*claudecode.Server{{Name: "a", Tools: []claudecode.Tool{{Name: "x"}}}}}},
		{"T67 schema", "Servers", o{Servers: []*claudecode.Server{{Name: "a", Tools: []claudecode.Tool{{Name: "x", Handler: tool.Handler, InputSchema: json.RawMessage(`{"type":"objekt"}`)}}}}}},
	} {
		_, err := c.opts.Argv()
		var bad *claudecode.OptionError
		if !errors.As(err, &bad) || bad.Option != c.option {
			t.Errorf("%s: got %v, want an error of %s", c.name, err, c.option)
		}
	}
}

// T59: rules that keep calls from the callback are told, once each and in order.
func TestWarnings(t *testing.T) {
	t.Parallel()
	rules := []string{"Write", "Bash(git *)", "Read()", "Edit(*)", "Write"}
	o := claudecode.Options{CanUseTool: allowAll, AllowedTools: rules, PermissionMode: claudecode.ModeBypassPermissions}
	got := strings.Join(o.Warnings(), "\n")
	for i, want := range []string{"bypassPermissions", "call of Write", "call of Read", "call of Edit"} {
		if lines := strings.Split(got, "\n"); len(lines) != 4 || !strings.Contains(lines[i], want) {
			t.Errorf("got %q, want %s at %d", got, want, i)
		}
	}
	o.CanUseTool = nil
	if w := o.Warnings(); w != nil {
		t.Errorf("got %v without a callback", w)
	}
}

func TestStartRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		opts claudecode.Options
		as   any
		says string
	}{
		{"T02 no CLI", claudecode.Options{CLI: filepath.Join(dir, "absent")}, new(*claudecode.NotFoundError), "absent"},
		{"T02 not executable", claudecode.Options{CLI: plain}, new(*claudecode.NotFoundError), plain},
		{"T27 no folder", claudecode.Options{CLI: self(), Dir: filepath.Join(dir, "nowhere")}, new(*claudecode.StartError), "nowhere"},
		{"T27 folder is a file", claudecode.Options{CLI: self(), Dir: plain}, new(*claudecode.StartError), plain},
	} {
		_, err := claudecode.Start(t.Context(), c.opts)
		if err == nil || !errors.As(err, c.as) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %s with %s", c.name, err, reflect.TypeOf(c.as).Elem(), c.says)
		}
	}
	if hint := (&claudecode.NotFoundError{}).Hint(); !strings.Contains(hint, "npm install") {
		t.Errorf("T02: the hint is %q", hint)
	}
}

var fakeEnv = script("env", func(f *fake) {
	f.initialize()
	f.echo(os.Environ())
	f.echo(cwd())
	f.end()
})

// T17: the environment is what is given; nothing is inherited.
func TestEnvironment(t *testing.T) {
	t.Setenv("CANARY", "must not be seen")
	t.Setenv("CLAUDECODE", "1")
	t.Setenv("WANTED", "yes")
	o := options(fakeEnv)
	o.Dir = t.TempDir()
	for name, value := range claudecode.Environ("WANTED", "NOT_SET") {
		o.Env[name] = value
	}
	s := start(t, o)
	s.EndInput()
	ms, err := collect(s)
	if err != nil {
		t.Fatal(err)
	}
	got := echoed(t, ms)
	var names []string
	var env []string
	if err := json.Unmarshal([]byte(got[0]), &env); err != nil {
		t.Fatal(err)
	}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "CLAUDECODE_GO_") {
			continue
		}
		names = append(names, name)
		if name == "WANTED" && value != "yes" || name == "PWD" && value != o.Dir {
			t.Errorf("got %s", pair)
		}
	}
	if got, want := strings.Join(names, " "), "FAKE_CLI PWD WANTED"; got != want {
		t.Errorf("got variables %s, want %s", got, want)
	}
	if real, err := filepath.EvalSymlinks(o.Dir); err != nil || got[1] != `"`+real+`"` {
		t.Errorf("T03: ran in %s, want %s", got[1], o.Dir)
	}
}
