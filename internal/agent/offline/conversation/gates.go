package conversation

import (
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// blueprintField shortens the name of a field's type.
type blueprintField = blueprint.Field

// gate is a gate as the planner reads it.
type gate struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	Title   string   `json:"title,omitempty"`
	Run     []string `json:"run,omitempty"`
	Expect  *expect  `json:"expect,omitempty"`
	Frozen  []frozen `json:"frozen,omitempty"`
	Start   []string `json:"start,omitempty"`
	Ready   string   `json:"ready,omitempty"`
	Steps   []string `json:"steps,omitempty"`
	Session string   `json:"session,omitempty"`
}

type expect struct {
	Tests string `json:"tests,omitempty"`
}

type frozen struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// commands are the gates of every Go project; which of them a task has, checks says.
func commands() []gate {
	return []gate{
		{ID: "compile", Kind: "command", Title: "All packages compile", Run: []string{"go", "build", "./..."}},
		{ID: "build", Kind: "command", Title: "The programs build", Run: []string{"go", "build", "-trimpath", "-o", "bin/", "./..."}},
		{ID: "vet", Kind: "command", Title: "The code is free of suspicious constructs", Run: []string{"go", "vet", "./..."}},
		{ID: "unit", Kind: "command", Title: "The project's own tests pass", Run: []string{"go", "test", "-json", "./..."}, Expect: &expect{Tests: ">=1"}},
	}
}

// checks are the ids of the command gates that fit a tree: "go build -o" refuses a tree without a
// program, and a run of no tests fails.
func checks(tree []unit.File) []string {
	ids := []string{"compile"}
	tests := false
	for _, f := range tree {
		switch {
		case strings.HasSuffix(f.Path, "_test.go"):
			tests = true
		case strings.HasSuffix(f.Path, ".go") && strings.HasPrefix(clause(f.Content), "package main"):
			ids[0] = "build"
		}
	}
	ids = append(ids, "vet")
	if tests {
		ids = append(ids, "unit")
	}
	return ids
}

// clause is Go source from its package clause on.
func clause(src string) string {
	if strings.HasPrefix(src, "package ") {
		return src
	}
	_, after, _ := strings.Cut(src, "\npackage ")
	return "package " + after
}

// gatesOf are the gates that prove requirements: the given ones filled in, or derived ones, or, for
// a spec from which none can be derived, one that fails until somebody plans a real one.
func (d drafter) gatesOf(given []givenGate) []gate {
	var gs []gate
	for _, g := range given {
		filled := gate{ID: g.ID, Kind: g.Kind}
		if g.Kind == "http" {
			filled.Start = d.start()
		}
		gs = append(gs, filled)
	}
	if len(gs) > 0 {
		return gs
	}
	if bp := d.work.Blueprint; bp != nil && len(d.work.Units) > 0 {
		switch bp.Type {
		case "rest-api":
			if steps := smoke(bp); len(steps) > 0 {
				return []gate{{ID: "smoke", Kind: "http", Title: "Every entity can be created and read", Start: d.start(), Steps: steps}}
			}
		case "cli-tool":
			return []gate{{ID: "smoke", Kind: "transcript", Title: "The commands answer", Session: session(bp)}}
		}
	}
	return []gate{d.unproven()}
}

// start is the command that serves the application, from the spec's Running section where it has
// one.
func (d drafter) start() []string {
	bp := d.work.Blueprint
	if bp == nil {
		return []string{"bin/app", "serve", "--addr", "127.0.0.1:{port}", "--data", "{data}"}
	}
	if len(bp.Running) == 0 {
		return []string{"bin/" + d.project().Name, "serve", "--addr", "127.0.0.1:{port}", "--data", "{data}"}
	}
	argv := append([]string(nil), bp.Running...)
	argv[0] = "bin/" + argv[0][strings.LastIndex(argv[0], "/")+1:]
	for i, a := range argv[1:] {
		argv[i+1] = placeholder(a)
	}
	return argv
}

// placeholder replaces the spec's words for an address, a port and a folder by the builder's.
func placeholder(arg string) string {
	flag, value, joined := strings.Cut(arg, "=")
	if !joined {
		flag, value = "", arg
	}
	switch strings.Trim(strings.ToUpper(value), "<>[]{}") {
	case "HOST:PORT", "ADDR", "ADDRESS", "LISTEN":
		value = "127.0.0.1:{port}"
	case ":PORT":
		value = ":{port}"
	case "HOST":
		value = "127.0.0.1"
	case "PORT":
		value = "{port}"
	case "DIR", "FOLDER", "DIRECTORY", "PATH", "DATA":
		value = "{data}"
	case "FILE":
		value = "{data}/data.db"
	}
	if joined {
		return flag + "=" + value
	}
	return value
}

// unproven is the gate of requirements for which no proof can be derived: it always fails and says
// what to do. It is frozen, so that no agent makes it green.
func (d drafter) unproven() gate {
	why := fmt.Sprintf("no proof was planned for %s: edit the plan and give these requirements a transcript, http or file gate", strings.Join(append(append([]string{}, d.understood...), d.open...), ", "))
	return gate{
		ID: "unproven", Kind: "command", Title: "A real gate has to be planned",
		Run: []string{"go", "test", "-json", "./unproven/"}, Expect: &expect{Tests: ">=1"},
		Frozen: []frozen{{Path: "unproven/unproven_test.go", Content: "package unproven\n\nimport \"testing\"\n\nfunc TestUnproven(t *testing.T) {\n\tt.Fatal(" + string(compact(why)) + ")\n}\n"}},
	}
}
