package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/claudecode"
	"github.com/seed-c331f47d/builder/internal/budget/gateway"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// programs carries attempts out by the Claude Code CLI; its calls come in through a gateway of the
// build's own. It is a phases.Programs.
type programs struct {
	cli    *claudecode.Program
	gate   *gateway.Gateway
	folder string // of the CLI's sessions, each in a folder of its name
	writer *phases.Writer
	warn   func(error)

	mu      sync.Mutex
	version string // of the CLI, once it has said so
}

// openPrograms finds the CLI and opens the gateway; nil for the native engine.
func (w *works) openPrograms(ctx context.Context, s *session, writer *phases.Writer) (*programs, error) {
	if s.set.Engine != config.ClaudeCode {
		return nil, nil
	}
	folder, login := filepath.Join(s.store.build(s.store.id), "claude"), ""
	if s.set.login() {
		login = w.app.claudeLogin()
	}
	cli, err := claudecode.New(claudecode.Config{
		Credentials: login, CLI: s.set.Claude, Folder: folder, Runner: w.runner, Profile: w.agents,
		Tell: func(task, line string) { s.view.Say(tidy(task+"  "+line, w.app.secrets())) },
	})
	if err != nil {
		return nil, w.app.noClaude(err)
	}
	base, address, key := s.provider()
	warn := func(err error) { w.app.say("warning: %s", err) }
	gate, err := gateway.New(ctx, gateway.Config{
		Anthropic: behind(base, address, key, s.set.table), Ledger: writer, Spools: spools{s.store.spools, s.store.roomy}, Blobs: contents{s.store.blobs},
		Warn: warn,
	})
	if err != nil {
		return nil, err
	}
	p := &programs{cli: cli, gate: gate, folder: folder, writer: writer, warn: warn}
	p.tidy(ctx)
	return p, nil
}

// noClaude says that the CLI cannot be had, and how it can.
func (a *app) noClaude(err error) error {
	return usage("E_ENGINE", "install it: npm install -g @anthropic-ai/claude-code; or say where it is, in "+config.UserPath(a.env)+": claude_cli: /path/to/claude", "%s", err)
}

// checkEngine looks, before anything is written, for what the engine of a build needs.
func (a *app) checkEngine(s settings, planned bool) error {
	if s.Engine != config.ClaudeCode {
		return nil
	}
	if s.Provider == providerOpenAI {
		return usage("E_USAGE", "use --provider anthropic or offline with --engine claude-code", "Claude Code does not speak to provider %s", s.Provider)
	}
	if err := claudecode.Find(s.Claude, a.getenv("PATH")); err != nil {
		return a.noClaude(err)
	}
	if !s.login() {
		return nil
	}
	if _, err := os.Stat(a.claudeLogin()); err != nil {
		return usage("E_PROVIDER_AUTH", "log in with: claude; or export ANTHROPIC_API_KEY=…", "billing is subscription, and there is no login of Claude Code: %s", err)
	}
	if !planned {
		return usage("E_PROVIDER_AUTH", "make the plan first: builder plan SPEC --provider offline -o plan.yaml; then: builder build --plan plan.yaml -o DIR", "a subscription carries tasks out; planning needs the variable ANTHROPIC_API_KEY")
	}
	return nil
}

// claudeLogin is where the CLI keeps the user's login.
func (a *app) claudeLogin() string {
	dir := a.getenv("CLAUDE_CONFIG_DIR")
	if dir == "" {
		dir = filepath.Join(a.getenv("HOME"), ".claude")
	}
	return filepath.Join(dir, ".credentials.json")
}

// close ends what is left of calls; there are none when no attempt is under way.
func (p *programs) close(ctx context.Context) error {
	if p == nil {
		return nil
	}
	err := p.gate.Close(ctx)
	p.tidy(ctx)
	return err
}

// tidy sweeps. What cannot be removed is a warning: it changes nothing about the build.
func (p *programs) tidy(ctx context.Context) {
	if err := p.sweep(ctx); err != nil {
		p.warn(fmt.Errorf("sessions of Claude Code, which may hold a copy of your login, are left in %s: %w", p.folder, err))
	}
}

// sweep removes the sessions that nobody goes on with: conversations, and the copy of a login.
func (p *programs) sweep(ctx context.Context) error {
	var open []string
	if err := p.writer.View(ctx, func(s *phases.State) { open = s.OpenSessions() }); err != nil {
		return err
	}
	entries, err := os.ReadDir(p.folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !slices.Contains(open, e.Name()) {
			err = errors.Join(err, sandbox.RemoveTree(filepath.Join(p.folder, e.Name())))
		}
	}
	if err == nil && len(open) == 0 {
		err = os.Remove(p.folder)
	}
	return err
}

// Versions implements phases.Programs. The CLI is asked once.
func (p *programs) Versions(ctx context.Context) (program, prompts string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version == "" {
		if v, err := p.cli.Version(ctx); err == nil { // else its run says what is wrong
			p.version = v
		}
	}
	return p.version, claudecode.PromptVersion()
}

// Run implements phases.Programs.
func (p *programs) Run(ctx context.Context, r phases.ProgramRun) (agent.Result, error) {
	ticket, err := p.gate.Open(ctx, gateway.Task{Op: r.Op, Phase: string(r.Phase), Enter: r.Enter})
	if err != nil {
		return agent.Result{}, err
	}
	res, err := p.cli.Engine(r.Job, way{p.gate, ticket}).Run(ctx, r.Job.Task)
	ending, cancel := r.Stop.Sending(ctx)
	defer cancel()
	ticket.Close(ending)
	if broken := ticket.Err(); broken != nil {
		err = errors.Join(broken, err)
	}
	return res, err
}

// way is an attempt's way to its model.
type way struct {
	gate   *gateway.Gateway
	ticket *gateway.Ticket
}

// URL implements agent.Way.
func (w way) URL() string { return w.ticket.URL }

// Serve implements agent.Way.
func (w way) Serve(l net.Listener) { w.gate.Serve(l) }

// Stopped implements agent.Way.
func (w way) Stopped() error {
	if err := w.ticket.Err(); err != nil {
		return err
	}
	if no := w.ticket.Stopped(); no != nil {
		return no
	}
	return nil
}

// Calls implements agent.Way.
func (w way) Calls() int64 { return w.ticket.Counts().Sent }
