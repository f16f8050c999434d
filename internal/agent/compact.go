package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of compaction, in tokens unless said otherwise.
const (
	windowSlack    = 4096 // what providers add that nobody can count
	summaryTokens  = 8192 // most output of the answer that sums up
	bytesPerToken  = 3    // for text that was not billed yet; code has a few more
	outlineCalls   = 40
	outlineLine    = 240      // bytes
	progressBytes  = 32 << 10 // of a summary; what is longer is clipped in the middle
	leastApart     = 2        // turns between two compactions; fewer means that the task does not fit
	outputOfWindow = 4        // an answer may take one part in so many of the window
)

// extent is how large a conversation is: what the last answer was billed for, and the bytes that
// came since.
type extent struct{ billed, fresh int64 }

func (e extent) tokens() int64 { return e.billed + e.fresh/bytesPerToken }

// outputLimit is the most output of one answer: in a small window it leaves room for the question.
func outputLimit(t Task) int64 {
	if t.Window > 0 {
		return min(t.MaxTokens, t.Window/outputOfWindow)
	}
	return t.MaxTokens
}

// measure takes what an answer was billed for. Where usage is not told, bytes have to do.
func (r *run) measure(resp Response) {
	u := resp.Usage
	if billed := u.Input + u.CacheRead + u.CacheWrite5m + u.CacheWrite1h + u.Output; billed > 0 {
		r.size = extent{billed: billed}
		return
	}
	r.size.fresh += sizeOf(resp.Message)
}

// crowded says whether the next question and its answer, or else the question that asks for a
// summary, might not fit the window any more.
func (r *run) crowded() bool {
	w := r.task.Window
	return w > 0 && r.size.tokens()+max(outputLimit(r.task), r.summaryLimit())+r.slack() > w
}

const compactPrompt = "compact"

// compact begins the conversation anew: from the first message, untouched, and a summary that the
// model itself writes at the end of the old one. Where it cannot, or what it writes is nothing, an
// outline by rule has to do. What a person said is said again. A non-nil result ends the attempt.
func (r *run) compact(ctx context.Context, ask bool) (*Result, error) {
	if len(r.messages) <= 1 || r.compacted > 0 && r.turns-r.compacted < leastApart {
		return &Result{Outcome: Stuck, Reason: "the task and what it needs to be told do not fit the model's context window" + ofTokens(r.task.Window)}, nil
	}
	r.compacted = max(r.turns, 1)
	var summary string
	if ask && r.size.tokens()+r.summaryLimit()+r.slack() <= r.task.Window {
		var err error
		if summary, err = r.summarise(ctx); err != nil {
			return nil, err
		}
	}
	if summary != "" {
		r.summary = summary // else the one before is better than none
	}
	text := strings.TrimLeft(r.summary+"\n\n"+r.outline(), "\n")
	first := Message{Role: r.task.First.Role, Blocks: append(slices.Clone(r.task.First.Blocks),
		Block{Kind: TextBlock, Text: "<progress>\n" + clip(text, progressBytes) + "\n</progress>\nThe conversation was cut here by the builder, and the tree is as you left it. Go on from this."})}
	first.Blocks = append(first.Blocks, r.heard...)
	r.messages, r.size = []Message{first}, extent{}
	r.size.fresh = r.fixed() + sizeOf(first)
	r.silent, r.cut, r.pauses = 0, 0, 0
	return nil, nil
}

// summarise asks for the summary, as the last question of the old conversation. Answers that bring
// none, and failures that are about this question, give "".
func (r *run) summarise(ctx context.Context) (string, error) {
	req := r.request()
	req.MaxTokens = r.summaryLimit()
	question := Block{Kind: TextBlock, Text: prompt(compactPrompt)}
	if last := len(req.Messages) - 1; last >= 0 && req.Messages[last].Role == User {
		m := req.Messages[last]
		m.Blocks = append(slices.Clip(m.Blocks), question)
		req.Messages = append(req.Messages[:last:last], m)
	} else {
		req.Messages = append(req.Messages, Message{Role: User, Blocks: []Block{question}})
	}
	resp, err := r.loop.Model.Complete(ctx, req)
	var f *Failure
	switch {
	case errors.As(err, &f) && (f.Class == FixRequest || f.Class == FailTask):
		return "", nil
	case err != nil:
		return "", err
	case resp.Stop == StopRefusal:
		return "", nil
	}
	return strings.TrimSpace(resp.Message.Words()), nil
}

// outline lists the last calls and how they ended, oldest first.
func (r *run) outline() string {
	failed := map[string]bool{}
	var lines []string
	for _, m := range r.messages {
		for _, b := range m.Blocks {
			if b.Kind == ResultBlock && b.Error {
				failed[b.ID] = true
			}
		}
	}
	for _, m := range r.messages {
		for _, c := range m.Calls() {
			line := "- " + c.Name + " " + clip(string(compactJSON(c.Input)), outlineLine)
			if failed[c.ID] {
				line += " (failed)"
			}
			lines = append(lines, line)
		}
	}
	skipped := max(len(lines)-outlineCalls, 0)
	head := "The last calls that were made:\n"
	if skipped > 0 {
		head = fmt.Sprintf("%d calls were made before these:\n", skipped)
	}
	return head + strings.Join(lines[skipped:], "\n")
}

// fixed is the size of what stands before the messages, in bytes.
func (r *run) fixed() int64 {
	var n int
	for _, s := range r.task.System {
		n += len(s)
	}
	for _, d := range r.task.Tools {
		n += len(d.Name) + len(d.Description) + len(d.Schema)
	}
	return int64(n)
}

// sizeOf is the size of messages in bytes, as far as they go over the wire.
func sizeOf(messages ...Message) int64 {
	var n int
	for _, m := range messages {
		for _, b := range m.Blocks {
			n += len(b.Text) + len(b.Name) + len(b.Input) + len(b.Opaque) + len(b.ID)
		}
	}
	return int64(n)
}

// summaryLimit is the most output of a summary; slack is what providers add that nobody can count,
// and the words that ask for a summary. Both are less in a small window.
func (r *run) summaryLimit() int64 { return min(summaryTokens, r.task.Window/8) }
func (r *run) slack() int64        { return min(windowSlack, r.task.Window/16) }

func ofTokens(window int64) string {
	if window == 0 {
		return ""
	}
	return fmt.Sprintf(" of %d tokens", window)
}

// compactJSON takes the spaces out of JSON; what is none stays as it is.
func compactJSON(raw json.RawMessage) json.RawMessage {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}
