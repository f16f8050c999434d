package tools

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

//go:embed run.md
var runWords string

const runSchema = `{"type":"object","properties":{"command":{"type":"string"},"argv":{"type":"array","items":{"type":"string"}},"dir":{"type":"string"},"timeout_seconds":{"type":"integer","minimum":1}},"additionalProperties":false}`

const mostCommand = 128 << 10 // bytes of a command with its arguments

type runInput struct {
	Command string   `json:"command"`
	Argv    []string `json:"argv"`
	Dir     string   `json:"dir"`
	Timeout int      `json:"timeout_seconds"`
}

func (t *Toolbox) runTool() tool {
	run := define("run", runWords, runSchema, false, t.run)
	run.def.Tells = false // a command may do anything
	return run
}

func (t *Toolbox) run(ctx context.Context, root *os.Root, in runInput) (agent.ToolResult, error) {
	argv, err := in.argv()
	if err != nil {
		return agent.ToolResult{}, err
	}
	dir, err := t.folder(root, in.Dir)
	if err != nil {
		return agent.ToolResult{}, err
	}
	out, err := t.conf.Runner.Run(ctx, t.conf.Profile.Apply(sandbox.Command{
		Argv: argv, Dir: dir, Limits: t.limits(in.Timeout),
		Policy: sandbox.Policy{Write: []string{t.conf.Root}, Network: t.conf.Network},
	}))
	switch {
	case ctx.Err() != nil:
		return agent.ToolResult{}, fmt.Errorf("run command: %w", context.Cause(ctx)) // what it printed is not its answer
	case err != nil:
		return agent.ToolResult{}, fmt.Errorf("run command: %w", err)
	}
	res := agent.ToolResult{Text: report(out, t.limits(in.Timeout)), Error: out.Exit != 0 || out.TimedOut}
	if len(out.Stdout)+len(out.Stderr) > len(res.Text) {
		res.Full = valid(out.Stdout) + "\n[stderr]\n" + valid(out.Stderr)
	}
	return res, nil
}

// argv is the command as program and arguments. A line is run by the sandbox's shell, never by ours.
func (in runInput) argv() ([]string, error) {
	argv := in.Argv
	switch {
	case in.Command != "" && len(in.Argv) > 0:
		return nil, fault(CodeCmdInvalid, "give command or argv, not both")
	case in.Command != "":
		argv = []string{"sh", "-c", in.Command}
	case len(argv) == 0 || argv[0] == "":
		return nil, fault(CodeCmdInvalid, "the command is empty; give a line in command, or a list in argv")
	}
	size := 0
	for _, arg := range argv {
		if strings.ContainsRune(arg, 0) {
			return nil, fault(CodeCmdInvalid, "the command holds a NUL byte")
		}
		size += len(arg) + 1
	}
	if size > mostCommand {
		return nil, fault(CodeCmdInvalid, "the command has %d bytes, at most %d; write long input to a file", size, mostCommand)
	}
	return argv, nil
}

// folder is the absolute folder to run in; it is in the tree and reached through no link.
func (t *Toolbox) folder(root *os.Root, path string) (string, error) {
	p, err := walk(root, path, false)
	if err != nil {
		return "", err
	}
	defer p.close()
	if p.name == "." {
		return filepath.Clean(t.conf.Root), nil
	}
	dir, err := enter(p.dir, p.name, p.path, false)
	if err != nil {
		return "", err
	}
	_ = dir.Close() // only a descriptor
	return filepath.Join(t.conf.Root, filepath.FromSlash(p.path)), nil
}

// limits are the configured ones; a command may ask for less time, not for more.
func (t *Toolbox) limits(seconds int) sandbox.Limits {
	limits := t.conf.Limits
	if limits.Time == 0 {
		limits.Time = sandbox.DefaultLimits().Time
	}
	if seconds > 0 && seconds < int(limits.Time/time.Second) {
		limits.Time = time.Duration(seconds) * time.Second
	}
	return limits
}

// report is what the model reads: how it ended, then stdout, then stderr.
func report(out sandbox.Output, limits sandbox.Limits) string {
	var b strings.Builder
	switch {
	case out.TimedOut:
		fmt.Fprintf(&b, "%s: ended after %s\n", CodeCmdTimeout, limits.Time)
	case out.Exceeded == "processes":
		fmt.Fprintf(&b, "%s: ended, it started too many processes\n", CodeCmdPids)
	case out.Signal != "" || out.Exit < 0:
		fmt.Fprintf(&b, "%s: signal %q\n", CodeCmdKilled, out.Signal)
	default:
		fmt.Fprintf(&b, "exit %d\n", out.Exit)
	}
	if out.Dropped > 0 {
		fmt.Fprintf(&b, "[%d bytes of output were dropped]\n", out.Dropped)
	}
	stdout, stderr := valid(out.Stdout), valid(out.Stderr)
	errRoom := max(mostShown/2, mostShown-len(stdout))
	stderr = shorten(stderr, errRoom)
	b.WriteString(shorten(stdout, max(mostShown/2, mostShown-len(stderr))))
	if stderr != "" {
		if stdout != "" && !strings.HasSuffix(stdout, "\n") {
			b.WriteByte('\n')
		}
		b.WriteString("[stderr]\n" + stderr)
	}
	return b.String()
}
