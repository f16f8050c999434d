package conversation_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// asker puts the planner's questions to a speaker, and counts them.
type asker struct {
	speaker conversation.Speaker
	asked   int
}

func (a *asker) Ask(_ context.Context, q planner.Question) (json.RawMessage, error) {
	a.asked++
	blocks, err := a.speaker.Answer(agent.Request{
		System: q.System, Messages: []agent.Message{agent.Say(agent.User, q.Prompt)}, Schema: q.Schema, MaxTokens: 64_000,
	})
	if err != nil {
		return nil, err
	}
	return json.RawMessage(blocks[0].Text), nil
}

// The planner accepts every draft at the first answer, whatever was understood.
func TestDraftsAreValidPlans(t *testing.T) {
	t.Parallel()
	http := planner.Gate{ID: "acceptance-1", Kind: planner.GateHTTP, Steps: []string{"GET /tools -> 200"}, Source: "4"}
	open := planner.Gate{ID: "acceptance-2", Kind: planner.GateTranscript, Session: "$ toolshed feel\n", Source: "5"}
	nothing := func(string) conversation.Work {
		return conversation.Work{Blueprint: &blueprint.Blueprint{Type: "game"}}
	}
	cli := toolshed(func(bp *blueprint.Blueprint) { bp.Type = "cli-tool" })
	tests := map[string]struct {
		author     conversation.Author
		acceptance []planner.Gate
		lines      []string
	}{
		"derived gates":                     {toolshed(nil), nil, []string{"4", "5"}},
		"a command-line tool":               {cli, nil, []string{"4"}},
		"given gates":                       {toolshed(nil), []planner.Gate{http}, []string{"4"}},
		"a given gate for what is open":     {toolshed(nil), []planner.Gate{http, open}, []string{"4", "5"}},
		"only gates for what is open":       {toolshed(nil), []planner.Gate{open}, []string{"4", "5"}},
		"a gate that no rule covers, alone": {toolshed(nil), []planner.Gate{open}, []string{"4"}},
		"nothing is understood":             {nothing, nil, []string{"4", "5"}},
		"nothing is understood, with gates": {nothing, []planner.Gate{http, open}, []string{"4", "5"}},
		"no data to derive from":            {toolshed(func(bp *blueprint.Blueprint) { bp.Endpoints = nil }), nil, []string{"4", "5"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sum := sha256.Sum256([]byte(spec))
			s := &planner.Spec{
				Path: "specs/toolshed.md", SHA256: hex.EncodeToString(sum[:]), Text: spec, Acceptance: tt.acceptance,
				Project: planner.Project{Name: "toolshed", Type: planner.RESTAPI},
			}
			for i, l := range tt.lines {
				s.Requirements = append(s.Requirements, planner.Requirement{ID: planner.RequirementID("R" + string(rune('1'+i))), Text: "line " + l, Source: l})
			}
			a := &asker{speaker: conversation.Speaker{Author: tt.author}}
			p, err := planner.Draft(t.Context(), a, s, planner.Options{})
			if err != nil || a.asked != 1 {
				t.Fatalf("asked %d times: %v", a.asked, err)
			}
			for _, task := range p.Tasks() {
				if task.ID == "open.needs-model" {
					return
				}
			}
			for i := range tt.lines {
				if len(p.ProvingGates(s.Requirements[i].ID)) == 0 {
					t.Errorf("nothing proves %s", s.Requirements[i].ID)
				}
			}
		})
	}
}
