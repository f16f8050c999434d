package claudecode_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/claudecode"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// told keeps what people are told.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (w *told) add(_, line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line)
}

func (w *told) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.lines...)
}

// program is the CLI in the words of the suite. cli is its path; runner confines it.
func program(cli string, runner sandbox.Runner, set func(*claudecode.Config)) func(t *testing.T) agenttest.Program {
	return func(t *testing.T) agenttest.Program {
		t.Helper()
		folder, err := filepath.EvalSymlinks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w := &told{}
		c := claudecode.Config{
			CLI: cli, Folder: folder, Runner: runner, Retries: -1, Tell: w.add,
			Profile: sandbox.Profile{Env: map[string]string{"PATH": os.Getenv("PATH")}},
		}
		if set != nil {
			set(&c)
		}
		p, err := claudecode.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return agenttest.Program{
			New: func(job agent.Job, way agent.Way) agent.Engine { return p.Engine(job, way) },
			Write: func(path, content string) agent.ToolCall {
				return agenttest.Call("Write", map[string]string{"file_path": path, "content": content})
			},
			Run: func(command string) agent.ToolCall {
				return agenttest.Call("Bash", map[string]string{"command": command})
			},
			Own:  func(name string, input any) agent.ToolCall { return agenttest.Call("mcp__builder__"+name, input) },
			Told: w.all,
			Kept: func(text string) bool { return kept(folder, text) },
		}
	}
}

// kept says whether a transcript below a folder has a text.
func kept(folder, text string) (found bool) {
	_ = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || found || filepath.Ext(path) != ".jsonl" {
			return nil // what has gone has not got it
		}
		raw, err := os.ReadFile(path)
		found = err == nil && strings.Contains(string(raw), text)
		return nil
	})
	return found
}

// confined is the best sandbox of this machine.
func confined(t *testing.T) sandbox.Runner {
	t.Helper()
	r, report := ladder.Measure(t.Context())
	if r.Level() == sandbox.None {
		t.Skipf("no sandbox here: %+v", report)
	}
	return r
}

func TestEngine(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("confined", func(t *testing.T) { agenttest.RunEngine(t, program(exe, confined(t), nil)) })
	t.Run("unconfined", func(t *testing.T) { agenttest.RunEngine(t, program(exe, ladder.Unconfined(), nil)) })
}

// The same promises with the real CLI. CLAUDE_CLI names it, as in
//
//	npm install --prefix /tmp/claude-cli @anthropic-ai/claude-code
//	CLAUDE_CLI=/tmp/claude-cli/node_modules/@anthropic-ai/claude-code-linux-x64/claude go test ./internal/agent/claudecode -run Real
func TestRealEngine(t *testing.T) {
	cli := os.Getenv("CLAUDE_CLI")
	if cli == "" {
		t.Skip("CLAUDE_CLI names no real CLI")
	}
	t.Run("confined", func(t *testing.T) { agenttest.RunEngine(t, program(cli, confined(t), nil)) })
	t.Run("unconfined", func(t *testing.T) { agenttest.RunEngine(t, program(cli, ladder.Unconfined(), nil)) })
}
