package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const (
	sayUnfinished = CodeToolCut + ": the answer reached the output limit inside this call; it was not run. Make it again in smaller parts."
	saySkipped    = CodeToolSkipped + ": not run, because an earlier finish in the same answer was not accepted."
)

// work runs the calls of one answer in order and appends their results in one message. The last
// unfinished calls are not run. A nil result means: go on.
func (r *run) work(ctx context.Context, m Message, calls []ToolCall, unfinished int) (*Result, error) {
	r.silent = 0
	seen := turn{calls: calls}
	results := Message{Role: User}
	refused := false // a finish of this answer was not accepted
	for i, call := range calls {
		var out ToolResult
		var end *Result
		var err error
		switch {
		case i >= len(calls)-unfinished:
			out = ToolResult{Text: sayUnfinished, Error: true}
		case refused:
			out = ToolResult{Text: saySkipped, Error: true}
		default:
			out, end, err = r.call(ctx, call, &seen)
			refused = call.Name == FinishTool && seen.gate != ""
		}
		if end != nil || err != nil {
			return end, err
		}
		seen.results = append(seen.results, out)
		results.Blocks = append(results.Blocks, Block{Kind: ResultBlock, ID: call.ID, Text: out.Text, Error: out.Error})
	}
	notice, stuck := r.watch(seen)
	if stuck {
		return &Result{Outcome: Stuck, Reason: notice, Evidence: evidence(seen)}, nil
	}
	if notice != "" {
		results.Blocks = append(results.Blocks, Block{Kind: TextBlock, Text: "Note from the builder: " + notice})
	}
	r.say(m, results)
	return nil, nil
}

// watch shows the turn to the loop guard.
func (r *run) watch(seen turn) (notice string, stuck bool) {
	if teller, ok := r.loop.Tools.(TreeTeller); ok {
		seen.tree = teller.Tree()
	}
	return r.guard.watch(seen)
}

// evidence is the last error of a turn, for people and the next attempt.
func evidence(seen turn) string {
	for _, out := range slices.Backward(seen.results) {
		if out.Error {
			return clip(out.Text, 2000)
		}
	}
	return ""
}

// call runs one call. A non-nil end ends the attempt; an error is the machine's failure.
func (r *run) call(ctx context.Context, call ToolCall, seen *turn) (out ToolResult, end *Result, err error) {
	if !slices.ContainsFunc(r.task.Tools, func(d ToolDef) bool { return d.Name == call.Name }) {
		return ToolResult{Text: r.unknown(call.Name), Error: true}, nil, nil
	}
	if err := checkObject(call.Input); err != nil {
		return ToolResult{Text: err.Error(), Error: true}, nil, nil
	}
	switch call.Name {
	case FinishTool:
		return r.finish(ctx, call, seen)
	case BlockedTool:
		return r.blocked(ctx, call)
	}
	if out, err = r.loop.Tools.Call(ctx, call); err != nil {
		return ToolResult{}, nil, fmt.Errorf("call tool %s: %w", call.Name, err)
	}
	return out, nil, nil
}

func (r *run) unknown(name string) string {
	names := make([]string, len(r.task.Tools))
	for i, d := range r.task.Tools {
		names[i] = d.Name
	}
	return fmt.Sprintf("%s: there is no tool %q; the tools are %s", CodeToolUnknown, clip(name, 80), strings.Join(names, ", "))
}

// finish asks the verifier; its feedback is the call's result.
func (r *run) finish(ctx context.Context, call ToolCall, seen *turn) (ToolResult, *Result, error) {
	var in finishInput
	if err := DecodeInput(call.Input, &in); err != nil {
		return ToolResult{Text: err.Error(), Error: true}, nil, nil
	}
	v, err := r.loop.Verify.Verify(ctx, in.Summary)
	if err != nil {
		return ToolResult{}, nil, fmt.Errorf("verify: %w", err)
	}
	if v.Accepted {
		return ToolResult{}, &Result{Outcome: Accepted, Summary: in.Summary}, nil
	}
	feedback := v.Feedback
	if strings.TrimSpace(feedback) == "" {
		feedback = "not accepted; the gates gave no reason"
	}
	seen.gate = v.Signature
	if seen.gate == "" {
		seen.gate = feedback
	}
	return ToolResult{Text: feedback, Error: true}, nil, nil
}

// blocked ends the attempt when it comes with a reason and evidence; with a question it is a person's
// turn.
func (r *run) blocked(ctx context.Context, call ToolCall) (ToolResult, *Result, error) {
	var in blockedInput
	err := DecodeInput(call.Input, &in)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return ToolResult{Text: err.Error(), Error: true}, nil, nil
	}
	if strings.TrimSpace(in.Question) != "" && r.loop.Person != nil {
		return r.ask(ctx, in)
	}
	return ToolResult{}, &Result{Outcome: Blocked, Reason: in.Reason, Evidence: in.Evidence}, nil
}
