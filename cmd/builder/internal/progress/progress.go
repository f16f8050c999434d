// Package progress shows a running build to a person or to a program. It reads records and state
// and calls nothing: if it needs more, a record lacks a field.
package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Form is how progress is written.
type Form string

// The forms: a bar for terminals, a line per event elsewhere, records as JSON lines for programs.
const (
	Bar    Form = "bar"
	Plain  Form = "text"
	NDJSON Form = "ndjson"
	Silent Form = "none"
)

// View writes progress to one stream. It implements phases.Observer. Width is the terminal's.
type View struct {
	Out   io.Writer
	Form  Form
	Width int
	Plan  func(*phases.State) *planner.Plan // the plan of a state; nil while there is none
	Clean func(string) string               // makes foreign text safe to show

	mu   sync.Mutex
	line string // what stands in the bar
}

// Observe implements phases.Observer.
func (v *View) Observe(envs []checkpoint.Envelope, s *phases.State) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range envs {
		switch v.Form {
		case Silent:
		case NDJSON:
			v.json(e)
		default:
			if text := v.text(e, s); text != "" {
				v.print(text)
			}
		}
	}
	if v.Form == Bar {
		v.draw(s)
	}
}

// Say prints a line of its own, above the bar.
func (v *View) Say(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.Form == Plain || v.Form == Bar {
		v.print(text)
	}
}

// End takes the bar away.
func (v *View) End() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	v.line = ""
}

func (v *View) json(e checkpoint.Envelope) {
	raw, err := json.Marshal(struct {
		Seq     uint64          `json:"seq"`
		Kind    string          `json:"kind"`
		Time    time.Time       `json:"time"`
		Payload json.RawMessage `json:"payload"`
	}{e.Seq, e.Kind, e.Time, e.Payload})
	if err == nil {
		fmt.Fprintf(v.Out, "%s\n", raw)
	}
}

func (v *View) print(text string) {
	v.erase()
	fmt.Fprintf(v.Out, "%s\n", v.Clean(text))
	if v.line != "" {
		fmt.Fprint(v.Out, v.line)
	}
}

func (v *View) erase() {
	if v.line != "" {
		fmt.Fprint(v.Out, "\r\033[K")
	}
}

// draw shows how far the build is in one line.
func (v *View) draw(s *phases.State) {
	done, all, now := 0, 0, "planning"
	if p := v.Plan(s); p != nil {
		var running []planner.TaskID
		for _, t := range p.Tasks() {
			all++
			switch s.Task(t.ID).State {
			case phases.TaskIsDone, phases.TaskIsFail:
				done++
			case phases.TaskRunning:
				running = append(running, t.ID)
			}
		}
		now = listed(running[:min(len(running), 3)])
		if more := len(running) - 3; more > 0 {
			now += fmt.Sprintf(" and %d more", more)
		}
	}
	if s.Held != nil {
		now = "paused"
	}
	const cells = 20
	fill := 0
	if all > 0 {
		fill = cells * done / all
	}
	used := s.Guard.Account(budget.Build)
	line := fmt.Sprintf("[%s%s] %d/%d  %s  %s  %d calls", strings.Repeat("#", fill), strings.Repeat(".", cells-fill), done, all, now, Billed(s.Build.Billing, used.Spent+used.Unknown), used.Calls)
	if r := []rune(v.Clean(line)); v.Width > 1 && len(r) >= v.Width {
		line = string(r[:v.Width-1])
	}
	if line == v.line {
		return
	}
	v.erase()
	v.line = line
	fmt.Fprint(v.Out, line)
}

// USD writes money for people: dollars and cents, more digits below a cent.
func USD(m budget.Micro) string {
	if m != 0 && m < 10_000 {
		return fmt.Sprintf("$%.6f", float64(m)/float64(budget.Dollar))
	}
	return fmt.Sprintf("$%.2f", float64(m)/float64(budget.Dollar))
}
