package agenttest

import (
	"fmt"
	"strings"
)

// Job is a project of many small tasks for a [Crew]: a spec, and a plan of it in which every task
// writes a file of its own. The same job gives the same texts.
type Job struct {
	Tasks  int // at least 1
	Width  int // tasks that may run side by side: task n needs task n - Width; 0: none needs another
	Calls  int // of each task; 0 means 2
	Phases int // the tasks are spread over so many, in order; 0 means 1
	// Shared lets every task also edit its line of a file that all write: SLOTS.md. The first task
	// makes it, and all others need the first.
	Shared bool
	// Command proves every task by a command too.
	Command bool
	// Last is a task more that needs all others.
	Last bool
}

// SpecFile is the name by which a job's plan calls its spec.
const SpecFile = "many.md"

// Spec is the specification: one requirement a task, in order.
func (j Job) Spec() string {
	var b strings.Builder
	b.WriteString("# Many\n\n## Rules\n")
	for n := range j.count() {
		fmt.Fprintf(&b, "- %s\n", j.rule(n))
	}
	return b.String()
}

// Plan is the plan of the spec, in YAML.
func (j Job) Plan() string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nspec: {path: %s, sha256: %s}\n", SpecFile, sum([]byte(j.Spec())))
	b.WriteString("project: {name: many, type: other}\nrequirements:\n")
	for n := range j.count() {
		fmt.Fprintf(&b, "  - {id: R%d, text: %q}\n", n+1, j.rule(n))
	}
	b.WriteString("phases:\n")
	phases, at := min(max(j.Phases, 1), j.count()), -1
	for n := range j.count() {
		if p := n * phases / j.count(); p != at {
			at = p
			fmt.Fprintf(&b, "  - id: %s\n    title: Part %d\n    tasks:\n", j.phase(n), p+1)
		}
		j.task(&b, n)
	}
	if j.Shared {
		b.WriteString("shared: [SLOTS.md]\n")
	}
	b.WriteString("gates:\n")
	for n := range j.count() {
		fmt.Fprintf(&b, "  - {id: %s, kind: file, files: [{path: %s, contains: [%q]}]}\n", j.name(n), j.File(n), j.name(n)+" is done")
		if j.Command {
			fmt.Fprintf(&b, "  - {id: %s-run, kind: command, run: [grep, -q, %q, %s]}\n", j.name(n), j.name(n)+" is done", j.File(n))
		}
	}
	return b.String()
}

// TaskID is the id of task n, counted from 0.
func (j Job) TaskID(n int) string { return j.phase(n) + "." + j.name(n) }

// File is what task n writes.
func (j Job) File(n int) string { return "work/" + j.name(n) + ".txt" }

func (j Job) count() int {
	n := max(j.Tasks, 1)
	if j.Last {
		n++
	}
	return n
}

func (j Job) name(n int) string { return fmt.Sprintf("t%04d", n) }

func (j Job) phase(n int) string {
	phases := min(max(j.Phases, 1), j.count())
	return fmt.Sprintf("p%d", n*phases/j.count()+1)
}

func (j Job) rule(n int) string {
	return fmt.Sprintf("The file %s says that %s is done.", j.File(n), j.name(n))
}

func (j Job) task(b *strings.Builder, n int) {
	claims, gates := j.File(n), j.name(n)
	if j.Command {
		gates += ", " + j.name(n) + "-run"
	}
	fmt.Fprintf(b, "      - id: %s\n        title: Write %s\n        covers: [R%d]\n        writes: [%s]\n        gates: [%s]\n", j.TaskID(n), j.name(n), n+1, claims, gates)
	if needs := j.needs(n); len(needs) > 0 {
		fmt.Fprintf(b, "        needs: [%s]\n", strings.Join(needs, ", "))
	}
	b.WriteString("        goal: |\n")
	for _, line := range j.goal(n) {
		fmt.Fprintf(b, "          %s\n", line)
	}
}

func (j Job) needs(n int) []string {
	var needs []string
	switch {
	case j.Last && n == j.count()-1:
		for i := range n {
			needs = append(needs, j.TaskID(i))
		}
	case j.Width > 0 && n >= j.Width:
		needs = append(needs, j.TaskID(n-j.Width))
	case j.Shared && n > 0:
		needs = append(needs, j.TaskID(0))
	}
	return needs
}

// goal has as many answers as the job's tasks have calls.
func (j Job) goal(n int) []string {
	calls := j.Calls
	if calls == 0 {
		calls = 2
	}
	var lines []string
	if calls > 2 {
		lines = append(lines, fmt.Sprintf("grow %s %d %s", j.File(n), calls-2, j.name(n)))
	}
	lines = append(lines, fmt.Sprintf("write %s %s is done", j.File(n), j.name(n)))
	switch {
	case j.Shared && n == 0:
		lines = append(lines, "+ run "+j.slots())
	case j.Shared:
		lines = append(lines, fmt.Sprintf("+ edit SLOTS.md %s open => %s done", j.name(n), j.name(n)))
	}
	lines = append(lines, "+ note "+j.name(n)+" wrote "+j.File(n))
	if calls == 1 {
		return append(lines, "+ finish wrote "+j.name(n))
	}
	return append(lines, "finish wrote "+j.name(n))
}

// slots is the command that makes the shared file: a line a task, with room between them, so that
// two edits never touch one another.
func (j Job) slots() string {
	var lines []string
	for n := 1; n < j.count(); n++ {
		lines = append(lines, "'"+j.name(n)+" open'")
	}
	return `printf '%s\n\n\n\n' ` + strings.Join(lines, " ") + " > SLOTS.md"
}
