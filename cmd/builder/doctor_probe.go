package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// probeTokens is the most a probe may write: enough for a model that thinks first.
const probeTokens = 1024

// probe makes two small model calls behind the meter, under a cap of their own, and says what works.
func (a *app) probe(ctx context.Context, s settings, limit string) []finding {
	usd, err := budget.ParseUSD(limit)
	if err != nil {
		return []finding{{"probe", "bad", "--max-cost cannot be " + limit, "as in: --max-cost 0.05"}}
	}
	s.caps = budget.Caps{USD: usd, PlanShare: 100}
	out, err := a.probing(ctx, s)
	if err != nil {
		out = append(out, finding{"probe", "bad", err.Error(), "see the hints above"})
	}
	return out
}

func (a *app) probing(ctx context.Context, s settings) (out []finding, err error) {
	cache, err := a.cacheDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of the probe: %w", err)
	}
	dir, err := os.MkdirTemp(cache, "doctor-")
	if err != nil {
		return nil, fmt.Errorf("make folder of the probe: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	st := &store{id: "b-doctor"}
	if st.blobs, err = blob.Open(filepath.Join(dir, "blobs")); err != nil {
		return nil, err
	}
	if st.spools, err = blob.OpenSpools(st.blobs, filepath.Join(dir, "spool")); err != nil {
		return nil, err
	}
	w, err := phases.OpenWriter(ctx, &checkpoint.Memory{}, clock(a))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err := w.Record(ctx, phases.BuildStarted{Build: st.id, Provider: s.Provider, Model: s.Model, Caps: s.caps}); err != nil {
		return nil, err
	}
	model, err := (&works{app: a}).model(&session{app: a, set: s, store: st}, w)
	if err != nil {
		return nil, err
	}
	p := prober{model: model, set: s}
	out = append(out, p.tools(ctx)...)
	out = append(out, p.structured(ctx))
	var used budget.Account
	err = w.View(ctx, func(state *phases.State) { used = state.Guard.Account(budget.Build) })
	return append(out, p.usage(used), limitsFinding(p.limits), cost(used, s)), err
}

// prober asks a model two things.
type prober struct {
	model  agent.Model
	set    settings
	step   int
	limits agent.Limits
}

// mostAdapted is how often a server may refuse a part of a request that it can be asked without.
const mostAdapted = 4

// ask asks once, and again only where a build would at once, too: without what the server does not
// take.
func (p *prober) ask(ctx context.Context, req agent.Request) (resp agent.Response, err error) {
	p.step++
	req.Model, req.Effort = p.set.Model, p.set.Effort
	req.MaxTokens = min(probeTokens, maxOutput(p.set.price))
	for send := 1; send <= mostAdapted; send++ {
		op := budget.Op{Build: "b-doctor", Task: "probe", Attempt: 1, Step: p.step, Send: send}
		call := budget.WithCall(ctx, budget.Call{Op: op, RequestHash: fmt.Sprintf("probe-%d", p.step), MinOutput: min(256, req.MaxTokens)})
		resp, err = p.model.Complete(call, req)
		var f *agent.Failure
		if !errors.As(err, &f) || f.Type != openai.TypeAdapted {
			break
		}
	}
	if !resp.Limits.At.IsZero() {
		p.limits = resp.Limits
	}
	return resp, err
}

// tools asks for a call of a tool, streamed as all calls are.
func (p *prober) tools(ctx context.Context) []finding {
	resp, err := p.ask(ctx, agent.Request{
		System:   []string{"You test a connection. Call the tool report once, with ok set to true. Write nothing else."},
		Messages: []agent.Message{agent.Say(agent.User, "Report that the connection works.")},
		Tools: []agent.ToolDef{{
			Name: "report", Description: "Reports whether the connection works.",
			Schema: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}`),
		}},
	})
	if err != nil {
		return []finding{{"model call", "bad", err.Error(), probeFix(err)}}
	}
	out := []finding{{"streaming", "ok", "works", ""}}
	for _, c := range resp.Message.Calls() {
		if c.Name == "report" && json.Valid(c.Input) {
			return append(out, finding{"tools", "ok", "works", ""})
		}
	}
	return append(out, finding{"tools", "bad", fmt.Sprintf("the model did not call the tool it was told to call (it ended with %s)", resp.Stop), "agents work by tools: choose a model and a server that have them"})
}

// structured asks for an answer by a JSON schema.
func (p *prober) structured(ctx context.Context) finding {
	resp, err := p.ask(ctx, agent.Request{
		System:   []string{"You test a connection. Answer with one JSON value."},
		Messages: []agent.Message{agent.Say(agent.User, `Answer with {"ok": true}.`)},
		Schema:   json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false}`),
	})
	if err != nil {
		return finding{"structured answers", "bad", err.Error(), probeFix(err)}
	}
	var told struct {
		OK *bool `json:"ok"`
	}
	if json.Unmarshal([]byte(resp.Message.Words()), &told) != nil || told.OK == nil {
		return finding{"structured answers", "warn", "the answer did not keep to its schema", "plans are sent back when they do not; a model that cannot write them fails at planning"}
	}
	return finding{"structured answers", "ok", "works", ""}
}

// usage says whether answers tell what they used.
func (p *prober) usage(used budget.Account) finding {
	if used.Unknown > 0 || used.Calls > 0 && used.Usage.Tokens() == 0 {
		return finding{"usage", "warn", "answers do not tell what they used", "each call is booked at the most it can have cost; give the build a cap accordingly"}
	}
	return finding{"usage", "ok", fmt.Sprintf("%d tokens in, %d out", used.Usage.InputAll(), used.Usage.Output), ""}
}

func cost(used budget.Account, s settings) finding {
	return finding{"cost of the probe", "ok", fmt.Sprintf("%s spent, %s unknown, of a cap of %s", progress.USD(used.Spent), progress.USD(used.Unknown), progress.USD(s.caps.USD)), ""}
}

// probeFix says what to do about a call that failed.
func probeFix(err error) string {
	var refused *budget.Refusal
	var f *agent.Failure
	switch {
	case errors.As(err, &refused):
		return "give the probe a higher cap: builder doctor --probe --max-cost 0.50"
	case errors.As(err, &f) && f.Class == agent.PauseBuild:
		return "check the key and the account at the provider"
	case errors.As(err, &f) && (f.Class == agent.Retry || f.Class == agent.WaitUntil):
		return "try again later; builds wait by themselves"
	}
	return "check --model, --base-url and --effort"
}
