package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/crash"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

type selftestOptions struct {
	crash  bool
	rounds int
	seed   uint64
	dir    string
	keep   bool
	asJSON bool
}

func newSelftest(a *app) *cobra.Command {
	var o selftestOptions
	c := &cobra.Command{
		Use: "selftest --crash", Short: "Kill builds on this machine at random moments, and show that nothing is lost", Args: cobra.NoArgs,
		Long: `Selftest --crash builds a small project over and over on your disk, kills builder at random moments,
a fifth of them while it recovers from the kill before, stops it, interrupts it and starts it twice,
and goes on with builder resume. After every round and at the end of every build it compares with a build that
ran through: the same files, one commit a task, nothing paid for twice that is not booked, no cap
exceeded, no process, file or lock left. The model is a part of builder that answers on the loopback
and keeps its own bill: nothing is sent to anybody, no key is used, and nothing is left behind.

What it shows is a bound: n crashes without a failure mean that, with 95 % confidence, fewer than 3/n
of such crashes fail. It ends processes; it does not cut the power.`,
		Example: "  builder selftest --crash\n  builder selftest --crash --rounds 200 --dir /mnt/builds",
		RunE:    func(c *cobra.Command, _ []string) error { return a.runSelftest(c.Context(), o) },
	}
	f := c.Flags()
	f.BoolVar(&o.crash, "crash", false, "kill builds and look at what is left")
	f.IntVar(&o.rounds, "rounds", 20, "number of kills; some rounds of every other kind come with them")
	f.Uint64Var(&o.seed, "seed", 0, "draw the rounds of an earlier selftest again; 0: new ones")
	f.StringVar(&o.dir, "dir", "", "folder to work in, on the file system to be tested (default: builder's cache)")
	f.BoolVar(&o.keep, "keep", false, "where something is wrong, keep the builds for a look")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	return c
}

// selftested is what a selftest prints as JSON.
type selftested struct {
	crash.Matrix
	Folder     string `json:"folder"`
	FileSystem string `json:"file_system"`
	Sandbox    string `json:"sandbox"`
	Bound      string `json:"bound"`
}

// selftestTasks and selftestWorkers make a build that takes a few seconds.
const (
	selftestTasks   = 16
	selftestWorkers = 4
)

func (a *app) runSelftest(ctx context.Context, o selftestOptions) (err error) {
	switch {
	case !o.crash:
		return usage("E_USAGE", "as in: builder selftest --crash", "what to test is missing: --crash")
	case o.rounds < 1:
		return usage("E_USAGE", "as in: --rounds 20", "%d rounds are none", o.rounds)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	dir, err := a.selftestDir(o.dir)
	if err != nil {
		return err
	}
	failed := false
	defer func() {
		if !o.keep || !failed {
			err = errors.Join(err, sandbox.RemoveTree(dir))
		}
	}()
	conf, level, err := a.selftestConfig(ctx, o, dir)
	if err != nil {
		return err
	}
	m, err := crash.Run(ctx, conf)
	if ctx.Err() != nil {
		return &fault{code: "E_INTERRUPTED", what: "the selftest was stopped; it left nothing behind", hint: "begin again with: builder selftest --crash", exit: exitInterrupted, err: err}
	}
	if err != nil {
		return &fault{code: "E_SELFTEST", what: err.Error(), hint: "what works here says: builder doctor", exit: exitFailed, err: err}
	}
	failed = len(m.Wrong) > 0
	return a.tellSelftest(o, selftested{Matrix: m, Folder: dir, FileSystem: crash.FileSystem(dir), Sandbox: string(level), Bound: m.Bound()})
}

// selftestDir makes the folder that everything happens in.
func (a *app) selftestDir(in string) (string, error) {
	if in == "" {
		cache, err := a.cacheDir()
		if err != nil {
			return "", err
		}
		if err := os.MkdirAll(cache, 0o700); err != nil {
			return "", fmt.Errorf("make folder: %w", err)
		}
		in = cache
	}
	abs, err := filepath.Abs(in)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", usage("E_WORKSPACE", "name a folder that is there and may be written", "%s", err)
	}
	dir, err := os.MkdirTemp(abs, "builder-selftest-*")
	if err != nil {
		return "", usage("E_WORKSPACE", "name a folder that is there and may be written", "%s", err)
	}
	return dir, nil
}

func (a *app) selftestConfig(ctx context.Context, o selftestOptions, dir string) (crash.Config, sandbox.Level, error) {
	exe, err := os.Executable()
	if err != nil {
		return crash.Config{}, "", fmt.Errorf("find builder itself: %w", err)
	}
	_, report := ladder.Measure(ctx)
	var args []string
	if report.Level == sandbox.None {
		args = append(args, "--no-sandbox") // the commands are ours
	}
	seed := o.seed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano()) % 1_000_000_007
	}
	a.say("killing builder %d times in %s, on %s; seed %d", o.rounds, dir, crash.FileSystem(dir), seed)
	return crash.Config{
		Exe: exe, Args: args, Path: a.getenv("PATH"), Dir: dir, Job: crash.Small(selftestTasks), Workers: selftestWorkers, Seed: seed,
		Model: func() (crash.Model, error) { return crash.NewAnswerer(15 * time.Millisecond) },
		Kills: o.rounds, Others: (o.rounds + 9) / 10, Stopped: time.Second, Cap: 4,
		Tell: func(line string) { a.say("%s", line) },
	}, report.Level, nil
}

func (a *app) tellSelftest(o selftestOptions, s selftested) error {
	if o.asJSON {
		if err := writeJSON(a.out, s); err != nil {
			return err
		}
	} else if err := a.showMatrix(s); err != nil {
		return err
	}
	if len(s.Wrong) == 0 {
		return nil
	}
	hint := fmt.Sprintf("please report it with what was printed; the same again: builder selftest --crash --rounds %d --seed %d --keep", o.rounds, s.Seed)
	return &fault{code: "E_SELFTEST", what: fmt.Sprintf("%d things are wrong after crashes on this machine", len(s.Wrong)), hint: hint, exit: exitFailed}
}

// kindWords say what a kind is, for people.
func kindWords() map[crash.Kind]string {
	return map[crash.Kind]string{
		crash.Kill: "kill -9", crash.Recovery: "kill -9 in recovery", crash.Terminate: "SIGTERM", crash.Interrupt: "Ctrl-C twice",
		crash.Stop: "stopped, then kill -9", crash.Two: "started twice, then kill -9",
	}
}

func (a *app) showMatrix(s selftested) error {
	w, words := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0), kindWords()
	fmt.Fprintln(w, "HOW IT WAS ENDED\tROUNDS\tWENT ON\tFAILED\tCALLS IN FLIGHT\tAFTER (MEAN)")
	for _, k := range s.Kinds {
		mean := time.Duration(0)
		if k.Rounds > 0 {
			mean = (k.Took / time.Duration(k.Rounds)).Round(time.Millisecond)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\n", words[k.Kind], k.Rounds, k.Rounds-k.Failed, k.Failed, k.Flying, mean)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\n%d builds of %d tasks by %d workers on %s, sandbox %s, in %s; seed %d\n", s.Builds, s.Tasks, s.Workers, s.FileSystem, s.Sandbox, s.Took.Round(100*time.Millisecond), s.Seed)
	fmt.Fprintf(a.out, "%d calls, %d made again, %d booked as unknown; %d clock steps, %d caps raised\n", s.Calls, s.Again, s.Unknown, s.Steps, s.Raised)
	for _, wrong := range s.Wrong {
		fmt.Fprintln(a.out, "WRONG: "+tidy(wrong, a.secrets()))
	}
	_, err := fmt.Fprintln(a.out, s.Bound)
	return err
}
