package clitool

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
)

// entityView is what the template of an entity's file sees.
type entityView struct {
	*writer
	e *entity
	G gen.Entity
}

// Spoken is the entity's name in a sentence.
func (v entityView) Spoken() string { return v.e.singular }

// Handle is the key that may stand for the number, "" for none.
func (v entityView) Handle() string {
	if h := v.e.handle(); h != nil {
		return h.Key
	}
	return ""
}

// View says whether any output shows fields of the records that this one refers to.
func (v entityView) View() bool { return v.needsView(v.e) }

// RuleView says whether a message about a broken rule does.
func (v entityView) RuleView() bool {
	return slices.ContainsFunc(v.rulePhrases(v.e), func(p phrase) bool { return dotted(v.e, p) })
}

// refView is a reference of the entity in Go.
type refView struct {
	Go, Type, Present, Value string
}

// Refs lists the references with the code that reads them.
func (v entityView) Refs() []refView {
	var out []refView
	for i, f := range v.e.fields {
		if f.ref == nil || f.List {
			continue
		}
		g := v.G.Fields[i]
		r := refView{Go: g.Go, Type: v.names.Entities[f.ref.index].Type, Present: "r." + g.Go + " != 0", Value: "r." + g.Go}
		if g.Pointer {
			r.Present, r.Value = "r."+g.Go+" != nil", "*r."+g.Go
		}
		out = append(out, r)
	}
	return out
}

// needsView says whether a phrase about e or a listing of it has facts of referred records.
func (w *writer) needsView(e *entity) bool {
	all := w.rulePhrases(e)
	for _, c := range w.p.commands {
		if c.entity == e {
			all = append(all, w.phrases(c)...)
		}
	}
	return slices.ContainsFunc(all, func(p phrase) bool { return dotted(e, p) })
}

func dotted(e *entity, p phrase) bool {
	return slices.ContainsFunc(p.sources(), func(s string) bool {
		ref, _, ok := strings.Cut(s, ".")
		return ok && e.field(ref) != nil
	})
}

// phrases lists what a command prints about records.
func (w *writer) phrases(c *command) []phrase {
	var out []phrase
	for _, l := range w.v.blocks[c] {
		out = append(out, l.phrase)
	}
	l := w.v.lists[c]
	if l.table != nil {
		out = append(out, l.table.columns...)
	}
	return append(out, l.row)
}

// ruleIndexes are the rules whose violation the store reports for writes of e.
func (w *writer) ruleIndexes(e *entity) []int {
	var out []int
	for i, r := range w.p.rules {
		switch r.Kind {
		case blueprint.RuleForbid, blueprint.RuleLimit, blueprint.RuleDelete:
			if strings.EqualFold(ruleEntity(r), e.Name) && !slices.ContainsFunc(out, func(o int) bool { return ruleText(w.p.rules[o]) == ruleText(r) }) {
				out = append(out, i)
			}
		}
	}
	return out
}

func (w *writer) rulePhrases(e *entity) []phrase {
	var out []phrase
	for _, i := range w.ruleIndexes(e) {
		out = append(out, w.v.fault(&fault{class: "rule_" + strconv.Itoa(i), entity: e}))
	}
	return out
}

// messageView is a refusal in Go: what the store or the domain says, and the sentence for it.
type messageView struct {
	Text, Say string
	Code      int
}

// Rules lists the messages of broken rules.
func (v entityView) Rules() []messageView {
	record := "r"
	if v.RuleView() {
		record = "v"
	}
	var out []messageView
	for _, i := range v.ruleIndexes(v.e) {
		f := &fault{class: "rule_" + strconv.Itoa(i), entity: v.e}
		p := v.v.fault(f).settle(v.entityFacts(i))
		out = append(out, messageView{ruleText(v.p.rules[i]), p.expr(v.recordFacts(v.e, record)), v.v.exit(f)})
	}
	return out
}

func (v entityView) entityFacts(rule int) facts {
	k := facts{"entity": v.e.singular, "Entity": v.e.Name}
	if rule >= 0 && v.p.rules[rule].N > 0 {
		k["limit"] = strconv.Itoa(v.p.rules[rule].N)
	}
	return k
}

// InUse lists the messages of records that others refer to, where no rule says it.
func (v entityView) InUse() []messageView {
	var out []messageView
	w := newWorld(v.p)
	for _, ref := range v.p.referrers(v.e) {
		if _, rule := w.holdRule(v.e, ref); rule != nil {
			continue
		}
		f := &fault{class: "in_use", entity: v.e}
		k := v.entityFacts(-1)
		k["others"] = ref.from.plural
		text := v.names.Entities[ref.from.index].Plural + " still refer to it"
		if slices.ContainsFunc(out, func(m messageView) bool { return m.Text == text }) {
			continue
		}
		out = append(out, messageView{text, v.v.fault(f).settle(k).expr(v.recordFacts(v.e, "r")), v.v.exit(f)})
	}
	return out
}

// Faults lists the messages about single fields.
func (v entityView) Faults() []messageView {
	var out []messageView
	w := newWorld(v.p)
	for _, f := range v.e.fields {
		for _, pair := range fieldFaults(f) {
			k := w.fieldFacts(v.e, f, "")
			delete(k, "value")
			k["limit"] = limitOf(f, pair[0])
			problem := &fault{class: pair[0], entity: v.e, field: f}
			p := v.v.fault(problem).settle(k)
			out = append(out, messageView{f.Key + ": " + pair[1], p.expr(pairResolver([]string{"value", "typed"})), v.v.exit(problem)})
		}
	}
	return append(out, v.orderFaults()...)
}

// orderFaults lists the messages of rules about the order of two fields; the domain reports them
// at the later one.
func (v entityView) orderFaults() []messageView {
	var out []messageView
	for i, r := range v.p.rules {
		if r.Kind != blueprint.RuleOrder || !strings.EqualFold(r.Entity, v.e.Name) {
			continue
		}
		text := r.Other + ": " + faultWords()[gen.FaultOrder]
		if slices.ContainsFunc(out, func(m messageView) bool { return m.Text == text }) {
			continue
		}
		f := &fault{class: "rule_" + strconv.Itoa(i), entity: v.e}
		p := v.v.fault(f).settle(v.entityFacts(i))
		resolve := func(source string) goValue { return goString(fmt.Sprintf("given(in, r.Text, %q)", source)) }
		out = append(out, messageView{text, p.expr(resolve), v.v.exit(f)})
	}
	return out
}

func limitOf(f *field, class string) string {
	switch {
	case class == "too_short":
		return strconv.Itoa(*f.MinLen)
	case class == "too_long":
		return strconv.Itoa(*f.MaxLen)
	case class == "wrong_form":
		return f.PatternWords()
	case class == "too_small", class == "not_over":
		return *f.Min
	case class == "too_large":
		return *f.Max
	}
	return ""
}

// NotFound is the sentence about a record that is not there.
func (v entityView) NotFound() string { return v.about("not_found") }

// NotFoundCode is its exit code.
func (v entityView) NotFoundCode() int {
	return v.v.exit(&fault{class: "not_found", entity: v.e})
}

// BadID is the sentence about a number that is none.
func (v entityView) BadID() string { return v.about("bad_id") }

// BadIDCode is its exit code.
func (v entityView) BadIDCode() int { return v.v.exit(&fault{class: "bad_id", entity: v.e}) }

func (v entityView) about(class string) string {
	p := v.v.fault(&fault{class: class, entity: v.e})
	return p.settle(v.entityFacts(-1)).expr(pairResolver([]string{"value", "typed"}))
}

// settle puts known facts into p as literals.
func (p phrase) settle(k facts) phrase {
	var out phrase
	names := slices.Sorted(maps.Keys(k))
	for _, x := range p {
		_, known := slices.BinarySearch(names, x.source)
		switch {
		case x.when != nil:
			if _, ok := k[x.when.source]; ok {
				x = piece{lit: x.render(k)}
			} else {
				x.then, x.otherwise = x.then.settle(k), x.otherwise.settle(k)
			}
		case x.source != "" && known:
			x = piece{lit: x.render(k)}
		}
		out = append(out, x)
	}
	return out.tidy()
}
