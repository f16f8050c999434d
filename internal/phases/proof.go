package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// prover proves candidates: it runs a task's gates on a tree materialised fresh from its manifest,
// after the plan's setup steps. It is what an agent's `finish` asks.
//
// The rules are: the candidate is the scanned manifest and nothing else; a write outside the task's
// claims, or where a gate has files of its own, fails the round; gates run in the plan's order in one fresh tree; a gate that fails ends the
// round when what comes after feeds on it; a vacuous gate does not pass.
type prover struct {
	door  Door
	trees Trees
	gates Gates
	plan  *planner.Plan
	task  planner.Task
	at    *attempt
	dir   string // scratch tree of the agent
	fresh string // folder for candidates
	base  Manifest
	bench *bench
	// keep are gates of other tasks that must stay green as well: the task came back from a merge.
	keep    []planner.GateID
	rebased *TaskRebased
	// credit is the task whose candidate is proven, where the op is not its own.
	credit planner.TaskID
	// proven is the candidate that passed; "" until one did.
	proven checkpoint.Hash
}

// Verify implements agent.Verifier.
func (p *prover) Verify(ctx context.Context, _ string) (agent.Verdict, error) {
	m, tree, verdict, err := p.candidate(ctx)
	if err != nil || verdict != nil {
		return deref(verdict), err
	}
	if v := p.outside(m); v != nil {
		return *v, nil
	}
	if v := p.tampered(m); v != nil {
		return *v, nil
	}
	if v, err := p.unresolved(ctx, m); v != nil || err != nil {
		return deref(v), err
	}
	failed, err := p.prove(ctx, m, tree, append(slices.Clone(p.task.Gates), p.keep...))
	v := verdictOf(failed)
	if err == nil && v.Accepted {
		p.proven = tree
	}
	return v, err
}

// red is a gate, or a setup step, that failed.
type red struct {
	gate planner.GateID
	GateReport
}

func deref(v *agent.Verdict) agent.Verdict {
	if v == nil {
		return agent.Verdict{}
	}
	return *v
}

// candidate takes the scratch tree's manifest, as the journal recorded it last.
func (p *prover) candidate(ctx context.Context) (Manifest, checkpoint.Hash, *agent.Verdict, error) {
	e := Effect{Op: p.at.next(), Kind: EffectTool, Name: "candidate", Tree: p.bench.kept, Request: sumOf("candidate", string(p.bench.tree)), ReadOnly: true}
	did, err := p.door.Do(ctx, e, func(ctx context.Context) (Did, error) {
		m, err := p.trees.Scan(ctx, p.dir)
		var bad *TreeProblem
		if errors.As(err, &bad) {
			raw, err := json.Marshal(bad.Error())
			return Did{Result: raw}, err
		}
		if err != nil {
			return Did{}, fmt.Errorf("scan candidate: %w", err)
		}
		h, err := p.door.keep(ctx, m)
		return Did{Tree: h}, err
	})
	if err != nil {
		return nil, "", nil, err
	}
	if did.Tree == "" {
		var what string
		if err := json.Unmarshal(did.Result, &what); err != nil {
			return nil, "", nil, fmt.Errorf("recall candidate: %w: %w", checkpoint.ErrCorrupt, err)
		}
		return nil, "", &agent.Verdict{Feedback: "The tree holds something that cannot be committed: " + what + ". Remove it.", Signature: sumOf("tree", what)}, nil
	}
	p.bench.keeps(did.Tree)
	m, err := p.door.fetch(ctx, did.Tree)
	return m, did.Tree, nil, err
}

// outside finds changes that the task does not claim.
func (p *prover) outside(m Manifest) *agent.Verdict {
	if len(p.task.Writes) == 0 {
		return nil
	}
	claims := append(append([]string{}, p.task.Writes...), p.plan.Shared...)
	var bad []string
	for _, path := range Changed(p.base, m) {
		if !Claimed(claims, path) {
			bad = append(bad, path)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	list := strings.Join(bad, "\n- ")
	return &agent.Verdict{
		Feedback:  "E_PATH_NOT_IN_TASK: these paths are outside what this task may write (" + strings.Join(claims, ", ") + "); undo the changes there:\n- " + list,
		Signature: sumOf("claims", list),
	}
}

// prove runs setup and gates on a fresh tree of m, in this order, each gate once, and returns what failed.
func (p *prover) prove(ctx context.Context, m Manifest, tree checkpoint.Hash, gates []planner.GateID) ([]red, error) {
	room := &proofTree{trees: p.trees, gates: p.gates, project: p.plan.Project.Name, m: m, id: tree, dir: p.fresh}
	defer room.remove()
	for _, s := range p.plan.Setup {
		if !needed(s, m) {
			continue
		}
		g := setupGate(s)
		rep, err := p.check(ctx, room, g, EffectSetup, false)
		if err != nil {
			return nil, err
		}
		if !rep.Pass {
			rep.Feedback = "Setup failed.\n" + rep.Feedback
			return []red{{g.ID, rep}}, nil
		}
	}
	var failed []red
	done := map[planner.GateID]bool{}
	for _, id := range gates {
		g, ok := p.plan.Gate(id)
		if !ok {
			return nil, fmt.Errorf("prove %s: the plan has no gate %s", p.task.ID, id)
		}
		if done[id] {
			continue
		}
		done[id] = true
		rep, err := p.check(ctx, room, g, EffectGate, false)
		if err != nil {
			return nil, err
		}
		if !rep.Pass {
			failed = append(failed, red{id, rep})
			if feeds(g) {
				break
			}
		}
	}
	return failed, nil
}

func verdictOf(failed []red) agent.Verdict {
	if len(failed) == 0 {
		return agent.Verdict{Accepted: true}
	}
	var text, sig []string
	for _, r := range failed {
		text = append(text, r.Feedback)
		sig = append(sig, r.Signature)
	}
	return agent.Verdict{Feedback: strings.Join(text, "\n\n"), Signature: sumOf(sig...)}
}

// feeds says whether later gates need what g leaves in the tree: commands that count no tests
// build things.
func feeds(g planner.Gate) bool {
	return g.Kind == planner.GateCommand && g.Expect.Tests == ""
}

// redFirst runs the task's proving gates, and what feeds them, on the base tree, once per task: a
// gate that is green there proves nothing about this task.
func (p *prover) redFirst(ctx context.Context, tree checkpoint.Hash) error {
	if !p.anyProof() {
		return nil
	}
	room := &proofTree{trees: p.trees, gates: p.gates, project: p.plan.Project.Name, m: p.base, id: tree, dir: p.fresh}
	defer room.remove()
	for _, s := range p.plan.Setup {
		if !needed(s, p.base) {
			continue
		}
		if _, err := p.check(ctx, room, setupGate(s), EffectSetup, true); err != nil {
			return err
		}
	}
	for _, id := range p.task.Gates {
		g, ok := p.plan.Gate(id)
		if !ok || !g.ProvesRequirements() && !feeds(g) {
			continue
		}
		if _, err := p.check(ctx, room, g, EffectGate, true); err != nil {
			return err
		}
	}
	return nil
}

func (p *prover) anyProof() bool {
	for _, id := range p.task.Gates {
		if g, ok := p.plan.Gate(id); ok && g.ProvesRequirements() {
			return true
		}
	}
	return false
}

// check runs one gate through the door.
func (p *prover) check(ctx context.Context, room *proofTree, g planner.Gate, kind EffectKind, base bool) (GateReport, error) {
	raw, err := json.Marshal(g)
	if err != nil {
		return GateReport{}, fmt.Errorf("hash gate %s: %w", g.ID, err)
	}
	live := false
	e := Effect{Op: p.at.next(), Kind: kind, Name: string(g.ID), Tree: room.id, Request: sumOf("gate", string(raw), string(room.id))}
	did, err := p.door.Do(ctx, e, func(ctx context.Context) (Did, error) {
		live = true
		rep, err := room.run(ctx, g)
		if err != nil {
			return Did{}, err
		}
		return p.report(ctx, g, kind, base, rep)
	})
	if err != nil {
		return GateReport{}, err
	}
	if !live {
		room.recalled(g)
	}
	var rep GateReport
	if err := json.Unmarshal(did.Result, &rep); err != nil {
		return GateReport{}, fmt.Errorf("recall gate %s: %w: %w", g.ID, checkpoint.ErrCorrupt, err)
	}
	return rep, nil
}

// report keeps a gate's log and makes its outcome.
func (p *prover) report(ctx context.Context, g planner.Gate, kind EffectKind, base bool, rep GateReport) (Did, error) {
	rep.Pass = rep.Pass && !rep.Vacuous
	log, err := p.door.Blobs.Put(ctx, rep.Log)
	if err != nil {
		return Did{}, fmt.Errorf("keep log of gate %s: %w", g.ID, err)
	}
	raw, err := json.Marshal(rep)
	if err != nil {
		return Did{}, fmt.Errorf("encode report of gate %s: %w", g.ID, err)
	}
	did := Did{Result: raw}
	if kind == EffectGate {
		did.Gate = &GateOutcome{Gate: g.ID, Base: base, Pass: rep.Pass, Exit: rep.Exit, Tests: rep.Tests, Log: log, Short: rep.Short, Task: p.credit}
	}
	return did, nil
}

// setupGate is a setup step in the form of a gate, so that it runs and replays like one.
func setupGate(s planner.Setup) planner.Gate {
	return planner.Gate{ID: planner.GateID("setup " + strings.Join(s.Run, " ")), Kind: planner.GateCommand, Run: s.Run, Network: s.Network, Timeout: s.Timeout}
}

// needed says whether a tree holds any input of a setup step; a step without inputs always runs.
func needed(s planner.Setup, m Manifest) bool {
	if len(s.Inputs) == 0 {
		return len(m) > 0
	}
	for _, in := range s.Inputs {
		if _, ok := m.Find(in); ok {
			return true
		}
	}
	return false
}
