package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// ErrKind answers a gate that is not run here, as reviews are not.
var ErrKind = errors.New("kind of gate is not run by commands")

// gateTime is the time of a gate that sets none.
const gateTime = 5 * time.Minute

// gateOutput is what is kept of each command's output: the events of a large test suite fit.
const gateOutput = 32 << 20

// Config is what a Verifier needs.
type Config struct {
	Runner  sandbox.Runner
	Profile sandbox.Profile // the toolchains, with caches that no agent can write
}

// Verifier runs gates. It is safe for concurrent use on different trees.
type Verifier struct {
	config   Config
	patience patience
}

// patience is how long a server may take.
type patience struct {
	ready  time.Duration // to answer at all
	answer time.Duration // to answer one request
	end    time.Duration // to end after SIGTERM
}

// New returns a Verifier.
func New(c Config) *Verifier {
	return &Verifier{config: c, patience: patience{ready: time.Minute, answer: 15 * time.Second, end: 10 * time.Second}}
}

// Request is one gate on one tree.
type Request struct {
	Gate    planner.Gate
	Tree    string // absolute real folder; written to by builds and tests
	Project string // for the log only
}

// Report is what a gate showed.
type Report struct {
	Pass      bool
	Vacuous   bool   // it proved nothing, whatever it showed; Pass is false
	Exit      int    // of the command, or of the server at its end
	Tests     int    // that ran and passed
	Summary   string // one line
	Feedback  string // for the agent; "" when it passed
	Signature string // equal for equal failures; "" when it passed
	Log       []byte // everything
}

// Run runs one gate. An error is ours; a gate that fails is a Report.
func (v *Verifier) Run(ctx context.Context, r Request) (Report, error) {
	g := r.Gate
	if !filepath.IsAbs(r.Tree) {
		return Report{}, fmt.Errorf("run gate %s: tree %q is not absolute", g.ID, r.Tree)
	}
	kinds := map[planner.GateKind]func(context.Context, *room) (Report, error){
		planner.GateCommand:    v.command,
		planner.GateTranscript: v.transcript,
		planner.GateHTTP:       v.http,
		planner.GateFile:       v.files,
	}
	run, ok := kinds[g.Kind]
	if !ok {
		return Report{}, fmt.Errorf("run gate %s: %q: %w", g.ID, g.Kind, ErrKind)
	}
	if err := layFrozen(r.Tree, g.Frozen); err != nil {
		return Report{}, fmt.Errorf("run gate %s: %w", g.ID, err)
	}
	room, err := newRoom(r)
	if err != nil {
		return Report{}, fmt.Errorf("run gate %s: %w", g.ID, err)
	}
	report, err := room.lacking()
	if report == nil && err == nil {
		var came Report
		came, err = run(ctx, room)
		report = &came
	}
	if rerr := room.remove(); err == nil {
		err = rerr
	}
	if err != nil {
		return Report{}, fmt.Errorf("run gate %s: %w", g.ID, err)
	}
	return room.finish(*report), nil
}

// room is where one gate runs: the tree, a fresh empty data folder, a clock.
type room struct {
	gate     planner.Gate
	tree     string
	temp     *sandbox.Temp
	data     string // its path
	deadline time.Time
	log      strings.Builder
}

// newRoom makes the data folder.
func newRoom(r Request) (*room, error) {
	tree, err := filepath.EvalSymlinks(r.Tree)
	if err != nil {
		return nil, fmt.Errorf("resolve tree: %w", err)
	}
	data, err := sandbox.NewTemp("data")
	if err != nil {
		return nil, err
	}
	room := &room{gate: r.Gate, tree: tree, temp: data, data: data.Path, deadline: time.Now().Add(cmp.Or(r.Gate.Timeout, gateTime))}
	fmt.Fprintf(&room.log, "gate %s (%s) of %s\n", r.Gate.ID, r.Gate.Kind, r.Project)
	return room, nil
}

// remove deletes the data folder.
func (r *room) remove() error { return r.temp.Remove() }

// left is the time that the gate still has, at least a moment, so that zero never means the default.
func (r *room) left() time.Duration { return max(time.Until(r.deadline), time.Millisecond) }

// lacking is the report of a gate whose folder the tree does not have: that is the work's fault, as
// on the base tree of a task that makes it. nil means that it is there.
func (r *room) lacking() (*Report, error) {
	if r.gate.Dir == "" {
		return nil, nil
	}
	dir, err := r.dir()
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(dir)
	if err == nil && sandbox.Within(r.tree, real) {
		if info, err := os.Stat(real); err == nil && info.IsDir() {
			return nil, nil
		}
	}
	said := "the tree has no folder " + r.gate.Dir
	return &Report{Summary: said, Feedback: fmt.Sprintf("Gate %s failed: %s.", r.gate.ID, said)}, nil
}

// dir is the folder that the gate names, below the tree.
func (r *room) dir() (string, error) {
	if r.gate.Dir != "" && !filepath.IsLocal(r.gate.Dir) {
		return "", fmt.Errorf("folder %q lies outside the tree", r.gate.Dir)
	}
	return filepath.Join(r.tree, r.gate.Dir), nil
}

// network says whether the gate is granted the registries.
func (r *room) network() bool { return r.gate.Network == planner.NetworkRegistries }

// finish completes a report: the log, and for a failure words without paths, and the signature.
func (r *room) finish(report Report) Report {
	report.Log = []byte(r.log.String())
	report.Summary = firstLine(r.clean(report.Summary))
	if report.Pass {
		report.Feedback, report.Signature = "", ""
		return report
	}
	report.Feedback = r.clean(report.Feedback)
	report.Signature = signature(string(r.gate.ID), report.Feedback)
	return report
}
