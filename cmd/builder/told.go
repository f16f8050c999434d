package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// toldAttempt is the context manifest of one attempt: what stands before its first turn and why,
// and how the input of each call was made up. It is worked out from the records.
type toldAttempt struct {
	Attempt int        `json:"attempt"`
	Parts   []toldPart `json:"parts"`
	Calls   []toldCall `json:"calls"`
}

// toldPart is a part with its tokens: its share by bytes of what the first call was billed for.
type toldPart struct {
	agent.Part
	Tokens int64 `json:"tokens"`
}

// toldCall is the input of one call: the parts above, and the conversation since.
type toldCall struct {
	Op           string       `json:"op"`
	Input        int64        `json:"input_tokens"` // all classes
	Parts        int64        `json:"parts_tokens"`
	Conversation int64        `json:"conversation_tokens"`
	CacheRead    int64        `json:"cache_read_tokens"`
	Output       int64        `json:"output_tokens"`
	Cost         budget.Micro `json:"cost_microusd"`
}

// told reads what a task's attempts were told.
func told(ctx context.Context, r reader, task string) ([]toldAttempt, error) {
	var all []toldAttempt
	at := func(n int) *toldAttempt {
		if len(all) == 0 || all[len(all)-1].Attempt != n {
			all = append(all, toldAttempt{Attempt: n, Parts: []toldPart{}, Calls: []toldCall{}})
		}
		return &all[len(all)-1]
	}
	err := r.journal.Read(ctx, 0, func(e checkpoint.Envelope) error {
		f, err := phases.Decode(e.Kind, e.Payload)
		if err != nil {
			return err
		}
		if phases.TaskOf(f) != task {
			return nil
		}
		switch f := f.(type) {
		case phases.AttemptStarted:
			parts, err := partsOf(ctx, r, f.Frozen)
			at(f.Attempt).Parts = parts
			return err
		case phases.CallAnswered:
			if f.Fate == budget.Answered {
				at(f.Op.Attempt).add(f)
			}
		}
		return nil
	})
	return all, err
}

// partsOf reads the parts of a frozen task; a planning has none.
func partsOf(ctx context.Context, r reader, frozen checkpoint.Hash) ([]toldPart, error) {
	parts := []toldPart{}
	if frozen == "" {
		return parts, nil
	}
	raw, err := r.blobs.Get(ctx, frozen)
	if err != nil {
		return nil, err
	}
	var t agent.Task
	if err := json.Unmarshal(raw, &t); err != nil || len(t.First.Blocks) == 0 {
		return parts, nil // what a planning freezes is no task
	}
	for _, p := range t.Parts() {
		parts = append(parts, toldPart{Part: p})
	}
	return parts, nil
}

// add takes an answered call. The first one of an attempt says how many tokens its parts have.
func (t *toldAttempt) add(f phases.CallAnswered) {
	input := f.Usage.InputAll()
	if len(t.Calls) == 0 {
		var bytes int64
		for _, p := range t.Parts {
			bytes += p.Bytes
		}
		for i := range t.Parts {
			t.Parts[i].Tokens = input * t.Parts[i].Bytes / max(bytes, 1)
		}
	}
	c := toldCall{Op: f.Op.String(), Input: input, CacheRead: f.Usage.CacheRead, Output: f.Usage.Output, Cost: f.Cost, Parts: input}
	if len(t.Calls) > 0 {
		c.Parts = min(t.Calls[0].Input, input)
	}
	c.Conversation = input - c.Parts
	t.Calls = append(t.Calls, c)
}

// showTold prints the context manifests of a task.
func (a *app) showTold(ctx context.Context, r reader, task string) error {
	all, err := told(ctx, r, task)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return noTask(r, task)
	}
	if r.json {
		return writeJSON(a.out, map[string]any{"version": 1, "task": task, "attempts": all})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, t := range all {
		fmt.Fprintf(w, "attempt %d\nPART\tTOKENS\tSHARE\tWHY\n", t.Attempt)
		var sum int64
		for _, p := range t.Parts {
			sum += p.Tokens
		}
		for _, p := range t.Parts {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", p.Name, p.Tokens, percent(p.Tokens, sum), p.Why)
		}
		fmt.Fprintln(w, "\nCALL\tINPUT\tOF IT PARTS\tCONVERSATION\tFROM CACHE\tOUTPUT\tCOST")
		for _, c := range t.Calls {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%d\t%s\n", c.Op, c.Input, percent(c.Parts, c.Input), percent(c.Conversation, c.Input), percent(c.CacheRead, c.Input), c.Output, progress.USD(c.Cost))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%d %%", (100*part+whole/2)/whole)
}
