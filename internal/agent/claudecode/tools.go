package claudecode

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/bug"
)

// serverName is how the CLI knows our tools: mcp__builder__finish, and so on.
const serverName = "builder"

const (
	textSchema = `{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`
	noSchema   = `{"type":"object","properties":{}}`
)

// mostResult is how much of a result the CLI shows its model as it is.
const mostResult = 60_000

// server offers the foreman to the agent.
func (a *attempt) server(l *launch) *cli.Server {
	tool := func(name, schema string, call func(context.Context, json.RawMessage) (cli.ToolResult, error)) cli.Tool {
		return cli.Tool{
			Name: name, Description: words(name), InputSchema: json.RawMessage(schema), MaxResultChars: mostResult,
			Handler: func(ctx context.Context, c cli.ToolCall) (cli.ToolResult, error) {
				return a.serve(ctx, l, c, call)
			},
		}
	}
	finish, blocked := schemas()
	return &cli.Server{Name: serverName, Tools: []cli.Tool{
		tool("finish", finish, a.finish),
		tool("blocked", blocked, a.blocked),
		tool("note", textSchema, a.keep),
		tool("plan", noSchema, telling(a.job.Foreman.Plan)),
		tool("budget", noSchema, telling(a.job.Foreman.Budget)),
	}}
}

// schemas are those of the native loop's tools of the same names.
func schemas() (finish, blocked string) {
	for _, d := range agent.LoopTools() {
		switch d.Name {
		case agent.FinishTool:
			finish = string(d.Schema)
		case agent.BlockedTool:
			blocked = string(d.Schema)
		}
	}
	return finish, blocked
}

// serve makes one call of a tool. Once the attempt has ended, the model gets no answer any more.
func (a *attempt) serve(ctx context.Context, l *launch, c cli.ToolCall, call func(context.Context, json.RawMessage) (cli.ToolResult, error)) (result cli.ToolResult, err error) {
	a.await(ctx, c.ToolUseID)
	err = a.alone(ctx, func() (err error) {
		if result, err = call(ctx, c.Input); err != nil || a.over() {
			return err
		}
		notes, err := a.notes(ctx)
		for _, n := range notes {
			result.Content = append(result.Content, cli.Content{Type: "text", Text: n})
		}
		return err
	})
	if a.over() {
		<-l.gone
	}
	return result, err
}

// alone asks the foreman when nobody else does. What goes wrong is the machine's failure and ends the attempt.
func (a *attempt) alone(ctx context.Context, ask func() error) error {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-a.turn }()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := bug.Guarded(ask)()
	if err != nil && ctx.Err() == nil {
		a.settle(agent.Result{}, err)
	}
	return err
}

// notes are what the agent is to be told by now, of a person and of itself.
func (a *attempt) notes(ctx context.Context) ([]string, error) {
	notes, err := a.job.Foreman.Notes(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for notes: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	texts := noted(notes)
	if a.notice != "" {
		texts = append(texts, "Note from the builder: "+a.notice)
		a.notice, a.noticed = "", a.shown
	}
	return texts, nil
}

// finish lets the gates decide. Their feedback is the result.
func (a *attempt) finish(ctx context.Context, input json.RawMessage) (cli.ToolResult, error) {
	var in struct {
		Summary string `json:"summary"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return cli.ErrorResult(err.Error()), nil
	}
	v, err := a.job.Foreman.Verify(ctx, in.Summary)
	if err != nil {
		return cli.ToolResult{}, fmt.Errorf("verify: %w", err)
	}
	if v.Accepted {
		a.settle(agent.Result{Outcome: agent.Accepted, Summary: in.Summary}, nil)
		return cli.TextResult("accepted"), nil
	}
	feedback := v.Feedback
	if strings.TrimSpace(feedback) == "" {
		feedback = "not accepted; the gates gave no reason"
	}
	if n := a.refused(v, feedback); n >= sameGates {
		a.settle(agent.Result{Outcome: agent.Stuck, Reason: fmt.Sprintf("the gates failed in the same way %d times in a row", n), Evidence: clip(feedback, 2000)}, nil)
	}
	return cli.ErrorResult(feedback), nil
}

// refused counts equal failures of the gates in a row.
func (a *attempt) refused(v agent.Verdict, feedback string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	gate := v.Signature
	if gate == "" {
		gate = feedback
	}
	if gate != a.gate {
		a.gate, a.gates = gate, 0
	}
	a.gates++
	a.finished = true
	return a.gates
}

// blocked gives the task up, or asks a person. Without an answer the attempt ends as Asked: it stays open.
func (a *attempt) blocked(ctx context.Context, input json.RawMessage) (cli.ToolResult, error) {
	var q struct {
		Reason   string `json:"reason"`
		Evidence string `json:"evidence"`
		Question string `json:"question"`
	}
	if err := json.Unmarshal(input, &q); err != nil {
		return cli.ErrorResult(err.Error()), nil
	}
	if strings.TrimSpace(q.Reason) == "" || strings.TrimSpace(q.Evidence) == "" {
		return cli.ErrorResult(agent.CodeToolInput + `: "reason" and "evidence" must not be empty`), nil
	}
	question := strings.TrimSpace(q.Question)
	if question == "" {
		a.settle(agent.Result{Outcome: agent.Blocked, Reason: q.Reason, Evidence: q.Evidence}, nil)
		return cli.TextResult("the task has ended"), nil
	}
	answer, ok, err := a.job.Foreman.Answer(ctx, agent.Question{Text: question, Reason: q.Reason, Evidence: q.Evidence})
	switch {
	case err != nil:
		return cli.ToolResult{}, fmt.Errorf("ask a person: %w", err)
	case !ok:
		a.settle(agent.Result{Outcome: agent.Asked, Reason: question, Evidence: q.Evidence}, nil)
		return cli.TextResult("the question was put"), nil
	}
	return cli.TextResult(agent.SayAnswer + answer), nil
}

// keep keeps a note.
func (a *attempt) keep(ctx context.Context, input json.RawMessage) (cli.ToolResult, error) {
	var in struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return cli.ErrorResult(err.Error()), nil
	}
	if strings.TrimSpace(in.Text) == "" {
		return cli.ErrorResult("a note needs a text"), nil
	}
	if err := a.job.Foreman.Note(ctx, in.Text); err != nil {
		return cli.ToolResult{}, fmt.Errorf("keep note: %w", err)
	}
	return cli.TextResult("kept"), nil
}

// telling is a tool that tells something.
func telling(what func(context.Context) (string, error)) func(context.Context, json.RawMessage) (cli.ToolResult, error) {
	return func(ctx context.Context, _ json.RawMessage) (cli.ToolResult, error) {
		text, err := what(ctx)
		if err != nil {
			return cli.ToolResult{}, err
		}
		return cli.TextResult(text), nil
	}
}
