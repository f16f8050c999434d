package gen

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// life makes a record, reads it, lists it and removes it, as far as there are endpoints for it.
func (p *prover) life(e Entity) {
	id, ok := p.make(e)
	if !ok {
		return
	}
	if list, ok := p.endpoint(e, "list"); ok {
		p.step("GET", list.Path, nil, 200, nil)
		p.step("GET", list.Path+"?no_such_field=1", nil, p.manner.Invalid, nil)
	}
	get, readable := p.endpoint(e, "get")
	if readable {
		p.step("GET", at(get, id), nil, 200, map[string]any{"id": id})
		p.step("GET", at(get, "999999"), nil, 404, nil)
	}
	if remove, ok := p.endpoint(e, "delete"); ok && !p.kept(e) {
		p.step("DELETE", at(remove, id), nil, p.manner.Deleted, nil)
		if readable {
			p.step("GET", at(get, id), nil, 404, nil)
		}
	}
}

// kept says whether a rule about states keeps a usual record of e.
func (p *prover) kept(e Entity) bool {
	return slices.ContainsFunc(p.bp.Rules, func(r blueprint.Rule) bool { return keeps(r, e) })
}

// fields sends what the fields of e do not allow.
func (p *prover) fields(e Entity) {
	post, can := p.endpoint(e, "create")
	if !can || !p.makable(e, nil) {
		return
	}
	body, ok := p.body(e, nil, 0)
	for _, f := range e.Fields {
		wrong := p.wrong(f)
		if f.Required {
			wrong = append(wrong, nil)
		}
		for _, v := range wrong {
			if ok {
				p.step("POST", post.Path, with(body, f.Key, v), p.manner.Invalid, nil)
			}
		}
		if f.Unique {
			p.twice(e, f, post)
		}
	}
}

// with is a copy of body with another value at key; nil takes it out.
func with(body []pair, key string, value any) []pair {
	out := slices.DeleteFunc(slices.Clone(body), func(v pair) bool { return v.key == key })
	if value != nil {
		out = append(out, pair{key, value})
	}
	return out
}

// twice makes two records with the same value of a field.
func (p *prover) twice(e Entity, f Field, post blueprint.Endpoint) {
	if f.Kind == blueprint.Ref || f.Kind == blueprint.Choice || f.Kind == blueprint.Bool {
		return
	}
	v, ok := p.plain(e, f)
	if !ok {
		return
	}
	if _, ok := p.make(e, pair{f.Key, v}); !ok {
		return
	}
	if body, ok := p.body(e, []pair{{f.Key, v}}, 0); ok {
		p.step("POST", post.Path, body, p.manner.Unique, nil)
	}
}

// wrong are values that a field does not allow.
func (p *prover) wrong(f Field) []any {
	var out []any
	add := func(v any) {
		if f.List {
			v = []any{v}
		}
		out = append(out, v)
	}
	if f.Kind == blueprint.Choice {
		add("none of them")
	}
	if m := mismatch(f); m != "" {
		add(m)
	}
	if f.MinLen != nil && *f.MinLen > 1 && f.Pattern == "" {
		add(strings.Repeat("x", *f.MinLen-1))
	}
	if f.MaxLen != nil && *f.MaxLen <= 4000 && f.Pattern == "" {
		add(strings.Repeat("x", *f.MaxLen+1))
	}
	number := func(s string) any {
		if f.Kind == blueprint.Money && !p.manner.MoneyNumber {
			return s
		}
		return json.Number(s)
	}
	if numeric(f) && f.Min != nil {
		add(number(shift(*f.Min, -1)))
	}
	if numeric(f) && f.Max != nil {
		add(number(shift(*f.Max, 1)))
	}
	return out
}

// rule does what a rule forbids.
func (p *prover) rule(r blueprint.Rule) {
	e := p.names.entity(r.Entity)
	if e == nil {
		return
	}
	switch r.Kind {
	case blueprint.RuleForbid:
		p.forbid(r, *e)
	case blueprint.RuleLimit:
		p.limit(r, *e)
	case blueprint.RuleDelete, blueprint.RuleCascade:
		p.remove(r, *e)
	case blueprint.RuleOrder:
		p.order(r, *e)
	}
}

func (p *prover) forbid(r blueprint.Rule, e Entity) {
	target := p.names.entity(r.Target)
	state := e.field(r.Field)
	if target == nil || state == nil {
		return
	}
	post, can := p.endpoint(*target, "create")
	if !can || r.Other == "" {
		return
	}
	other, ok := p.make(e, pair{state.Key, inputValue(*state, exampleOf(e, r))})
	if !ok {
		return
	}
	if body, ok := p.body(*target, []pair{{r.Other, other}}, 0); ok && !p.full(*target) {
		p.step("POST", post.Path, body, r.Status, nil)
	}
}

// inputValue is a value of the spec as JSON has it.
func inputValue(f Field, value string) any {
	switch f.Kind {
	case blueprint.Bool:
		return value == "yes"
	case blueprint.Integer, blueprint.Decimal:
		return json.Number(value)
	default:
		return value
	}
}

// where are the values that put a record of e under a rule's condition; ok is false when they do
// not follow from it.
func where(e Entity, matches []blueprint.Match) (set []pair, ok bool) {
	for _, m := range matches {
		f := e.field(m.Field)
		if f == nil || m.Value == "*" || strings.HasPrefix(m.Value, "!") || m.Value == "" {
			return nil, false
		}
		set = append(set, pair{f.Key, inputValue(*f, m.Value)})
	}
	return set, true
}

// mostLimit is the greatest number of records that are made to reach a limit.
const mostLimit = 12

func (p *prover) limit(r blueprint.Rule, e Entity) {
	set, ok := where(e, r.Where)
	post, can := p.endpoint(e, "create")
	tighter := slices.ContainsFunc(p.bp.Rules, func(o blueprint.Rule) bool {
		return o.Kind == blueprint.RuleLimit && o.Entity == r.Entity && (o.Field == r.Field || o.Field == "") && o.N < r.N
	})
	f := e.field(r.Field)
	if !ok || !can || tighter || r.N > mostLimit || f == nil || f.Unique || f.List {
		return
	}
	v, ok := p.required(e, *f, 0)
	if !ok {
		return
	}
	set = append(set, pair{f.Key, v})
	for range r.N {
		if _, ok := p.make(e, set...); !ok {
			return
		}
	}
	if body, ok := p.body(e, set, 0); ok {
		p.step("POST", post.Path, body, r.Status, nil)
	}
}

func (p *prover) remove(r blueprint.Rule, e Entity) {
	remove, can := p.endpoint(e, "delete")
	if !can {
		return
	}
	if r.Target == "" {
		if f := e.field(r.Field); f != nil {
			if id, ok := p.make(e, pair{f.Key, inputValue(*f, exampleOf(e, r))}); ok {
				p.step("DELETE", at(remove, id), nil, r.Status, nil)
			}
		}
		return
	}
	target := p.names.entity(r.Target)
	if target == nil {
		return
	}
	set, ok := where(*target, r.Where)
	refs := slices.DeleteFunc(slices.Clone(target.Fields), func(f Field) bool { return f.Kind != blueprint.Ref || f.Ref != e.Name })
	if !ok || len(refs) != 1 {
		return
	}
	id, ok := p.make(e)
	if !ok {
		return
	}
	holder, ok := p.make(*target, append(set, pair{refs[0].Key, id})...)
	switch get, readable := p.endpoint(*target, "get"); {
	case !ok:
	case r.Kind == blueprint.RuleDelete:
		p.step("DELETE", at(remove, id), nil, r.Status, nil)
	case readable && !p.kept(e):
		p.step("DELETE", at(remove, id), nil, p.manner.Deleted, nil)
		p.step("GET", at(get, holder), nil, 404, nil)
	}
}

func (p *prover) order(r blueprint.Rule, e Entity) {
	post, can := p.endpoint(e, "create")
	early, late := e.field(r.Field), e.field(r.Other)
	if !can || early == nil || late == nil || numeric(*early) {
		return
	}
	swapped := []pair{{early.Key, "2027-06-02"}, {late.Key, "2027-06-01"}}
	if early.Kind == blueprint.DateTime {
		swapped = []pair{{early.Key, "2027-06-02T12:00:00Z"}, {late.Key, "2027-06-01T12:00:00Z"}}
	}
	if early.Min != nil || early.Max != nil || late.Min != nil || late.Max != nil {
		return
	}
	if body, ok := p.body(e, swapped, 0); ok {
		p.step("POST", post.Path, body, p.manner.Invalid, nil)
	}
}

// action calls an action such as POST /loans/{id}/return and looks at what it sets.
func (p *prover) action(ep blueprint.Endpoint) {
	e := p.names.entity(ep.Entity)
	want := map[string]any{}
	for _, m := range ep.Set {
		f := e.field(m.Field)
		if f == nil || f.Kind != blueprint.Bool && f.Kind != blueprint.Choice || f.List || m.Value == "" {
			return
		}
		want[f.Key] = inputValue(*f, m.Value)
	}
	if id, ok := p.make(*e); ok {
		p.step(ep.Method, at(ep, id), []pair{}, 200, want)
	}
}
