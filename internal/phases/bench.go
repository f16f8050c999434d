package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// bench is the toolbox of an attempt behind the door: every call that can change the tree is
// recorded before and after, with the manifest it left, and answered from the journal on replay.
type bench struct {
	tools    agent.Toolbox
	door     Door
	trees    Trees
	at       *attempt
	dir      string
	tree     checkpoint.Hash // manifest of dir as last recorded
	readonly map[string]bool
}

func newBench(tools agent.Toolbox, door Door, trees Trees, at *attempt, dir string, tree checkpoint.Hash) *bench {
	b := &bench{tools: tools, door: door, trees: trees, at: at, dir: dir, tree: tree, readonly: map[string]bool{}}
	for _, d := range tools.Defs() {
		b.readonly[d.Name] = d.ReadOnly
	}
	return b
}

// Defs implements agent.Toolbox.
func (b *bench) Defs() []agent.ToolDef { return b.tools.Defs() }

// Tree implements agent.TreeTeller.
func (b *bench) Tree() string { return string(b.tree) }

// Call implements agent.Toolbox.
func (b *bench) Call(ctx context.Context, call agent.ToolCall) (agent.ToolResult, error) {
	e := Effect{
		Op: b.at.next(), Kind: EffectTool, Name: call.Name, Tree: b.tree, ReadOnly: b.readonly[call.Name],
		Request: sumOf("tool", call.Name, string(call.Input), string(b.tree)),
		Detail:  detailOf(call),
	}
	did, err := b.door.Do(ctx, e, func(ctx context.Context) (Did, error) { return b.run(ctx, call) })
	if err != nil {
		return agent.ToolResult{}, err
	}
	if did.Tree != "" {
		b.tree = did.Tree
	}
	var res agent.ToolResult
	if err := json.Unmarshal(did.Result, &res); err != nil {
		return agent.ToolResult{}, fmt.Errorf("recall result of %s: %w: %w", call.Name, checkpoint.ErrCorrupt, err)
	}
	return res, nil
}

func (b *bench) run(ctx context.Context, call agent.ToolCall) (Did, error) {
	res, err := b.tools.Call(ctx, call)
	if err != nil {
		return Did{}, fmt.Errorf("run tool %s: %w", call.Name, err)
	}
	var tree checkpoint.Hash
	if !b.readonly[call.Name] {
		m, err := b.scan(ctx, res.Touched)
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
			return Did{}, fmt.Errorf("scan tree after %s: %w", call.Name, err)
		default:
			if tree, err = b.door.keep(ctx, m); err != nil {
				return Did{}, err
			}
		}
	}
	raw, err := json.Marshal(res)
	if err != nil {
		return Did{}, fmt.Errorf("encode result of %s: %w", call.Name, err)
	}
	did := Did{Result: raw, Tree: tree, Note: res.Note}
	// What no manifest holds, an ignored file, stays as it is after a crash: a change of it is not made twice.
	did.Free = res.Touched != nil && (len(res.Touched) == 0 || tree != b.tree)
	if res.Full != "" {
		if did.Full, err = b.door.Blobs.Put(ctx, []byte(res.Full)); err != nil {
			return Did{}, fmt.Errorf("keep output of %s: %w", call.Name, err)
		}
	}
	return did, nil
}

// scan takes the tree's manifest after a call that may have changed the files touched, or any when it cannot tell.
func (b *bench) scan(ctx context.Context, touched []string) (Manifest, error) {
	if touched == nil {
		return b.trees.Scan(ctx, b.dir)
	}
	base, err := b.door.fetch(ctx, b.tree)
	if err != nil {
		return nil, err
	}
	return b.trees.Rescan(ctx, b.dir, base, touched)
}

// restore brings the scratch tree back to what was recorded last.
func (b *bench) restore(ctx context.Context) error {
	m, err := b.door.fetch(ctx, b.tree)
	if err != nil {
		return err
	}
	if err := b.trees.Materialise(ctx, m, b.dir, false); err != nil {
		return fmt.Errorf("restore scratch tree: %w", err)
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
