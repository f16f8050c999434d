package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// errMadeOtherwise means that a call, made again, did not come to what it came to. It is an [ErrReplay].
var errMadeOtherwise error = otherwise("a call that was made again left another tree")

// otherwise is an [ErrReplay] that says more.
type otherwise string

// Error says what is otherwise.
func (o otherwise) Error() string { return string(o) }

// Is says that it is an ErrReplay.
func (otherwise) Is(target error) bool { return target == ErrReplay }

// bench is the toolbox of an attempt behind the door: every call that can change the tree is
// recorded before and after, with the tree it left, and answered from the journal on replay.
//
// The rules are: a call that says which files it touched comes to the same again on the same tree, so nothing is kept
// of what it left but the tree's identity; the tree is kept before a call begins that may do anything, after it, and of
// every candidate. A folder is restored by the newest tree that is kept and by the calls after it, made again: each must
// come to the tree that it came to.
type bench struct {
	tools agent.Toolbox
	door  Door
	trees Trees
	at    *attempt
	dir   string
	defs  map[string]agent.ToolDef

	tree    checkpoint.Hash // what dir holds, as last recorded
	files   Manifest        // of tree, where it is not kept
	kept    checkpoint.Hash // the newest tree that is kept
	since   []madeCall      // what made tree of kept
	brought int             // the step of the journal's newest kept tree: dir was brought to what that step left
}

// madeCall is a call, the files it touched, and the tree that it left.
type madeCall struct {
	call    agent.ToolCall
	touched []string
	left    checkpoint.Hash
}

// newBench makes the bench of an attempt that began with tree. dir was brought to what the attempt's step brought left,
// or is that tree where it is 0.
func newBench(tools agent.Toolbox, door Door, trees Trees, at *attempt, dir string, tree checkpoint.Hash, brought int) *bench {
	b := &bench{tools: tools, door: door, trees: trees, at: at, dir: dir, brought: brought, defs: map[string]agent.ToolDef{}}
	b.keeps(tree)
	for _, d := range tools.Defs() {
		b.defs[d.Name] = d
	}
	return b
}

// Defs implements agent.Toolbox.
func (b *bench) Defs() []agent.ToolDef { return b.tools.Defs() }

// Tree implements agent.TreeTeller.
func (b *bench) Tree() string { return string(b.tree) }

// keeps notes that dir holds a tree that is kept.
func (b *bench) keeps(tree checkpoint.Hash) {
	b.tree, b.kept, b.files, b.since = tree, tree, nil, nil
}

// Call implements agent.Toolbox.
func (b *bench) Call(ctx context.Context, call agent.ToolCall) (agent.ToolResult, error) {
	def := b.defs[call.Name]
	e := Effect{Op: b.at.next(), Kind: EffectTool, Name: call.Name, ReadOnly: def.ReadOnly, Detail: detailOf(call)}
	if !def.ReadOnly && !def.Tells {
		if err := b.settle(ctx, e.Op.Step); err != nil {
			return agent.ToolResult{}, err
		}
		e.Tree = b.kept
	}
	e.Request = sumOf("tool", call.Name, string(call.Input), string(b.tree))
	live := false
	made := madeCall{call: call}
	did, err := b.door.Do(ctx, e, func(ctx context.Context) (Did, error) {
		live = true
		return b.run(ctx, &made)
	})
	if err != nil {
		return agent.ToolResult{}, err
	}
	switch made.left = checkpoint.Hash(did.Left); {
	case did.Tree != "":
		b.keeps(did.Tree)
	case did.Left != "" && !live && e.Op.Step > b.brought:
		if err := b.again(ctx, made); err != nil {
			return agent.ToolResult{}, err
		}
	case did.Left != "":
		b.tree, b.since = made.left, append(b.since, made)
	}
	var res agent.ToolResult
	if err := json.Unmarshal(did.Result, &res); err != nil {
		return agent.ToolResult{}, fmt.Errorf("recall result of %s: %w: %w", call.Name, checkpoint.ErrCorrupt, err)
	}
	return res, nil
}

// settle keeps the tree before a call that may do anything, and leave what no tree holds in the way of calls that are
// made again.
func (b *bench) settle(ctx context.Context, step int) error {
	if b.tree == b.kept || step-1 <= b.brought { // kept before, or when the journal was written
		b.keeps(b.tree)
		return nil
	}
	base, err := b.door.fetch(ctx, b.kept)
	if err != nil {
		return err
	}
	var touched []string
	for _, made := range b.since {
		touched = append(touched, made.touched...)
	}
	for again := false; ; again = true {
		m, tells, err := b.trees.Rescan(ctx, b.dir, base, touched, true)
		if err != nil {
			return fmt.Errorf("look at tree: %w", err)
		}
		if tells && m.ID() == b.tree {
			if _, err := b.door.keep(ctx, m); err != nil {
				return err
			}
			b.keeps(b.tree)
			return nil
		}
		if again {
			return errMadeOtherwise
		}
		if err := b.restore(ctx); err != nil { // whoever has changed these files is no call
			return err
		}
	}
}

func (b *bench) run(ctx context.Context, made *madeCall) (Did, error) {
	call := made.call
	res, err := b.tools.Call(ctx, call)
	if err != nil {
		return Did{}, fmt.Errorf("run tool %s: %w", call.Name, err)
	}
	made.touched = res.Touched
	did := Did{Note: res.Note}
	if !b.defs[call.Name].ReadOnly {
		err := b.look(ctx, res.Touched, &did)
		var bad *TreeProblem
		switch {
		case errors.As(err, &bad):
			// A tree that has no manifest could not be restored after a crash: the call is undone.
			if err := b.restore(ctx); err != nil {
				return Did{}, err
			}
			res.Text += "\nAll that this call changed was undone: it left something that cannot be committed: " + bad.Error() + "."
			res.Error = true
		case err != nil:
			return Did{}, fmt.Errorf("look at tree after %s: %w", call.Name, err)
		}
	}
	if did.Result, err = json.Marshal(res); err != nil {
		return Did{}, fmt.Errorf("encode result of %s: %w", call.Name, err)
	}
	if res.Full != "" {
		if did.Full, err = b.door.Blobs.Put(ctx, []byte(res.Full)); err != nil {
			return Did{}, fmt.Errorf("keep output of %s: %w", call.Name, err)
		}
	}
	return did, nil
}

// look finds what a call left that may have changed the files touched, or any when it cannot tell.
func (b *bench) look(ctx context.Context, touched []string, did *Did) error {
	if touched != nil {
		m, tells, err := b.rescan(ctx, touched)
		if err != nil {
			return err
		}
		if tells {
			if left := m.ID(); left != b.tree {
				did.Left, b.files = string(left), m
			}
			// What no manifest holds, an ignored file, stays as it is after a crash: a change of it is not made twice.
			did.Free = did.Left != "" || len(touched) == 0
			return nil
		}
	}
	m, err := b.trees.Scan(ctx, b.dir)
	if err != nil {
		return err
	}
	did.Tree, err = b.door.keep(ctx, m)
	return err
}

// rescan looks at some files of the tree.
func (b *bench) rescan(ctx context.Context, touched []string) (Manifest, bool, error) {
	from := b.files
	if b.tree == b.kept {
		var err error
		if from, err = b.door.fetch(ctx, b.kept); err != nil {
			return nil, false, err
		}
	}
	return b.trees.Rescan(ctx, b.dir, from, touched, false)
}

// again makes a call again on the tree it was made on.
func (b *bench) again(ctx context.Context, made madeCall) error {
	res, err := b.tools.Call(ctx, made.call)
	if err != nil {
		return fmt.Errorf("run tool %s again: %w", made.call.Name, err)
	}
	m, tells, err := b.rescan(ctx, res.Touched)
	if err != nil {
		return fmt.Errorf("look at tree after %s: %w", made.call.Name, err)
	}
	if !tells || m.ID() != made.left {
		return fmt.Errorf("%s: %w", made.call.Name, errMadeOtherwise)
	}
	made.touched = res.Touched
	b.files, b.tree, b.since = m, made.left, append(b.since, made)
	return nil
}

// restore brings the scratch tree back to what was recorded last.
func (b *bench) restore(ctx context.Context) error {
	m, err := b.door.fetch(ctx, b.kept)
	if err != nil {
		return err
	}
	if err := b.trees.Materialise(ctx, m, b.dir, false); err != nil {
		return fmt.Errorf("restore scratch tree: %w", err)
	}
	calls := b.since
	b.keeps(b.kept)
	for _, made := range calls {
		if err := b.again(ctx, made); err != nil {
			return err
		}
	}
	return nil
}

// detailOf keeps the input of a call in its intent when it is small and valid, for people who read logs.
func detailOf(call agent.ToolCall) json.RawMessage {
	if len(call.Input) > 512 || !json.Valid(call.Input) {
		return nil
	}
	return call.Input
}
