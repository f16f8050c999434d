package claudecode

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// doorPort is where the way answers inside a sandbox that has a network of its own.
const doorPort = 4100

// temporary is the folder below a session's own where the CLI keeps things for a while; by itself it takes /tmp.
const temporary = "tmp"

// dummyKey stands where the CLI wants a key. Whoever serves the way puts the real one in its place.
const dummyKey = "builder-holds-the-key"

// policy is what the CLI and all that it runs may touch.
func (p *Program) policy(dir, folder string) sandbox.Policy {
	policy := sandbox.Policy{Write: []string{dir, folder}, Read: p.place.read, Network: p.conf.Network}
	if p.conf.Runner.Isolates(policy) {
		policy.Door = doorPort
	}
	return policy
}

// confined says whether anything of the policy is enforced.
func (p *Program) confined() bool { return p.conf.Runner.Level() != sandbox.None }

// base is the way's address as the CLI reaches it.
func base(way agent.Way, policy sandbox.Policy) (string, error) {
	if policy.Door == 0 {
		return way.URL(), nil
	}
	u, err := url.Parse(way.URL())
	if err != nil || u.Scheme != "http" {
		return "", fmt.Errorf("the way to the model has no plain address: %w", err)
	}
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(policy.Door))
	return u.String(), nil
}

// environ is the environment of the CLI and of all that it runs, beside the sandbox's and the toolchains'. Nothing of
// this process's own is in it.
func (p *Program) environ(t agent.Task, base, folder string) map[string]string {
	usual, most := p.conf.commands()
	env := map[string]string{
		"CLAUDE_CONFIG_DIR":  folder,
		"CLAUDE_CODE_TMPDIR": filepath.Join(folder, temporary),
		"ANTHROPIC_BASE_URL": base,
		// What is not for this work stays at home.
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
		"DISABLE_TELEMETRY":                        "1",
		"DISABLE_AUTOUPDATER":                      "1",
		"DISABLE_ERROR_REPORTING":                  "1",
		// The model that was asked for, or none.
		"CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP": "1",
		"CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK":   "1",
		// A command ends with its call: nothing works on while the gates run, and no turn begins by itself.
		"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
		// A lean prompt, the same in every task.
		"CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS": "1",
		"CLAUDE_CODE_DISABLE_AUTO_MEMORY":      "1",
		"CLAUDE_CODE_DISABLE_CLAUDE_MDS":       "1",
		"ENABLE_TOOL_SEARCH":                   "false",

		"CLAUDE_CODE_MAX_RETRIES": strconv.Itoa(p.conf.retries()),
		"BASH_DEFAULT_TIMEOUT_MS": millis(usual),
		"BASH_MAX_TIMEOUT_MS":     millis(most),
		"MCP_TOOL_TIMEOUT":        millis(24 * time.Hour), // finish takes as long as the gates do
	}
	if t.MaxTokens > 0 {
		env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = strconv.FormatInt(t.MaxTokens, 10)
	}
	if t.Window > 0 {
		env["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] = strconv.FormatInt(t.Window, 10)
	}
	if p.conf.Credentials == "" {
		env["ANTHROPIC_API_KEY"] = dummyKey
	}
	if p.confined() {
		env["IS_SANDBOX"] = "1" // the CLI, run by root, wants to hear it
	}
	return env
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
