package clitool

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// result is what a command did, before it is put into words.
type result struct {
	command *command
	fault   *fault
	facts   facts   // of the record or of the whole
	rows    []facts // one for each record that was listed
	records []*record
	entity  *entity
	json    bool
	silent  bool // --help and other output that is cobra's own
}

// call is a command line taken apart.
type call struct {
	w     *world
	c     *command
	args  map[string][]string         // by argument name
	flags map[*blueprint.Arg][]string // given flags
}

// run carries out one command line of the program.
func (w *world) run(argv []string) result {
	argv = w.withoutGlobals(argv)
	c, rest := w.p.command(argv)
	if c == nil {
		return w.noCommand(argv)
	}
	res := result{command: c, entity: c.entity, facts: facts{}}
	cl := &call{w: w, c: c, args: map[string][]string{}, flags: map[*blueprint.Arg][]string{}}
	if slices.Contains(rest, "--help") || slices.Contains(rest, "-h") {
		res.silent = true
		return res
	}
	if res.fault = cl.parse(rest); res.fault != nil {
		res.fault.usage = true
		return res
	}
	cl.act(&res)
	if res.fault != nil {
		res.fault.facts["command"] = c.Name
	}
	for name, v := range cl.args {
		setDefault(res.facts, "arg."+name, strings.Join(v, " "))
	}
	return res
}

func setDefault(k facts, name, value string) {
	if _, ok := k[name]; !ok {
		k[name] = value
	}
}

func (w *world) withoutGlobals(argv []string) []string {
	var out []string
	for i := 0; i < len(argv); i++ {
		switch {
		case argv[i] == "--"+w.p.dataFlag:
			i++
		case !strings.HasPrefix(argv[i], "--"+w.p.dataFlag+"="):
			out = append(out, argv[i])
		}
	}
	return out
}

func (w *world) noCommand(argv []string) result {
	res := result{facts: facts{}}
	if len(argv) == 0 && w.p.alone {
		res.fault = &fault{class: "no_command", usage: true, facts: facts{}}
		return res
	}
	if len(argv) == 0 || strings.HasPrefix(argv[0], "-") || argv[0] == "help" || argv[0] == "completion" {
		res.silent = true
		return res
	}
	word := argv[0]
	for _, c := range w.p.commands {
		if group, _, ok := strings.Cut(c.Name, " "); ok && group == word {
			if len(argv) == 1 {
				res.silent = true
				return res
			}
			word = argv[1]
			break
		}
	}
	res.fault = &fault{class: "unknown_command", usage: true, facts: facts{"value": word}}
	return res
}

// parse takes the words after the command's path as pflag does: flags may stand anywhere.
func (cl *call) parse(words []string) *fault {
	var args []string
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			args = append(args, words[i+1:]...)
			break
		}
		if !strings.HasPrefix(word, "-") || word == "-" {
			args = append(args, word)
			continue
		}
		name, value, inline := strings.Cut(strings.TrimLeft(word, "-"), "=")
		a := cl.flag(name, strings.HasPrefix(word, "--"))
		switch {
		case a == nil:
			return &fault{class: "unknown_flag", facts: facts{"value": word, "flag": "--" + name, "command": cl.c.Name}}
		case a.Bool && !inline && cl.c.Action != blueprint.ActList && a.Use == blueprint.UseField && a.Equals != "":
			value = a.Equals
		case a.Bool && !inline:
			value = "yes"
		case !a.Bool && !inline:
			if i++; i >= len(words) {
				return &fault{class: "missing_value", facts: facts{"flag": "--" + name, "command": cl.c.Name}}
			}
			value = words[i]
		}
		cl.flags[a] = append(cl.flags[a], value)
		if !a.Many && len(cl.flags[a]) > 1 {
			cl.flags[a] = cl.flags[a][1:]
		}
	}
	return cl.spread(args)
}

func (cl *call) flag(name string, long bool) *blueprint.Arg {
	for i := range cl.c.Flags {
		f := &cl.c.Flags[i]
		if long && f.Name == name || !long && f.Short == name && name != "" {
			return f
		}
	}
	return nil
}

// spread gives the positional words to the arguments; the last takes all the rest if it may.
func (cl *call) spread(words []string) *fault {
	for i, a := range cl.c.Args {
		if len(words) == 0 {
			if !a.Optional {
				return &fault{class: "missing_arg", facts: facts{"arg": strings.ToUpper(a.Name), "Arg": a.Name, "command": cl.c.Name}}
			}
			return nil
		}
		n := 1
		if a.Many && i == len(cl.c.Args)-1 {
			n = len(words)
		}
		cl.args[a.Name] = words[:n]
		words = words[n:]
	}
	if len(words) > 0 {
		return &fault{class: "extra_arg", facts: facts{"value": words[0], "command": cl.c.Name}}
	}
	return nil
}

func (cl *call) act(res *result) {
	switch cl.c.Action {
	case blueprint.ActCreate:
		cl.create(res)
	case blueprint.ActShow, blueprint.ActUpdate, blueprint.ActSet, blueprint.ActDelete:
		cl.eachRecord(res)
	case blueprint.ActList, blueprint.ActSearch:
		cl.list(res)
	case blueprint.ActStats:
		cl.stats(res)
	case blueprint.ActExport:
		cl.export(res)
	case blueprint.ActImport:
		cl.load(res)
	}
}

// assignments fills the fields that the command line names, references first, arguments before
// flags.
func (cl *call) assignments(r *record) *fault {
	for _, refs := range []bool{true, false} {
		for _, a := range cl.c.Args {
			v, ok := cl.args[a.Name]
			if problem := cl.assignOne(r, a, v, ok, refs); problem != nil {
				return problem
			}
		}
		for i := range cl.c.Flags {
			v, ok := cl.flags[&cl.c.Flags[i]]
			if problem := cl.assignOne(r, cl.c.Flags[i], v, ok, refs); problem != nil {
				return problem
			}
		}
	}
	return nil
}

func (cl *call) assignOne(r *record, a blueprint.Arg, typed []string, given, refs bool) *fault {
	if !given || a.Use != blueprint.UseField {
		return nil
	}
	f := cl.c.entity.field(a.Field)
	if (f.Kind == blueprint.Ref) != refs {
		return nil
	}
	return cl.w.assign(cl.c.entity, r, f, typed)
}

func (cl *call) create(res *result) {
	e, w := cl.c.entity, cl.w
	r := &record{values: map[string][]string{}}
	for _, f := range e.fields {
		switch {
		case f.Default != "":
			r.values[f.Key] = []string{f.Default}
			if v, ok := canonical(f.Kind, f.Choices, f.Default); ok {
				r.values[f.Key] = []string{v}
			}
		case f.Kind == blueprint.Bool:
			r.values[f.Key] = []string{"no"}
		}
	}
	if res.fault = cl.assignments(r); res.fault != nil {
		return
	}
	if res.fault = w.check(e, r, nil); res.fault != nil {
		return
	}
	w.last[e]++
	r.id = w.last[e]
	w.records[e] = append(w.records[e], r)
	cl.one(res, r)
}

// one tells about a single record.
func (cl *call) one(res *result, r *record) {
	k := cl.w.facts(cl.c.entity, r)
	maps.Copy(res.facts, k)
	res.facts["count"] = strconv.Itoa(len(cl.w.records[cl.c.entity]))
	res.rows = append(res.rows, k)
	res.records = append(res.records, r)
	res.json = cl.has(blueprint.UseJSON)
}

func (cl *call) has(use blueprint.ArgUse) bool {
	for a := range cl.flags {
		if a.Use == use {
			return true
		}
	}
	return false
}

// eachRecord shows, changes or deletes the records that the first argument names.
func (cl *call) eachRecord(res *result) {
	for _, typed := range cl.args[cl.c.Args[0].Name] {
		r, problem := cl.target(cl.c.Args[0], typed)
		if problem == nil {
			problem = cl.touch(res, r)
		}
		if problem != nil {
			setDefault(problem.facts, "value", typed)
			res.fault = problem
			return
		}
	}
}

func (cl *call) target(a blueprint.Arg, typed string) (*record, *fault) {
	e := cl.c.entity
	switch a.Use {
	case blueprint.UseLookup:
		for _, r := range cl.w.records[e] {
			if r.text(a.Field) == typed {
				return r, nil
			}
		}
		return nil, missing(e, typed, false)
	case blueprint.UseRef:
		o, problem := cl.w.find(e.field(a.Field).ref, typed)
		if problem != nil {
			return nil, problem
		}
		for _, r := range cl.w.records[e] {
			if r.text(a.Field) == strconv.Itoa(o.id) && !(len(cl.c.Set) > 0 && matchesAll(e, r, cl.c.Set)) {
				return r, nil
			}
		}
		return nil, &fault{class: "not_referred", entity: e, facts: cl.w.facts(e.field(a.Field).ref, o)}
	}
	return cl.w.find(e, typed)
}

func (cl *call) touch(res *result, r *record) *fault {
	e, w := cl.c.entity, cl.w
	switch cl.c.Action {
	case blueprint.ActDelete:
		if problem := w.held(e, r); problem != nil {
			return problem
		}
		w.remove(e, r)
	case blueprint.ActUpdate, blueprint.ActSet:
		changed := &record{id: r.id, values: maps.Clone(r.values)}
		for _, m := range cl.c.Set {
			delete(changed.values, m.Field)
			if m.Value != "" {
				changed.values[m.Field] = []string{m.Value}
			}
		}
		if problem := cl.assignments(changed); problem != nil {
			return problem
		}
		if problem := w.check(e, changed, r); problem != nil {
			return problem
		}
		r.values = changed.values
	}
	cl.one(res, r)
	return nil
}

// held refuses to delete what others refer to. A rule of the spec says which referrers count or
// that they go too; without one all count.
func (w *world) held(e *entity, r *record) *fault {
	for _, ref := range w.p.referrers(e) {
		i, rule := w.holdRule(e, ref)
		switch {
		case rule == nil && w.refers(ref, r, nil):
			return &fault{class: "in_use", entity: e, facts: facts{"entity": e.singular, "Entity": e.Name, "others": ref.from.plural, "id": strconv.Itoa(r.id)}}
		case rule != nil && rule.Kind == blueprint.RuleDelete && w.refers(ref, r, rule.Where):
			return w.ruleFault(i, e, r)
		}
	}
	return nil
}

func (w *world) holdRule(e *entity, ref *reference) (int, *blueprint.Rule) {
	for i, rule := range w.p.rules {
		if (rule.Kind == blueprint.RuleDelete || rule.Kind == blueprint.RuleCascade) && strings.EqualFold(rule.Entity, e.Name) && strings.EqualFold(rule.Target, ref.from.Name) {
			return i, &w.p.rules[i]
		}
	}
	return -1, nil
}

// remove deletes a record and, where a rule says so, those that refer to it.
func (w *world) remove(e *entity, r *record) {
	for _, ref := range w.p.referrers(e) {
		if _, rule := w.holdRule(e, ref); rule == nil || rule.Kind != blueprint.RuleCascade {
			continue
		}
		for _, o := range slices.Clone(w.records[ref.from]) {
			if o.text(ref.field.Key) == strconv.Itoa(r.id) {
				w.remove(ref.from, o)
			}
		}
	}
	w.records[e] = slices.DeleteFunc(slices.Clone(w.records[e]), func(o *record) bool { return o == r })
}

func (w *world) refers(ref *reference, r *record, where []blueprint.Match) bool {
	return slices.ContainsFunc(w.records[ref.from], func(o *record) bool {
		return o.text(ref.field.Key) == strconv.Itoa(r.id) && matchesAll(ref.from, o, where)
	})
}
