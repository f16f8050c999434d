package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
	"github.com/seed-c331f47d/builder/internal/agent/pace"
	"github.com/seed-c331f47d/builder/internal/agent/tools"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/verify"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

// works are the adapters of one process: everything a build needs of the machine, measured and
// checked before anything is written or sent.
type works struct {
	app    *app
	spec   *planner.Spec
	runner sandbox.Runner
	report ladder.Report
	agents sandbox.Profile // caches of its own: what gates read, agents cannot write
	gates  sandbox.Profile
	tools  []toolchain.Tool
	plans  planCache
	again  string // the command that goes on
	revise func(context.Context, planner.Asker, *planner.Plan, string) (*planner.Plan, error)

	asking sync.Mutex
	asked  *[]toolchain.Tool // with their versions

	programs   *programs // nil for the native engine
	scratch    *os.File  // holds the folder for scratch trees; nil before the engine
	measured   *measurement
	unconfined bool // the user allows a machine without a sandbox
}

// works finds the toolchains, and begins to measure the sandbox: runner and report are there after
// confined. Whoever is given works calls release.
func (a *app) works(ctx context.Context, spec *planner.Spec, s settings) (*works, error) {
	w := &works{app: a, spec: spec, unconfined: s.Sandbox == "off", measured: measure(ctx)}
	if err := w.detect(ctx); err != nil {
		w.release()
		return nil, err
	}
	return w, nil
}

// release ends the measurement where confined was not reached, and lets go of the scratch trees, and of their folder when it
// is empty.
func (w *works) release() {
	w.measured.stop()
	if w.scratch != nil {
		_ = os.Remove(w.scratch.Name()) // stays where something is in it
		_ = w.scratch.Close()           // opened for reading only
	}
}

// detect finds the toolchains.
func (w *works) detect(ctx context.Context) error {
	cache, err := w.app.cacheDir()
	if err != nil {
		return err
	}
	if w.agents, w.tools, err = toolchain.Detect(ctx, filepath.Join(cache, "toolchains", "agents"), w.app.env); err != nil {
		return err
	}
	w.gates, _, err = toolchain.Detect(ctx, filepath.Join(cache, "toolchains", "gates"), w.app.env)
	return err
}

// cacheDir is $XDG_CACHE_HOME/builder: scratch trees and caches, all of which may be deleted while
// no build runs.
func (a *app) cacheDir() (string, error) {
	return a.xdg("XDG_CACHE_HOME", ".cache")
}

// stateDir is $XDG_STATE_HOME/builder: the builds known on this machine.
func (a *app) stateDir() (string, error) {
	return a.xdg("XDG_STATE_HOME", filepath.Join(".local", "state"))
}

func (a *app) xdg(name, below string) (string, error) {
	if dir := a.getenv(name); filepath.IsAbs(dir) {
		return filepath.Join(dir, "builder"), nil
	}
	home := a.getenv("HOME")
	if !filepath.IsAbs(home) {
		return "", usage("E_HOME", "export HOME=…", "neither HOME nor %s names a folder", name)
	}
	return filepath.Join(home, below, "builder"), nil
}

// missing says which programs a plan runs that are not on this machine.
func (w *works) missing(p *planner.Plan) error {
	var lost []string
	have := func(name string) bool {
		if strings.Contains(name, "/") {
			return true // built by the plan itself
		}
		_, err := lookPath(name, w.gates.Env["PATH"])
		return err == nil
	}
	add := func(argv []string) {
		if len(argv) > 0 && !have(argv[0]) {
			lost = append(lost, argv[0])
		}
	}
	for _, s := range p.Setup {
		add(s.Run)
	}
	for _, g := range p.Gates {
		add(g.Run)
		add(g.Start)
	}
	if len(lost) == 0 {
		return nil
	}
	return usage("E_TOOLCHAIN", "install it and put it on PATH; what is here: builder doctor", "the plan runs programs that are not on this machine: %s", strings.Join(dedupe(lost), ", "))
}

func dedupe(names []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, n := range names {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// lookPath finds a program in a PATH that is not this process's own.
func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("find %s on PATH: %w", name, os.ErrNotExist)
}

// preflight pauses a build whose plan needs what is not here, before its tasks cost money.
func (w *works) preflight(_ context.Context, p *planner.Plan) error {
	err := w.missing(p)
	var f *fault
	if errors.As(err, &f) {
		return &phases.PauseError{Reason: phases.Reason{Code: f.code, Message: f.what, Hint: f.hint + "; then: " + w.again}, Err: err}
	}
	return err
}

// engine joins everything for one run of a build.
func (w *works) engine(ctx context.Context, s *session, writer *phases.Writer, stop phases.Stop) (*phases.Engine, error) {
	model, err := w.model(s, writer)
	if err != nil {
		return nil, err
	}
	var newest string
	if err := writer.View(ctx, func(st *phases.State) { newest = st.Head }); err != nil {
		return nil, err
	}
	repo, err := openRepo(ctx, s.store, newest)
	if err != nil {
		return nil, err
	}
	cache, err := w.app.cacheDir()
	if err != nil {
		return nil, err
	}
	scratch := filepath.Join(cache, s.store.id)
	if w.scratch, err = holdScratch(scratch); err != nil {
		return nil, err
	}
	if err := sandbox.Sweep(); err != nil { // what a killed process left harms nobody
		w.app.say("warning: %s", err)
	}
	if s.reopen {
		if _, err := phases.Reopen(ctx, writer); err != nil {
			return nil, err
		}
	}
	pacer, err := w.pacer(ctx, s, writer)
	if err != nil {
		return nil, err
	}
	least, err := w.least(s.set)
	if err != nil {
		return nil, err
	}
	e := &phases.Engine{
		Workers: s.set.Workers, Throttle: &phases.Throttle{}, Cost: least, Pace: pacer, Writer: writer, Blobs: s.store.blobs, Trees: workspace.NewTrees(s.store.blobs, workspace.Limits{}), Repo: branch{repo, s.again},
		Gates: gates{verify.New(verify.Config{Runner: w.runner, Profile: w.gates}), s.hasRoom}, Bench: w, Model: model,
		Spec: w.spec, Draft: s.set.drafter(), Revise: w.revise, Preflight: w.preflight, Scratch: scratch, Facts: w.facts(s.set.Provider), Stop: stop,
		Space: s.space, Again: s.again,
		Set: s.set.engine(),
	}
	if w.programs, err = w.openPrograms(ctx, s, writer); w.programs != nil {
		e.Program, e.Programs = s.set.Engine, w.programs
	}
	return e, err
}

// Tools implements phases.Workbench.
func (w *works) Tools(_ context.Context, scratch string, task planner.Task, shared []string) (agent.Toolbox, error) {
	return tools.New(tools.Config{Root: scratch, Runner: w.runner, Profile: w.agents, Writes: task.Writes, Shared: shared}), nil
}

// provider is who answers a build's calls: how it is reached, where, and with which key.
func (s *session) provider() (base http.RoundTripper, address, key string) {
	if s.set.Provider == providerOffline {
		base = offline.NewTransport(offline.Handler(offline.Options{As: s.set.Model, Also: s.set.models.All("")}))
		return endpoint.Patience{Base: base}, "http://offline.localhost", "offline"
	}
	return endpoint.Patience{}, s.set.BaseURL, s.set.apiKey
}

// model joins a provider's client to the meter: there is no other way to a provider.
func (w *works) model(s *session, ledger meter.Ledger) (agent.Model, error) {
	base, address, key := s.provider()
	rt := &meter.Transport{
		Base: base, Origin: address, Count: true, Ledger: ledger, Spools: spools{s.store.spools, s.store.roomy}, Blobs: contents{s.store.blobs}, KeepRequests: true,
		Prices: func(model string) (budget.Price, error) { return s.set.table.Lookup(model, time.Now()) },
		Warn:   func(err error) { w.app.say("warning: %s", err) },
	}
	lost := func(err error) bool { return errors.Is(err, meter.ErrIncomplete) && !errors.Is(err, meter.ErrUnkept) }
	if s.set.Provider == providerOpenAI {
		return openai.New(openai.Config{HTTPClient: meter.NewClient(rt), BaseURL: address, API: openai.API(s.set.API), Key: endpoint.Secret(key), Lost: lost})
	}
	return anthropic.New(anthropic.Config{HTTPClient: meter.NewClient(rt), BaseURL: address, Key: endpoint.Secret(key), Lost: lost})
}

// pacer is the pace of all sends of this process. What is left of a wait of the last one is served.
func (w *works) pacer(ctx context.Context, s *session, writer *phases.Writer) (*pace.Pacer, error) {
	var until time.Time
	if err := writer.View(ctx, func(st *phases.State) { until = st.WaitUntil(time.Now()) }); err != nil {
		return nil, err
	}
	how := ""
	if time.Until(until) > 0 {
		how = "; to ask at once: Ctrl-C, then: " + s.again + " --now"
	}
	return pace.New(pace.Options{NotBefore: until, Tell: func(until time.Time, why string) {
		s.view.Say(fmt.Sprintf("waiting until %s: %s%s", until.Local().Format(time.TimeOnly), why, how))
	}}), nil
}

// recover implements phases.Reader by the meter's reading of spools.
func (w *works) recover(h budget.Hold, spool []byte) budget.Settlement {
	return meter.Recover(context.Background(), h, spool)
}

// plan is the plan of a state; nil while there is none.
func (w *works) plan(s *phases.State) *planner.Plan { return w.plans.of(s) }

// repoFault gives errors of the repository their codes, for a build that is to begin there; see trouble.
func repoFault(dir string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, workspace.ErrDirty):
		return usage("E_WORKSPACE_DIRTY", "commit or undo the changes, or choose a new folder", "%s", err)
	case errors.Is(err, workspace.ErrForeignFiles), errors.Is(err, workspace.ErrForeignRepo), errors.Is(err, workspace.ErrNotFolder):
		return usage("E_WORKSPACE", "choose a new or empty folder", "%s", err)
	case errors.Is(err, workspace.ErrUnsupported):
		return usage("E_REPO_STATE", "choose a new or empty folder", "%s", err)
	case errors.Is(err, workspace.ErrBusy):
		return usage("E_REPO_BUSY", "wait for the other git program, or remove the lock file it left", "%s", err)
	}
	return err
}

// checkRepo looks at an output folder that is there, and writes nothing.
func checkRepo(ctx context.Context, dir string, entries []os.DirEntry) error {
	if len(entries) == 0 {
		return nil
	}
	_, err := workspace.Init(ctx, dir, &checkpoint.MemoryBlobs{})
	return repoFault(dir, err)
}

// openRepo opens the application's repository, and makes it first when a build has no commit yet, whose
// newest one is newest.
func openRepo(ctx context.Context, st *store, newest string) (*workspace.Repo, error) {
	open := workspace.Open
	if err := st.hasRepo(); newest == "" && err != nil {
		open = workspace.Init
	} else if err != nil {
		return nil, err
	}
	return open(ctx, st.app, st.blobs)
}

// branch is the repository to the engine: one that another git program works on is no fault of
// ours, the build waits for its user.
type branch struct {
	*workspace.Repo
	again string
}

// Commit implements phases.Repo.
func (b branch) Commit(ctx context.Context, chain ...phases.CommitDraft) (string, error) {
	id, err := b.Repo.Commit(ctx, chain...)
	return id, b.busy(err)
}

// Checkout implements phases.Repo.
func (b branch) Checkout(ctx context.Context, from, to phases.Manifest) ([]string, error) {
	edits, err := b.Repo.Checkout(ctx, from, to)
	return edits, b.busy(err)
}

// Index brings git's index along with a commit of the user's folder.
func (b branch) Index(ctx context.Context, to phases.Manifest, before ...phases.Manifest) error {
	return b.busy(b.Repo.Index(ctx, to, before...))
}

func (b branch) busy(err error) error {
	if !errors.Is(err, workspace.ErrBusy) {
		return err
	}
	return &phases.PauseError{Err: err, Reason: phases.Reason{
		Code: "E_REPO_BUSY", Message: err.Error(), Hint: "wait for the other git program, or remove the lock file it left, then: " + b.again,
	}}
}

// gates runs checks in the words of phases.
type gates struct {
	*verify.Verifier
	room func(context.Context) error
}

// Run implements phases.Gates. What fails on a full disk proves nothing: the build pauses, and the
// gate runs again.
func (g gates) Run(ctx context.Context, r phases.GateRun) (phases.GateReport, error) {
	rep, err := g.Verifier.Run(ctx, verify.Request{Gate: r.Gate, Tree: r.Tree, Project: r.Project})
	if err == nil && !rep.Pass {
		err = g.room(ctx)
	}
	return phases.GateReport{
		Pass: rep.Pass, Vacuous: rep.Vacuous, Exit: rep.Exit, Tests: rep.Tests, Short: rep.Summary,
		Feedback: rep.Feedback, Signature: rep.Signature, Log: rep.Log,
	}, err
}
