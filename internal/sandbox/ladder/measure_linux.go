package ladder

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// probeTime bounds one round of attempts; they take milliseconds.
const probeTime = 5 * time.Second

// Measure takes the best rung that holds. On each a child tries to break out; a rung that is not
// Full is kept only while no better one is found. The runner's level is the report's.
//
// The first rung that is Full ends the search. With no rung at all the runner is [Unconfined]'s and
// the level None: whoever asked decides whether that will do.
func Measure(ctx context.Context) (sandbox.Runner, Report) {
	best, report := Unconfined(), Report{Mechanism: Nothing, Level: sandbox.None}
	var passed []Passed
	for _, r := range rungs() {
		probes, err := attack(ctx, r)
		found := level(probes)
		switch {
		case err != nil:
			passed = append(passed, Passed{r.name(), err.Error()})
			continue
		case found == sandbox.None:
			passed = append(passed, Passed{r.name(), fmt.Sprintf("did not hold: %v", Report{Probes: probes}.Holes())})
			continue
		}
		if report.Level == sandbox.None || found == sandbox.Full {
			best, report = runner{rung: r, level: found}, Report{Mechanism: r.name(), Level: found, Probes: probes}
		}
		if found == sandbox.Full {
			break
		}
	}
	report.Passed = passed
	return best, report
}

// Unconfined runs commands with nothing but limits, a fixed environment and no process left behind.
// For --no-sandbox.
func Unconfined() sandbox.Runner { return runner{rung: unconfined{}, level: sandbox.None} }

// rungs are those that may work here, best first.
func rungs() []rung {
	var all []rung
	// The system's own program only: profiles that allow it namespaces name that path, and PATH is not ours.
	for _, path := range []string{"/usr/bin/bwrap", "/bin/bwrap"} {
		if found, err := exec.LookPath(path); err == nil {
			all = append(all, bubblewrap{path: found})
			break
		}
	}
	return append(all, namespaces{}, landlockOnly{})
}

// attack runs the attempts on r.
func attack(ctx context.Context, r rung) ([]Probe, error) {
	ground, err := newGround()
	if err != nil {
		return nil, err
	}
	probes, err := ground.attack(ctx, r)
	if cerr := ground.close(); err == nil && cerr != nil {
		err = cerr
	}
	return probes, err
}

// attack sends the prober in and checks its report against what is seen from outside.
func (g *ground) attack(ctx context.Context, r rung) ([]Probe, error) {
	exe, err := os.Executable()
	if err == nil {
		exe, err = filepath.EvalSymlinks(exe)
	}
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	g.Home = slices.DeleteFunc(g.Home, func(path string) bool { return path == exe }) // it is granted
	aim, err := json.Marshal(g.target)
	if err != nil {
		return nil, fmt.Errorf("write target: %w", err)
	}
	out, err := runner{rung: r}.Run(ctx, sandbox.Command{
		Argv: []string{exe, probeWord}, Dir: g.Scratch, Stdin: bytes.NewReader(aim),
		Policy: sandbox.Policy{Write: []string{g.Scratch}, Read: []string{exe}},
		Limits: sandbox.Limits{Time: probeTime},
	})
	if err != nil {
		return nil, err
	}
	var probes []Probe
	if err := json.Unmarshal(out.Stdout, &probes); err != nil || out.Exit != 0 {
		return nil, fmt.Errorf("probe ended with %d %s: %s", out.Exit, out.Signal, bytes.TrimSpace(out.Stderr))
	}
	return g.verify(probes), nil
}
