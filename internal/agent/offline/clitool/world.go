package clitool

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// record is one stored thing; values are canonical, a missing key is an empty field.
type record struct {
	id     int
	values map[string][]string
}

// text is a field's value as it is printed; "" when the field is empty.
func (r *record) text(key string) string { return strings.Join(r.values[key], ", ") }

// world is what the program to be written would hold in its store.
type world struct {
	p       *program
	records map[*entity][]*record
	last    map[*entity]int
	files   map[string]snapshot // what export wrote, for import
}

// snapshot is an exported file.
type snapshot struct {
	format  string
	entity  *entity
	records []*record
}

func newWorld(p *program) *world {
	return &world{p: p, records: map[*entity][]*record{}, last: map[*entity]int{}, files: map[string]snapshot{}}
}

// fault is a refusal: the class says which message answers it, facts fill the message's places.
type fault struct {
	class  string
	entity *entity
	field  *field
	usage  bool
	facts  facts
}

// facts are the known texts behind a line of output, by source name.
type facts map[string]string

func (w *world) byID(e *entity, id int) *record {
	for _, r := range w.records[e] {
		if r.id == id {
			return r
		}
	}
	return nil
}

// find looks a record up by what a person typed: its number, or the value of its handle.
func (w *world) find(e *entity, typed string) (*record, *fault) {
	id, err := strconv.Atoi(typed)
	if err == nil {
		if r := w.byID(e, id); r != nil {
			return r, nil
		}
	} else if h := e.handle(); h != nil {
		for _, r := range w.records[e] {
			if r.text(h.Key) == typed {
				return r, nil
			}
		}
	}
	return nil, missing(e, typed, err != nil && e.handle() == nil)
}

func missing(e *entity, typed string, malformed bool) *fault {
	class := "not_found"
	if malformed {
		class = "bad_id"
	}
	return &fault{class: class, entity: e, facts: facts{"value": typed, "entity": e.singular, "Entity": e.Name}}
}

// assign puts typed values into r; lists take commas and repetition alike.
func (w *world) assign(e *entity, r *record, f *field, typed []string) *fault {
	var values []string
	for _, t := range typed {
		parts := []string{t}
		if f.List {
			parts = strings.Split(t, ",")
		}
		for _, part := range parts {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			v, problem := w.value(e, f, part)
			if problem != nil {
				return problem
			}
			values = append(values, v)
		}
	}
	if len(values) > 1 && !f.List {
		values = []string{strings.Join(values, " ")}
	}
	delete(r.values, f.Key)
	if len(values) > 0 {
		r.values[f.Key] = values
	}
	return nil
}

func (w *world) value(e *entity, f *field, typed string) (string, *fault) {
	if f.Kind == blueprint.Ref && f.ref != nil {
		r, problem := w.find(f.ref, typed)
		if problem != nil {
			return "", problem
		}
		return strconv.Itoa(r.id), nil
	}
	known := w.fieldFacts(e, f, typed)
	v, ok := canonical(f.Kind, f.Choices, typed)
	if !ok {
		return "", &fault{class: "invalid_" + string(f.Kind), entity: e, field: f, facts: known}
	}
	if class, limit := limits(f, v); class != "" {
		known["limit"] = limit
		return "", &fault{class: class, entity: e, field: f, facts: known}
	}
	return v, nil
}

func (w *world) fieldFacts(e *entity, f *field, typed string) facts {
	k := facts{"value": typed, "field": strings.ToLower(f.Name), "key": f.Key, "entity": e.singular, "Entity": e.Name}
	if len(f.Choices) > 0 {
		k["choices"] = strings.Join(f.Choices, ", ")
		k["choices or"] = orList(f.Choices)
		k["choices bar"] = strings.Join(f.Choices, "|")
	}
	if f.Min != nil && f.Max != nil {
		k["min"], k["max"] = *f.Min, *f.Max
	}
	if f.MinLen != nil && f.MaxLen != nil {
		k["min"], k["max"] = strconv.Itoa(*f.MinLen), strconv.Itoa(*f.MaxLen)
	}
	return k
}

func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// check applies what needs the whole record and the other records, in the order of the program to
// be written: required, order of fields, rules, unique. old is the record before, nil for a new one.
func (w *world) check(e *entity, r, old *record) *fault {
	for _, f := range e.fields {
		if f.Required && len(r.values[f.Key]) == 0 {
			return &fault{class: "required", entity: e, field: f, facts: w.fieldFacts(e, f, "")}
		}
	}
	for _, kind := range []blueprint.RuleKind{blueprint.RuleOrder, blueprint.RuleForbid, blueprint.RuleLimit} {
		for i, rule := range w.p.rules {
			if rule.Kind == kind && strings.EqualFold(ruleEntity(rule), e.Name) && w.violates(rule, e, r, old) {
				return w.ruleFault(i, e, r)
			}
		}
	}
	for _, f := range e.fields {
		for _, o := range w.records[e] {
			if f.Unique && o.id != r.id && r.text(f.Key) != "" && o.text(f.Key) == r.text(f.Key) {
				return &fault{class: "duplicate", entity: e, field: f, facts: w.fieldFacts(e, f, r.text(f.Key))}
			}
		}
	}
	return nil
}

// ruleFault is the violation of a rule by r, which the facts describe as it would have become.
func (w *world) ruleFault(i int, e *entity, r *record) *fault {
	k := w.facts(e, r)
	k["entity"], k["Entity"] = e.singular, e.Name
	if n := w.p.rules[i].N; n > 0 {
		k["limit"] = strconv.Itoa(n)
	}
	return &fault{class: "rule_" + strconv.Itoa(i), entity: e, facts: k}
}

// ruleEntity is the entity whose writes a rule watches.
func ruleEntity(rule blueprint.Rule) string {
	if rule.Kind == blueprint.RuleForbid {
		return rule.Target
	}
	return rule.Entity
}

func (w *world) violates(rule blueprint.Rule, e *entity, r, old *record) bool {
	switch rule.Kind {
	case blueprint.RuleForbid:
		for _, f := range e.fields {
			fresh := old == nil || old.text(f.Key) != r.text(f.Key)
			if fresh && (rule.Other == "" || rule.Other == f.Key) && f.ref != nil && strings.EqualFold(f.ref.Name, rule.Entity) && r.text(f.Key) != "" {
				id, _ := strconv.Atoi(r.text(f.Key))
				if o := w.byID(f.ref, id); o != nil && matches(f.ref, o, blueprint.Match{Field: rule.Field, Value: rule.Value}) {
					return true
				}
			}
		}
	case blueprint.RuleLimit:
		if !matchesAll(e, r, rule.Where) || rule.Field != "" && r.text(rule.Field) == "" {
			return false
		}
		if old != nil && matchesAll(e, old, rule.Where) && (rule.Field == "" || old.text(rule.Field) == r.text(rule.Field)) {
			return false
		}
		n := 0
		for _, o := range w.records[e] {
			if o.id != r.id && matchesAll(e, o, rule.Where) && (rule.Field == "" || o.text(rule.Field) == r.text(rule.Field)) {
				n++
			}
		}
		return n >= rule.N
	case blueprint.RuleOrder:
		a, b := r.text(rule.Field), r.text(rule.Other)
		f := e.field(rule.Field)
		return f != nil && a != "" && b != "" && (compareValues(f.Kind, a, b) > 0 || rule.Strict && a == b)
	}
	return false
}

func matches(e *entity, r *record, m blueprint.Match) bool {
	v := r.text(m.Field)
	if f := e.field(m.Field); f != nil && f.Kind == blueprint.Bool {
		want, _ := canonicalBool(m.Value)
		return v == want || v == "" && want == "no"
	}
	if other, ok := strings.CutPrefix(m.Value, "!"); ok {
		return v != other
	}
	return v == m.Value || m.Value == "*" && v != ""
}

func matchesAll(e *entity, r *record, where []blueprint.Match) bool {
	return !slices.ContainsFunc(where, func(m blueprint.Match) bool { return !matches(e, r, m) })
}

// choiceMark in front of a key says that the key's fact is one of a few words, so that an output
// may depend on which; free text never decides what is printed.
const choiceMark = "choice:"

// facts gives the texts of a record: its id, its fields, and those of the records it refers to.
func (w *world) facts(e *entity, r *record) facts {
	k := facts{"id": strconv.Itoa(r.id)}
	for _, f := range e.fields {
		k[f.Key] = r.text(f.Key)
		if f.Kind == blueprint.Choice {
			k[choiceMark+f.Key] = ""
		}
		if f.ref == nil {
			continue
		}
		id, _ := strconv.Atoi(r.text(f.Key))
		o := w.byID(f.ref, id)
		for _, g := range f.ref.fields {
			k[f.Key+"."+g.Key] = ""
			if o != nil {
				k[f.Key+"."+g.Key] = o.text(g.Key)
			}
		}
	}
	return k
}
