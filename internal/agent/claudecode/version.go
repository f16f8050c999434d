package claudecode

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// Version asks the CLI for its version, as "2.1.197 (Claude Code)". It runs in a sandbox, without a way.
func (p *Program) Version(ctx context.Context) (string, error) {
	held, err := sandbox.NewTemp("claude")
	if err != nil {
		return "", err
	}
	defer func() { _ = held.Remove() }() // a sweep takes what is left
	out, err := p.conf.Runner.Run(ctx, p.conf.Profile.Apply(sandbox.Command{
		Argv: append(append([]string(nil), p.place.argv...), "--version"), Dir: held.Path,
		Env:    map[string]string{"CLAUDE_CONFIG_DIR": held.Path},
		Policy: sandbox.Policy{Write: []string{held.Path}, Read: p.place.read}, Limits: sandbox.Limits{Time: time.Minute},
	}))
	if err != nil {
		return "", fmt.Errorf("ask claude code for its version: %w", err)
	}
	version := strings.TrimSpace(string(out.Stdout))
	if out.Exit != 0 || version == "" {
		return "", fmt.Errorf("ask claude code for its version: exit %d: %s", out.Exit, clip(strings.TrimSpace(string(out.Stderr)), 400))
	}
	return version, nil
}
