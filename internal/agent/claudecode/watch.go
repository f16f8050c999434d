package claudecode

import (
	"context"
	"encoding/json"
	"strings"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
)

// watch puts the turns of the CLI's agent together for the guard against circles. A turn is an answer with the results of its
// calls; those may come before the answer has ended.
type watch struct {
	circles agent.Circles
	answer  string // id of the answer that is being put together
	whole   bool   // it has ended
	calls   []agent.ToolCall
	results map[string]agent.ToolResult
	turns   int // that were shown
}

// sees takes what belongs to the main conversation. It returns what to tell the agent, once a turn is whole.
func (w *watch) sees(m cli.Message) (notice string, stuck bool) {
	switch m := m.(type) {
	case *cli.Assistant:
		if m.Synthetic() || m.ParentToolUseID != "" {
			return "", false
		}
		if m.Message.ID != w.answer {
			notice, stuck = w.flush()
			w.answer = m.Message.ID
		}
		for _, b := range m.Message.Content {
			if b.Type == cli.BlockToolUse {
				w.calls = append(w.calls, agent.ToolCall{ID: b.ID, Name: strings.TrimPrefix(b.Name, "mcp__"+serverName+"__"), Input: b.Input})
			}
		}
		return notice, stuck
	case *cli.StreamEvent:
		w.whole = w.whole || eventOf(m) == "message_stop"
	case *cli.User:
		if m.ParentToolUseID != "" {
			return "", false
		}
		for _, b := range m.Message.Content {
			if b.Type == cli.BlockToolResult {
				w.keep(b)
			}
		}
	case *cli.Result:
		return w.flush()
	}
	if w.whole && len(w.results) >= len(w.calls) {
		return w.flush()
	}
	return "", false
}

// eventOf is the type of an event of the stream.
func eventOf(e *cli.StreamEvent) string {
	var event struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(e.Event, &event) != nil {
		return ""
	}
	return event.Type
}

func (w *watch) keep(b cli.Block) {
	if w.results == nil {
		w.results = map[string]agent.ToolResult{}
	}
	w.results[b.ToolUseID] = agent.ToolResult{Text: b.ResultText(), Error: b.IsError}
}

// flush shows the turn to the guard.
func (w *watch) flush() (notice string, stuck bool) {
	w.whole = false
	if len(w.calls) == 0 {
		return "", false
	}
	results := make([]agent.ToolResult, len(w.calls))
	for i, c := range w.calls {
		results[i] = w.results[c.ID]
	}
	calls := w.calls
	w.calls, w.results = nil, nil
	w.turns++
	return w.circles.Watch(calls, results, "")
}

// goesInCircles ends an attempt that goes in circles. The first time the agent is told, with the next result that it gets;
// turns until it has read that do not count.
func (a *attempt) goesInCircles(m cli.Message) error {
	notice, stuck := a.watch.sees(m)
	a.mu.Lock()
	read := a.notice == "" && a.watch.turns > a.noticed+1
	a.shown = a.watch.turns
	if notice != "" && !stuck {
		a.notice = notice
	}
	a.mu.Unlock()
	if stuck && read {
		return a.end(agent.Result{Outcome: agent.Stuck, Reason: notice})
	}
	return nil
}

// afterTool is called by the CLI after each call of its own tools: what the agent is to be told goes with the result.
func (a *attempt) afterTool(ctx context.Context, in cli.HookInput) (cli.HookOutput, error) {
	if strings.HasPrefix(in.ToolName, "mcp__"+serverName+"__") {
		return cli.HookOutput{}, nil // it had them with its result
	}
	var texts []string
	err := a.alone(ctx, func() (err error) {
		texts, err = a.notes(ctx)
		return err
	})
	if err != nil || len(texts) == 0 {
		return cli.HookOutput{}, err
	}
	return cli.HookOutput{Specific: &cli.HookSpecific{AdditionalContext: strings.Join(texts, "\n\n")}}, nil
}
