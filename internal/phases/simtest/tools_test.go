package simtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// bench lays out the tools of an attempt. It implements phases.Workbench.
type bench struct {
	m mount
	w *watch
}

func (b bench) Tools(_ context.Context, dir string, task planner.Task, _ []string) (agent.Toolbox, error) {
	return tools{b.m, b.w, dir, task.ID}, nil
}

// tools act on a scratch tree.
type tools struct {
	m    mount
	w    *watch
	dir  string
	task planner.TaskID
}

func (t tools) Defs() []agent.ToolDef {
	object := json.RawMessage(`{"type":"object"}`)
	return []agent.ToolDef{
		{Name: "write_file", Schema: object, Tells: true}, {Name: "edit_line", Schema: object, Tells: true}, {Name: "remove_file", Schema: object},
		{Name: "look", Schema: object, ReadOnly: true},
	}
}

func (t tools) Call(ctx context.Context, c agent.ToolCall) (agent.ToolResult, error) {
	t.w.toolRuns(t.task, c.Name)
	if err := t.m.l.sleep(ctx, t.w.lasts("tool", string(t.task), c.Name)); err != nil {
		return agent.ToolResult{}, err
	}
	var in struct{ Path, Content, Key, Text string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return agent.ToolResult{Text: err.Error(), Error: true}, nil
	}
	file := path.Join(t.dir, in.Path)
	switch c.Name {
	case "look":
		raw, err := t.m.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return agent.ToolResult{Text: "not there", Error: true}, nil
		}
		return agent.ToolResult{Text: "it has " + fmt.Sprint(len(raw)) + " bytes"}, err
	case "edit_line":
		return t.edit(in.Key, in.Text)
	case "remove_file":
		if err := t.m.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return agent.ToolResult{}, err
		}
		return agent.ToolResult{Text: "removed"}, nil
	}
	return agent.ToolResult{Text: "written", Note: "wrote " + in.Path, Touched: []string{in.Path}}, t.m.put(file, []byte(in.Content))
}

// edit changes the line of a task in the shared file, where both sides of a conflict are kept.
func (t tools) edit(key, text string) (agent.ToolResult, error) {
	file := path.Join(t.dir, sharedFile)
	raw, err := t.m.ReadFile(file)
	if err != nil {
		return agent.ToolResult{}, err
	}
	lines := reconcile(strings.Split(string(raw), "\n"))
	for i, l := range lines {
		if strings.HasPrefix(l, key+": ") {
			lines[i] = key + ": " + text
			return agent.ToolResult{Text: "edited", Touched: []string{sharedFile}}, t.m.put(file, []byte(strings.Join(lines, "\n")))
		}
	}
	return agent.ToolResult{Text: "no such line", Error: true}, nil
}

// reconcile takes the markers of conflicts out: of each line the side stays that made it good. It tells by
// the labels alone: the lines of the sides are the same but for what stands behind their keys.
func reconcile(lines []string) []string {
	var out, ours []string
	side := ""
	for _, l := range lines {
		mark, _, _ := strings.Cut(l, " ")
		switch {
		case mark == "<<<<<<<":
			side, ours = mark, nil
		case side != "" && (mark == "|||||||" || mark == "======="):
			side = mark
		case side != "" && mark == ">>>>>>>":
			side, out = "", append(out, ours...)
		case side == "<<<<<<<":
			ours = append(ours, l)
		case side == "=======":
			key, good := strings.CutSuffix(l, ": good")
			if i := slices.Index(ours, key+": -"); good && i >= 0 {
				ours[i] = l
			}
		case side == "":
			out = append(out, l)
		}
	}
	return out
}

// gates runs checks on trees on the disk. It implements phases.Gates.
type gates struct {
	m mount
	w *watch
}

func (g gates) Run(ctx context.Context, r phases.GateRun) (phases.GateReport, error) {
	g.w.gateRuns(r)
	if err := g.m.l.sleep(ctx, g.w.lasts("gate", string(r.Gate.ID), r.Tree)); err != nil {
		return phases.GateReport{}, err
	}
	log := []byte(fmt.Sprintf("%s in %s", r.Gate.ID, path.Base(r.Tree)))
	if r.Gate.Kind == planner.GateCommand {
		return phases.GateReport{Pass: true, Short: "ok", Log: log}, g.command(r)
	}
	for _, f := range r.Gate.Files {
		raw, err := g.m.ReadFile(path.Join(r.Tree, f.Path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return phases.GateReport{}, err
		}
		if err != nil || len(f.Contains) > 0 && !strings.Contains(string(raw), f.Contains[0]) {
			return phases.GateReport{Exit: 1, Short: "no", Feedback: f.Path + " must contain " + strings.Join(f.Contains, " "), Signature: f.Path, Log: log}, nil
		}
	}
	return phases.GateReport{Pass: true, Short: "ok", Log: log}, nil
}

// command is a setup step, or the build that feeds the other gates.
func (g gates) command(r phases.GateRun) error {
	if r.Gate.Run[0] == "fetch" {
		return g.m.put(path.Join(r.Tree, "deps"), []byte("fetched"))
	}
	if _, err := g.m.ReadFile(path.Join(r.Tree, "deps")); err != nil {
		return fmt.Errorf("build without setup: %w", err)
	}
	return g.m.put(path.Join(r.Tree, "bin/out"), []byte("built"))
}

// lasts is how long something takes: by chance, the same again for the same thing in the same life.
func (w *watch) lasts(parts ...string) time.Duration {
	return time.Duration(draw(w.world.seed, append(parts, fmt.Sprint(w.life.number))...).Int64N(int64(3 * time.Second)))
}
