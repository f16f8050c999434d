package clitool

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// list shows the records that pass the filters, in order.
func (cl *call) list(res *result) {
	found, problem := cl.selected()
	if problem != nil {
		res.fault = problem
		return
	}
	if found, res.fault = cl.ordered(found); res.fault != nil {
		return
	}
	if found, res.fault = cl.limited(found); res.fault != nil {
		return
	}
	e := cl.c.entity
	for _, r := range found {
		res.rows = append(res.rows, cl.w.facts(e, r))
	}
	res.records = found
	res.json = cl.has(blueprint.UseJSON)
	maps.Copy(res.facts, cl.totals("", e, found))
	res.facts["all"] = strconv.Itoa(len(cl.w.records[e]))
}

// selected gives the records of the command's entity that its filters let through.
func (cl *call) selected() ([]*record, *fault) {
	e := cl.c.entity
	found := slices.Clone(cl.w.records[e])
	for _, a := range cl.c.Args {
		v, ok := cl.args[a.Name]
		if !ok {
			continue
		}
		var problem *fault
		switch a.Use {
		case blueprint.UseField:
			found, problem = cl.filter(found, a, strings.Join(v, " "))
		case blueprint.UseWords:
			found = searched(e, searchFields(cl.c), found, strings.Join(v, " "))
		}
		if problem != nil {
			return nil, problem
		}
	}
	for i := range cl.c.Flags {
		a := &cl.c.Flags[i]
		v, ok := cl.flags[a]
		if !ok || a.Use != blueprint.UseField {
			continue
		}
		for _, typed := range v {
			var problem *fault
			if found, problem = cl.filter(found, *a, typed); problem != nil {
				return nil, problem
			}
		}
	}
	if f := hidden(cl.c); f != nil && !cl.has(blueprint.UseAll) && !cl.filtersOn(f.Key) {
		found = slices.DeleteFunc(found, func(r *record) bool { return r.text(f.Key) == "yes" })
	}
	return found, nil
}

func (cl *call) filtersOn(key string) bool {
	for a := range cl.flags {
		if a.Field == key {
			return true
		}
	}
	return false
}

// hidden is the yes/no field whose records a list leaves out unless it is asked for all.
func hidden(c *command) *field {
	if !slices.ContainsFunc(c.Flags, func(a blueprint.Arg) bool { return a.Use == blueprint.UseAll }) {
		return nil
	}
	return c.entity.done()
}

// filter keeps the records whose field compares with what was typed.
func (cl *call) filter(found []*record, a blueprint.Arg, typed string) ([]*record, *fault) {
	f := cl.c.entity.field(a.Field)
	if a.Bool {
		typed = a.Equals
	}
	if a.Compare == "prefix" {
		return slices.DeleteFunc(found, func(r *record) bool { return !strings.HasPrefix(r.text(f.Key), typed) }), nil
	}
	v, problem := cl.w.filterValue(cl.c.entity, f, typed)
	if problem != nil {
		return nil, problem
	}
	return slices.DeleteFunc(found, func(r *record) bool { return !passes(f, r, a.Compare, v) }), nil
}

// filterValue reads a value to compare with: its form must be right, its range does not matter.
func (w *world) filterValue(e *entity, f *field, typed string) (string, *fault) {
	if f.Kind == blueprint.Ref && f.ref != nil {
		return w.value(e, f, typed)
	}
	v, ok := canonical(f.Kind, f.Choices, typed)
	if !ok {
		return "", &fault{class: "invalid_" + string(f.Kind), entity: e, field: f, facts: w.fieldFacts(e, f, typed)}
	}
	return v, nil
}

func passes(f *field, r *record, compare, v string) bool {
	have := r.text(f.Key)
	if compare == "" {
		return slices.Contains(r.values[f.Key], v)
	}
	if have == "" {
		return false
	}
	c := compareValues(f.Kind, have, v)
	switch compare {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// searchFields are the fields a search looks into: those its prose names, else all texts.
func searchFields(c *command) []*field {
	var named, texts []*field
	prose := strings.ToLower(c.Text)
	for _, f := range c.entity.fields {
		if f.Kind != blueprint.Text {
			continue
		}
		texts = append(texts, f)
		if strings.Contains(prose, strings.ToLower(f.Name)) {
			named = append(named, f)
		}
	}
	if len(named) > 0 {
		return named
	}
	return texts
}

// searched keeps the records that hold every word, in any case, in any of the fields.
func searched(_ *entity, fields []*field, found []*record, words string) []*record {
	for _, word := range strings.Fields(strings.ToLower(words)) {
		found = slices.DeleteFunc(found, func(r *record) bool {
			return !slices.ContainsFunc(fields, func(f *field) bool { return strings.Contains(strings.ToLower(r.text(f.Key)), word) })
		})
	}
	return found
}

// ordered sorts by --sort, else by the default order of the command.
func (cl *call) ordered(found []*record) ([]*record, *fault) {
	e := cl.c.entity
	key, desc := listOrder(cl.w.p, cl.c)
	for a, v := range cl.flags {
		if a.Use != blueprint.UseSort {
			continue
		}
		key, desc = strings.ReplaceAll(v[0], "-", "_"), false
		if rest, ok := strings.CutPrefix(v[0], "-"); ok {
			key, desc = strings.ReplaceAll(rest, "-", "_"), true
		}
		if key != "id" && sortField(e, key) == nil {
			return nil, &fault{class: "bad_sort", entity: e, facts: facts{"value": v[0], "flag": "--" + a.Name}}
		}
	}
	if cl.has(blueprint.UseDesc) {
		desc = !desc
	}
	sortRecords(e, found, key, desc)
	return found, nil
}

// sortField finds the field that --sort names: its key, or the word that the flag of it has.
func sortField(e *entity, name string) *field {
	for _, f := range e.fields {
		if f.Key == name || strings.EqualFold(f.Name, name) {
			return f
		}
	}
	for _, f := range e.fields {
		if strings.HasPrefix(f.Key, name+"_") || strings.HasSuffix(f.Key, "_"+name) {
			return f
		}
	}
	return nil
}

// sortRecords orders records by a field, stably; empty values come last either way.
func sortRecords(e *entity, found []*record, key string, desc bool) {
	f := sortField(e, key)
	slices.SortStableFunc(found, func(a, b *record) int {
		c := 0
		if f == nil {
			c = cmp.Compare(a.id, b.id)
		} else if x, y := a.text(f.Key), b.text(f.Key); x == "" || y == "" {
			return compareValues(f.Kind, x, y)
		} else {
			c = compareValues(f.Kind, x, y)
		}
		if desc {
			c = -c
		}
		return c
	})
}

// listOrder is the order of a list when none is asked for: the prose's, the rule's, else by number.
func listOrder(p *program, c *command) (key string, desc bool) {
	prose := strings.ToLower(c.Text)
	if strings.Contains(prose, "newest first") || strings.Contains(prose, "latest first") {
		return newest(c.entity), true
	}
	for _, lead := range []string{"sorted by ", "ordered by ", "in order of ", "by "} {
		_, rest, ok := strings.Cut(prose, lead)
		if !ok {
			continue
		}
		for _, f := range c.entity.fields {
			if strings.HasPrefix(rest, strings.ToLower(f.Name)) {
				return f.Key, strings.Contains(rest, "descending") || strings.Contains(rest, "highest first") || strings.Contains(rest, "largest first") || strings.Contains(rest, "longest first")
			}
		}
	}
	for _, r := range p.rules {
		if r.Kind == blueprint.RuleSort && strings.EqualFold(r.Entity, c.entity.Name) {
			return r.Field, r.Desc
		}
	}
	return "id", false
}

// newest is the field that says when: the only date, else the number.
func newest(e *entity) string {
	key := "id"
	for _, f := range e.fields {
		if f.Kind == blueprint.Date || f.Kind == blueprint.DateTime {
			if key != "id" {
				return "id"
			}
			key = f.Key
		}
	}
	return key
}

func (cl *call) limited(found []*record) ([]*record, *fault) {
	for a, v := range cl.flags {
		if a.Use != blueprint.UseLimit {
			continue
		}
		n, err := strconv.Atoi(v[0])
		if err != nil || n < 1 {
			return nil, &fault{class: "bad_limit", entity: cl.c.entity, facts: facts{"value": v[0], "flag": "--" + a.Name}}
		}
		found = found[:min(n, len(found))]
	}
	return found, nil
}
