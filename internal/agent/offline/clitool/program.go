package clitool

import (
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
)

// program is a blueprint with its names settled and its parts looked up.
type program struct {
	bp       *blueprint.Blueprint
	name     string
	entities []*entity
	commands []*command
	dataFlag string // global flag for the data file, without dashes
	dataEnv  string // environment variable for the data file
	dataDir  bool   // the flag names a folder
	rules    []blueprint.Rule
	alone    bool // without a command the program refuses, where the usual is to show its help
}

// entity is a noun with the names it has in Go and in messages.
type entity struct {
	blueprint.Entity
	index    int
	fields   []*field
	singular string // "book", for messages
	plural   string // "books"
}

// field is a property; ref is set for references.
type field struct {
	blueprint.Field
	ref *entity
}

// command is a command over its entity; entity is nil for those that work on all.
type command struct {
	blueprint.Command
	entity *entity
}

func newProgram(bp *blueprint.Blueprint) *program {
	p := &program{bp: bp, name: gen.NamesOf(bp).Program, rules: bp.Rules}
	for i, e := range bp.Entities {
		plural := strings.ToLower(e.Plural)
		if plural == "" {
			plural = strings.ToLower(e.Name) + "s"
		}
		p.entities = append(p.entities, &entity{Entity: e, index: i, singular: strings.ToLower(e.Name), plural: plural})
	}
	for _, e := range p.entities {
		for _, f := range e.Fields {
			e.fields = append(e.fields, &field{Field: f, ref: p.entity(f.Ref)})
		}
	}
	for _, c := range bp.Commands {
		p.commands = append(p.commands, &command{Command: c, entity: p.entity(c.Entity)})
	}
	p.dataFlag, p.dataEnv = "data", strings.ToUpper(strings.ReplaceAll(p.name, "-", "_"))+"_DATA"
	p.readRunning()
	p.alone = p.refusesAlone()
	return p
}

// refusesAlone says whether the sessions show the program without a command as a refusal.
func (p *program) refusesAlone() bool {
	for _, b := range p.bp.Acceptance {
		if b.Lang != "console" {
			continue
		}
		for _, s := range blueprint.ReadSession(b) {
			if len(s.Argv) == 1 && isProgram(p, s.Argv[0]) && s.Exit != 0 {
				return true
			}
		}
	}
	return false
}

// readRunning takes the names of the data flag and variable from the Running section.
func (p *program) readRunning() {
	for i, w := range p.bp.Running {
		w = strings.Trim(w, "[]`.,;:()")
		if i > 0 && strings.Trim(p.bp.Running[i-1], "[]`") == "--"+p.dataFlag {
			p.dataDir = strings.Contains(w, "DIR") || strings.Contains(w, "FOLDER")
		}
		if name, ok := strings.CutPrefix(w, "--"); ok && slices.Contains([]string{"data", "file", "db", "data-file", "store", "data-dir"}, name) {
			p.dataFlag = name
		}
		if name, _, ok := strings.Cut(w, "="); ok && name != "" && name == strings.ToUpper(name) && !strings.HasPrefix(name, "-") {
			p.dataEnv = name
		}
	}
}

// entity finds an entity by name, nil when there is none.
func (p *program) entity(name string) *entity {
	for _, e := range p.entities {
		if name != "" && strings.EqualFold(e.Name, name) {
			return e
		}
	}
	return nil
}

// field finds a field by key, nil when there is none.
func (e *entity) field(key string) *field {
	for _, f := range e.fields {
		if f.Key == key {
			return f
		}
	}
	return nil
}

// label is the field that names a record to people: the first text, nil when there is none.
func (e *entity) label() *field {
	for _, f := range e.fields {
		if f.Kind == blueprint.Text && !f.List {
			return f
		}
	}
	return nil
}

// handle is the field by which records may be named in place of their number: the first unique
// text.
func (e *entity) handle() *field {
	for _, f := range e.fields {
		if f.Kind == blueprint.Text && f.Unique && !f.List {
			return f
		}
	}
	return nil
}

// done is the yes/no field that "all" lists beyond; nil when there is none.
func (e *entity) done() *field {
	for _, f := range e.fields {
		if f.Kind == blueprint.Bool && slices.Contains([]string{"done", "finished", "complete", "completed", "closed", "returned", "archived", "checked", "read", "paid"}, f.Key) {
			return f
		}
	}
	return nil
}

// referrers lists the fields of other entities that refer to e.
func (p *program) referrers(e *entity) []*reference {
	var out []*reference
	for _, o := range p.entities {
		for _, f := range o.fields {
			if f.ref == e {
				out = append(out, &reference{o, f})
			}
		}
	}
	return out
}

// reference is a field of an entity that refers to another entity.
type reference struct {
	from  *entity
	field *field
}

// command finds the command that argv calls and the words after it; nil when there is none.
func (p *program) command(argv []string) (*command, []string) {
	var best *command
	length := 0
	for _, c := range p.commands {
		words := strings.Fields(c.Name)
		if len(words) > length && len(argv) >= len(words) && slices.Equal(words, argv[:len(words)]) {
			best, length = c, len(words)
		}
	}
	return best, argv[length:]
}
