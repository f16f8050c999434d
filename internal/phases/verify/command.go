package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// command runs the gate's program and judges exit code, output and, for test runners, the tests.
func (v *Verifier) command(ctx context.Context, r *room) (Report, error) {
	if len(r.gate.Run) == 0 {
		return Report{}, errors.New("nothing to run")
	}
	if reason := planner.Vacuous(r.gate); reason != "" {
		return Report{Vacuous: true, Summary: "vacuous: " + reason, Feedback: "This gate proves nothing: " + reason + "."}, nil
	}
	argv := r.fill(r.gate.Run, 0)
	runner := runnerOf(argv)
	if runner == goRunner {
		argv = withEvents(argv)
	}
	out, err := v.execute(ctx, r, argv)
	if err != nil {
		return Report{}, err
	}
	count := runner.count(out)
	report, err := r.judge(out, runner, count)
	if err != nil || !report.Pass || runner != goRunner {
		return report, err
	}
	missing, err := missingTests(r.tree, r.gate.Frozen, count)
	if err != nil || missing == "" {
		return report, err
	}
	report.Pass, report.Vacuous, report.Summary, report.Feedback = false, true, missing, missing
	return report, nil
}

// execute runs argv in the gate's folder, the whole tree writable.
func (v *Verifier) execute(ctx context.Context, r *room, argv []string) (sandbox.Output, error) {
	dir, err := r.dir()
	if err != nil {
		return sandbox.Output{}, err
	}
	c := v.config.Profile.Apply(sandbox.Command{
		Argv: argv, Dir: dir,
		Policy: sandbox.Policy{Write: []string{r.tree, r.data}, Network: r.network()},
		Limits: sandbox.Limits{Time: r.left(), Output: gateOutput},
	})
	fmt.Fprintf(&r.log, "$ %s\n", strings.Join(argv, " "))
	out, err := v.config.Runner.Run(ctx, c)
	if err != nil {
		return out, err
	}
	fmt.Fprintf(&r.log, "%s%s\n(%s after %s)\n", out.Stdout, out.Stderr, ending(out), out.Took)
	return out, nil
}

// judge compares what came with what the gate expects. A run of tests must have run some.
func (r *room) judge(out sandbox.Output, runner testRunner, count tally) (Report, error) {
	least, counted, err := leastTests(r.gate.Expect.Tests)
	if err != nil {
		return Report{}, err
	}
	report := Report{Exit: out.Exit, Tests: len(count.passed)}
	said := clip(count.failures(out))
	var faults []string
	if out.Exit != r.gate.Expect.Exit || out.Signal != "" || out.Exceeded != "" {
		faults = append(faults, fmt.Sprintf("expected exit code %d, but the command %s", r.gate.Expect.Exit, ending(out)))
	}
	if want := r.gate.Expect.Stdout; want != "" && !strings.Contains(string(out.Stdout), want) {
		faults = append(faults, fmt.Sprintf("expected the output to contain %q", want))
	}
	if tests := runner != noRunner || counted; len(faults) == 0 && tests && report.Tests == 0 {
		report.Vacuous = true
		faults = append(faults, "no test ran: "+count.explain())
	}
	if counted && report.Tests < least && !report.Vacuous {
		faults = append(faults, fmt.Sprintf("expected at least %d tests to run and pass, got %d", least, report.Tests))
	}
	report.Pass = len(faults) == 0
	report.Summary = summary(report, runner, faults)
	if !report.Pass {
		report.Feedback = fmt.Sprintf("Gate %s failed: `%s`: %s.\n%s", r.gate.ID, strings.Join(r.gate.Run, " "), strings.Join(faults, "; "), said)
	}
	return report, nil
}

// summary is the report's one line.
func summary(report Report, runner testRunner, faults []string) string {
	switch {
	case !report.Pass:
		return strings.Join(faults, "; ")
	case runner != noRunner:
		return fmt.Sprintf("%d tests passed", report.Tests)
	default:
		return fmt.Sprintf("exit %d", report.Exit)
	}
}

// fill puts port and folders into words.
func (r *room) fill(words []string, port int) []string {
	filled := slices.Clone(words)
	for i := range filled {
		filled[i] = r.fillText(filled[i], port)
	}
	return filled
}

// fillText puts port and folders into text.
func (r *room) fillText(text string, port int) string {
	return strings.NewReplacer("{port}", fmt.Sprint(port), "{data}", r.data, "{tree}", r.tree).Replace(text)
}
