package clitool

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

//go:embed templates/*.tmpl
var templates embed.FS

// writer writes the command packages of a program.
type writer struct {
	p        *program
	v        *voice
	names    gen.Names
	observed []observation
	open     []blueprint.Unknown // what the sessions ask for beyond the rules
}

// Unknown lists what the spec's commands and sessions ask for that no rule gives, beyond what the
// blueprint already lists. It is empty for blueprints of other types.
func Unknown(bp *blueprint.Blueprint) []blueprint.Unknown {
	if bp.Type != "cli-tool" || len(bp.Entities) == 0 {
		return nil
	}
	_, unknown := learn(newProgram(bp))
	return unknown
}

// Units writes the program: first what every program shares, then its commands. It fails when bp
// has no entities or no commands.
func Units(bp *blueprint.Blueprint) ([]unit.Unit, error) {
	if len(bp.Commands) == 0 {
		return nil, fmt.Errorf("generate commands: the spec describes no commands")
	}
	core, names, err := gen.Core(bp, manner())
	if err != nil {
		return nil, err
	}
	p := newProgram(bp)
	v, open := learn(p)
	w := &writer{p: p, v: v, names: names, open: open}
	w.observed, _ = replay(p)
	files, err := w.files()
	if err != nil {
		return nil, fmt.Errorf("generate commands: %w", err)
	}
	return []unit.Unit{
		{Name: "core", Title: "Records and storage", Goal: "Keep " + list(p.entities) + " in an embedded database, checked before they are written.", Files: core},
		{Name: "commands", Title: "Commands", Goal: "Offer the commands of " + p.name + " with their messages and exit codes.", Files: files},
	}, nil
}

func list(entities []*entity) string {
	var names []string
	for _, e := range entities {
		names = append(names, e.plural)
	}
	return strings.Join(names, " and ")
}

// The words by which the domain package names faults; the commands make sentences of them.
func faultWords() map[gen.Fault]string {
	return map[gen.Fault]string{
		gen.FaultRequired: "required", gen.FaultUnknown: "unknown", gen.FaultText: "not text",
		gen.FaultShort: "too short", gen.FaultLong: "too long", gen.FaultPattern: "not in its form", gen.FaultChoice: "not a choice",
		gen.FaultInteger: "not a whole number", gen.FaultDecimal: "not a number", gen.FaultMoney: "not an amount",
		gen.FaultDate: "not a date", gen.FaultDateTime: "not a time", gen.FaultBool: "neither yes nor no",
		gen.FaultList: "not a list", gen.FaultEmail: "not an e-mail address", gen.FaultURL: "not a web address",
		gen.FaultMin: "too small", gen.FaultMax: "too large", gen.FaultOver: "not above", gen.FaultRef: "not found", gen.FaultUnique: "taken",
		gen.FaultOrder: "too early", gen.FaultStrict: "too early",
	}
}

func manner() gen.Manner {
	m := gen.DefaultManner()
	m.IDNumber = true
	m.Words = faultWords()
	return m
}

// fieldFaults pairs the classes of faults of one field with the words of the domain package.
func fieldFaults(f *field) [][2]string {
	words := faultWords()
	var out [][2]string
	if f.Required {
		out = append(out, [2]string{"required", words[gen.FaultRequired]})
	}
	switch f.Kind {
	case blueprint.Integer, blueprint.Decimal, blueprint.Money, blueprint.Date, blueprint.DateTime, blueprint.Bool, blueprint.Choice, blueprint.Email, blueprint.URL:
		fault := map[blueprint.Kind]gen.Fault{
			blueprint.Integer: gen.FaultInteger, blueprint.Decimal: gen.FaultDecimal, blueprint.Money: gen.FaultMoney, blueprint.Date: gen.FaultDate,
			blueprint.DateTime: gen.FaultDateTime, blueprint.Bool: gen.FaultBool, blueprint.Choice: gen.FaultChoice, blueprint.Email: gen.FaultEmail, blueprint.URL: gen.FaultURL,
		}[f.Kind]
		out = append(out, [2]string{"invalid_" + string(f.Kind), words[fault]})
	}
	for _, l := range []struct {
		set   bool
		class string
		fault gen.Fault
	}{{f.MinLen != nil, "too_short", gen.FaultShort}, {f.MaxLen != nil, "too_long", gen.FaultLong}, {f.Pattern != "", "wrong_form", gen.FaultPattern}, {f.Min != nil && !f.Over, "too_small", gen.FaultMin}, {f.Min != nil && f.Over, "not_over", gen.FaultOver}, {f.Max != nil, "too_large", gen.FaultMax}} {
		if l.set {
			out = append(out, [2]string{l.class, words[l.fault]})
		}
	}
	if f.Unique {
		out = append(out, [2]string{"duplicate", words[gen.FaultUnique]})
	}
	return out
}

// files renders the templates; the command package is finished as a whole.
func (w *writer) files() ([]unit.File, error) {
	root, err := template.New("").Funcs(w.functions()).ParseFS(templates, "templates/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	type job struct {
		path, template string
		data           any
	}
	jobs := []job{
		{"cmd/" + w.names.Program + "/main.go", "main.go", w},
		{"internal/cli/doc.go", "doc.go", w},
		{"internal/cli/root.go", "root.go", w},
		{"internal/cli/problem.go", "problem.go", w},
		{"internal/cli/output.go", "output.go", w},
		{"internal/cli/file.go", "file.go", w},
		{"internal/cli/cli_test.go", "cli_test.go", w},
		{"README.md", "readme.md", w},
	}
	for _, e := range w.p.entities {
		jobs = append(jobs, job{"internal/cli/" + w.names.Entities[e.index].Stem + "_record.go", "record.go", entityView{w, e, w.names.Entities[e.index]}})
	}
	for _, c := range w.p.commands {
		jobs = append(jobs, job{"internal/cli/" + commandStem(c) + ".go", "command.go", w.commandView(c)})
	}
	var files []unit.File
	for _, j := range jobs {
		var b bytes.Buffer
		if err := root.ExecuteTemplate(&b, j.template+".tmpl", j.data); err != nil {
			return nil, fmt.Errorf("render %s: %w", j.path, err)
		}
		files = append(files, unit.File{Path: j.path, Content: b.String()})
	}
	finished, err := gen.Finish(files)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(finished, func(f unit.File) bool {
		return strings.HasSuffix(f.Content, "package cli\n") && !strings.HasSuffix(f.Path, "doc.go")
	}), nil
}

// commandStem is the file of a command; the ending keeps words such as "test" or "linux" harmless.
func commandStem(c *command) string {
	return strings.ReplaceAll(strings.ReplaceAll(c.Name, " ", "_"), "-", "_") + "_command"
}

func (w *writer) functions() template.FuncMap {
	return template.FuncMap{
		"quote":       strconv.Quote,
		"lower":       strings.ToLower,
		"goList":      func(words []string) string { return "[]string{" + quotedList(words) + "}" },
		"quoteFields": func(s string) string { return quotedList(strings.Fields(s)) },
		"code":        func(class string) int { return w.v.exit(&fault{class: class, usage: usageClass(class)}) },
		"say": func(class string, pairs ...string) string {
			return w.v.fault(&fault{class: class}).expr(pairResolver(pairs))
		},
	}
}

func usageClass(class string) bool {
	return slices.Contains([]string{"missing_arg", "extra_arg", "missing_value", "unknown_flag", "unknown_command", "no_command"}, class)
}

// pairResolver resolves facts from name, expression pairs.
func pairResolver(pairs []string) resolver {
	return func(source string) goValue {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == source {
				return goString(pairs[i+1])
			}
		}
		return goString(strconv.Quote(""))
	}
}

// The following are what the templates ask of the writer.

// Program is the name of the command.
func (w *writer) Program() string { return w.names.Program }

// Module is the path that imports begin with.
func (w *writer) Module() string { return w.names.Module }

// Summary is what the program is for, in one line.
func (w *writer) Summary() string {
	return strings.Join(strings.Fields(cmp.Or(w.p.bp.Summary, w.p.bp.Title, w.p.name)), " ")
}

// Title is the heading of the README.
func (w *writer) Title() string { return cmp.Or(w.p.bp.Title, w.p.name) }

// DataFlag is the name of the global flag, without dashes.
func (w *writer) DataFlag() string { return w.p.dataFlag }

// DataEnv is the name of the environment variable.
func (w *writer) DataEnv() string { return w.p.dataEnv }

// Prefix stands in front of messages without a form of their own.
func (w *writer) Prefix() string { return w.v.prefix }

// DataDir says whether the data flag names a folder.
func (w *writer) DataDir() bool { return w.p.dataDir }

// Domain is the exit code of refusals, Usage that of wrong command lines.
func (w *writer) Domain() int { return w.v.exits["domain"] }

// Usage is the exit code of wrong command lines.
func (w *writer) Usage() int { return w.v.exits["usage"] }

// Alone says whether the program refuses to run without a command.
func (w *writer) Alone() bool { return w.p.alone }

// Constructors lists the functions that make the commands directly below the root.
func (w *writer) Constructors() []string {
	var out []string
	for _, c := range w.p.commands {
		if !strings.Contains(c.Name, " ") && !w.isGroup(c.Name) {
			out = append(out, constructor(c))
		}
	}
	return out
}

// Group is a command that only holds others.
type Group struct {
	Name         string
	Constructors []string
}

// Groups lists the groups in the order of the spec.
func (w *writer) Groups() []Group {
	var out []Group
	for _, c := range w.p.commands {
		name, _, ok := strings.Cut(c.Name, " ")
		if !ok {
			continue
		}
		i := slices.IndexFunc(out, func(g Group) bool { return g.Name == name })
		if i < 0 {
			out = append(out, Group{Name: name})
			i = len(out) - 1
		}
		out[i].Constructors = append(out[i].Constructors, constructor(c))
	}
	return out
}

func (w *writer) isGroup(name string) bool {
	return slices.ContainsFunc(w.p.commands, func(c *command) bool { return strings.HasPrefix(c.Name, name+" ") })
}

func constructor(c *command) string {
	id := ""
	for _, word := range strings.FieldsFunc(c.Name, func(r rune) bool { return r == ' ' || r == '-' }) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return "new" + id + "Command"
}

// Session is a console block that the world could follow from beginning to end, as a test.
type Session struct {
	Name  string
	Steps []SessionStep
}

// SessionStep is one command line with what it must print; "" leaves that open.
type SessionStep struct {
	Args []string
	Want string
	Exit int
}

// Sessions are the acceptance sessions in the form of tests.
func (w *writer) Sessions() []Session {
	var out []Session
	last := ""
	for _, o := range w.observed {
		block := w.blockOf(o.step.Line)
		if o.res.silent || w.brokenBefore(block, o.step.Line) {
			continue
		}
		if block != last {
			out = append(out, Session{Name: "acceptance " + strconv.Itoa(len(out)+1)})
			last = block
		}
		s := &out[len(out)-1]
		want := ""
		if o.exact() {
			want = strings.Join(o.step.Output, "\n") + "\n"
		}
		s.Steps = append(s.Steps, SessionStep{Args: o.step.Argv[1:], Want: want, Exit: o.step.Exit})
	}
	return out
}

// brokenBefore says whether the session that begins at block asks for something beyond the rules
// at or before line: from there on its expectations are not the program's.
func (w *writer) brokenBefore(block string, line int) bool {
	return slices.ContainsFunc(w.open, func(u blueprint.Unknown) bool {
		return strings.HasPrefix(u.Text, "$ ") && u.Line <= line && w.blockOf(u.Line) == block
	})
}

func (w *writer) blockOf(line int) string {
	at := 0
	for _, b := range w.p.bp.Acceptance {
		if b.Line <= line {
			at = max(at, b.Line)
		}
	}
	return strconv.Itoa(at)
}

// Transcript is the first session as a person sees it.
func (w *writer) Transcript() string {
	for _, b := range w.p.bp.Acceptance {
		if b.Lang == "console" {
			return strings.TrimSpace(b.Text)
		}
	}
	return ""
}

// Usages lists the commands for the README: usage and what it does.
func (w *writer) Usages() [][2]string {
	var out [][2]string
	for _, c := range w.p.commands {
		out = append(out, [2]string{w.p.name + " " + usageLine(c), describe(c)})
	}
	return out
}

// Missing lists the commands that need an argument.
func (w *writer) Missing() []string {
	var out []string
	for _, c := range w.p.commands {
		if len(c.Args) > 0 && !c.Args[0].Optional {
			out = append(out, c.Name)
		}
	}
	return out
}

// Helps lists the commands, the root first.
func (w *writer) Helps() []string {
	out := []string{""}
	for _, c := range w.p.commands {
		out = append(out, c.Name)
	}
	return out
}
