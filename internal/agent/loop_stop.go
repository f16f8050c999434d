package agent

import (
	"context"
	"fmt"
)

// How often in a row an answer may end in a way that brings nothing before the attempt is stuck.
const (
	mostSilent = 2
	mostCut    = 3
	mostPauses = 3
)

const (
	sayFinish = "You ended your turn without a tool call. If the task is done, call the tool `finish`; if it cannot be done, call `blocked`; else go on with the next tool call."
	sayCut    = "Your answer reached the output limit before a tool call was complete. Go on in smaller steps: one file at a time, large files in parts (write the first part, then extend it with edit_file)."
)

// take decides what follows an answer, by its stop reason. A nil result means: go on.
func (r *run) take(ctx context.Context, resp Response) (*Result, error) {
	if resp.Stop != StopLength {
		r.cut = 0
	}
	if resp.Stop != StopPause {
		r.pauses = 0
	}
	switch resp.Stop {
	case StopRefusal:
		return &Result{Outcome: Declined, Reason: "the model refused to go on", Evidence: clip(resp.Message.Words(), 2000)}, nil
	case StopWindow:
		return r.compact(ctx, false) // what was being said is lost with it
	case StopPause:
		return r.paused(ctx, resp.Message)
	case StopEnd, StopTools, StopSequenced:
		return r.ended(ctx, resp.Message)
	default: // the output limit, and reasons not known yet: the last call may be incomplete
		return r.cutOff(ctx, resp.Message)
	}
}

// ended handles an answer that is complete.
func (r *run) ended(ctx context.Context, m Message) (*Result, error) {
	calls := m.Calls()
	if len(calls) == 0 {
		return r.nothingCalled(m)
	}
	return r.work(ctx, m, calls, 0)
}

// cutOff handles an answer that reached the output limit: calls that were complete run, the last
// block never does when it is a call.
func (r *run) cutOff(ctx context.Context, m Message) (*Result, error) {
	if r.cut++; r.cut >= mostCut {
		return &Result{Outcome: Stuck, Reason: fmt.Sprintf("%d answers in a row were cut off at the output limit", r.cut)}, nil
	}
	calls := m.Calls()
	if len(calls) == 0 {
		r.say(m, Say(User, sayCut))
		return nil, nil
	}
	unfinished := 0
	if m.Blocks[len(m.Blocks)-1].Kind == UseBlock {
		unfinished = 1
	}
	return r.work(ctx, m, calls, unfinished)
}

// paused sends the provider's own unfinished turn back as it is, or works on calls it holds.
func (r *run) paused(ctx context.Context, m Message) (*Result, error) {
	if r.pauses++; r.pauses > mostPauses {
		return &Result{Outcome: Stuck, Reason: fmt.Sprintf("the provider paused %d answers in a row", r.pauses)}, nil
	}
	if calls := m.Calls(); len(calls) > 0 {
		return r.work(ctx, m, calls, 0)
	}
	r.say(m)
	return nil, nil
}

// nothingCalled says once that finish is a tool call; the second time in a row the attempt is stuck.
func (r *run) nothingCalled(m Message) (*Result, error) {
	if r.silent++; r.silent >= mostSilent {
		return &Result{Outcome: Stuck, Reason: fmt.Sprintf("%d answers in a row had no tool call", r.silent), Evidence: clip(m.Words(), 2000)}, nil
	}
	r.say(m, Say(User, sayFinish))
	return nil, nil
}
