package planner_test

import (
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// goodPlan is a plan without problems: two phases, three tasks, every kind of gate.
func goodPlan() *planner.Plan {
	return &planner.Plan{
		Version: 1,
		Spec:    planner.SpecRef{Path: "spec.md", SHA256: strings.Repeat("ab", 32)},
		Project: planner.Project{Name: "toolshed", Type: planner.RESTAPI, Stack: []string{"go"}},
		Requirements: []planner.Requirement{
			{ID: "R1", Text: "A tool can be created.", Source: "3"},
			{ID: "R2", Text: "A broken tool cannot be lent.", Source: "4-5"},
		},
		Setup: []planner.Setup{{Run: []string{"go", "mod", "download"}, Inputs: []string{"go.mod", "go.sum"}, Network: planner.NetworkRegistries}},
		Phases: []planner.Phase{
			{ID: "core", Title: "Core", Tasks: []planner.Task{
				{ID: "core.store", Title: "Storage", Covers: []planner.RequirementID{"R1"}, Writes: []string{"internal/store/**"}, Gates: []planner.GateID{"build", "frozen"}},
				{ID: "core.api", Title: "HTTP API", Role: "engineer", Covers: []planner.RequirementID{"R1", "R2"}, Needs: []planner.TaskID{"core.store"}, Gates: []planner.GateID{"build", "unit", "api"}},
			}},
			{ID: "docs", Tasks: []planner.Task{
				{ID: "docs.readme", Title: "README", Role: "writer", Needs: []planner.TaskID{"core.api"}, Gates: []planner.GateID{"readme", "session", "look"}},
			}},
		},
		Shared: []string{"go.mod", "go.sum"},
		Gates: []planner.Gate{
			{ID: "build", Kind: planner.GateCommand, Run: []string{"go", "build", "-o", "bin/", "./..."}},
			{ID: "unit", Kind: planner.GateCommand, Run: []string{"go", "test", "-json", "./..."}, Expect: planner.Expect{Tests: ">=1"}},
			{ID: "frozen", Kind: planner.GateCommand, Run: []string{"go", "test", "./internal/store"}, Frozen: []planner.FrozenFile{{Path: "internal/store/frozen_test.go", Content: "package store"}}},
			{
				ID: "api", Kind: planner.GateHTTP, Start: []string{"bin/toolshed", "serve", "--addr", "127.0.0.1:{port}"}, Ready: "/healthz",
				Steps: []string{`POST /tools {"name":"Drill"} -> 201 {"id":"$tool"}`, `GET /tools/$tool -> 200`},
			},
			{ID: "readme", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "README.md", Contains: []string{"toolshed"}}}},
			{ID: "session", Kind: planner.GateTranscript, Session: "$ toolshed version\n1\n"},
			{ID: "look", Kind: planner.GateReview},
		},
		Budget: planner.Budget{USD: 3, Phases: map[planner.PhaseID]float64{"core": 2, "docs": 1}},
	}
}

// goodSpec is the spec that goodPlan is made from.
func goodSpec() *planner.Spec {
	return &planner.Spec{
		Path: "spec.md", SHA256: strings.Repeat("ab", 32), Text: "# Toolshed\n\nA tool can be created.\nA broken tool\ncannot be lent.\n",
		Title: "Toolshed", Project: planner.Project{Name: "toolshed", Type: planner.RESTAPI},
		Sections:     []planner.Section{{Level: 1, Title: "Toolshed", First: 1, Last: 5}},
		Requirements: goodPlan().Requirements,
		Acceptance: []planner.Gate{{
			ID: "acceptance-1", Kind: planner.GateHTTP, Source: "5", Start: []string{"bin/toolshed", "serve", "--addr", "127.0.0.1:{port}"},
			Steps: []string{"GET /tools -> 200"},
		}},
	}
}
