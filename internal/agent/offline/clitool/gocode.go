package clitool

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
)

// goValue is a fact in generated code: an expression with its formatting verb, the same as a
// string, and the condition that it says yes.
type goValue struct {
	expr, verb, str, yes string
}

// resolver finds the Go code of a fact.
type resolver func(source string) goValue

func goString(expr string) goValue { return goValue{expr: expr, verb: "%s", str: expr} }

func goInt(expr string) goValue {
	return goValue{expr: expr, verb: "%d", str: "strconv.Itoa(" + expr + ")"}
}

// format gives the format and the arguments that print p.
func (p phrase) format(resolve resolver) (string, []string) {
	var f strings.Builder
	var args []string
	for _, x := range p {
		switch {
		case x.when != nil:
			f.WriteString("%s")
			args = append(args, fmt.Sprintf("pick(%s, %s, %s)", x.when.code(resolve), x.then.expr(resolve), x.otherwise.expr(resolve)))
		case x.source == "":
			f.WriteString(strings.ReplaceAll(x.lit, "%", "%%"))
		case x.optional:
			f.WriteString("%s")
			args = append(args, fmt.Sprintf("optional(%s, %q, %q, %q)", resolve(x.source).str, x.pre, x.post, x.empty))
		default:
			v := resolve(x.source)
			f.WriteString(v.verb)
			args = append(args, v.expr)
		}
	}
	return f.String(), args
}

func (t test) code(resolve resolver) string {
	v := resolve(t.source)
	switch {
	case t.value == "yes" && v.yes != "":
		return v.yes
	case v.verb == "%d":
		return v.expr + " == " + t.value
	}
	return v.str + " == " + strconv.Quote(t.value)
}

// expr is a Go expression of type string.
func (p phrase) expr(resolve resolver) string {
	format, args := p.format(resolve)
	switch {
	case len(args) == 0:
		return strconv.Quote(strings.ReplaceAll(format, "%%", "%"))
	case format == "%s":
		return args[0]
	}
	return fmt.Sprintf("fmt.Sprintf(%q, %s)", format, strings.Join(args, ", "))
}

// println is a statement that prints p as a line.
func (p phrase) println(resolve resolver) string {
	format, args := p.format(resolve)
	switch {
	case len(args) == 0:
		return fmt.Sprintf("fmt.Fprintln(out, %q)", strings.ReplaceAll(format, "%%", "%"))
	case format == "%s":
		return fmt.Sprintf("fmt.Fprintln(out, %s)", args[0])
	}
	return fmt.Sprintf("fmt.Fprintf(out, %q, %s)", format+"\n", strings.Join(args, ", "))
}

// statements print a block.
func (b block) statements(resolve resolver) string {
	var s strings.Builder
	for _, l := range b {
		if l.needs != "" {
			fmt.Fprintf(&s, "if %s != \"\" {\n%s\n}\n", resolve(l.needs).str, l.phrase.println(resolve))
			continue
		}
		s.WriteString(l.phrase.println(resolve) + "\n")
	}
	return s.String()
}

// recordFacts resolves the facts of a record in the variable v.
func (w *writer) recordFacts(e *entity, v string) resolver {
	g := w.names.Entities[e.index]
	return func(source string) goValue {
		if source == "id" {
			return goValue{expr: v + ".ID", verb: "%d", str: v + `.Text("id")`}
		}
		ref, key, dotted := strings.Cut(source, ".")
		if f := e.field(ref); dotted && f != nil && f.ref != nil {
			if value, ok := fieldValue(w.names.Entities[f.ref.index], key, v+".of"+w.goField(g, ref)); ok {
				return value
			}
		}
		if value, ok := fieldValue(g, source, v); ok {
			return value
		}
		return goString(strconv.Quote(""))
	}
}

func (w *writer) goField(g gen.Entity, key string) string {
	for _, f := range g.Fields {
		if f.Key == key {
			return f.Go
		}
	}
	return ""
}

// fieldValue is the field with the key of the record in the variable v.
func fieldValue(g gen.Entity, key, v string) (goValue, bool) {
	for _, f := range g.Fields {
		if f.Key != key {
			continue
		}
		text := fmt.Sprintf("%s.Text(%q)", v, key)
		switch {
		case f.Type == "string" && !f.List:
			return goString(v + "." + f.Go), true
		case f.Type == "int64" && !f.List && !f.Pointer:
			return goValue{expr: v + "." + f.Go, verb: "%d", str: text}, true
		case f.Kind == blueprint.Bool:
			return goValue{expr: text, verb: "%s", str: text, yes: v + "." + f.Go}, true
		}
		return goString(text), true
	}
	return goValue{}, false
}

// totalFacts resolves counts and sums over the slice in the variable items.
func (w *writer) totalFacts(e *entity, items string) resolver {
	g := w.names.Entities[e.index]
	typ := "domain." + g.Type
	return func(source string) goValue {
		source = strings.TrimPrefix(source, e.Name+":")
		if source == "count" {
			return goInt("len(" + items + ")")
		}
		if rest, ok := strings.CutPrefix(source, "n."); ok {
			key, value, _ := strings.Cut(rest, "=")
			return goInt(fmt.Sprintf("count(%s, func(r %s) bool { return %s })", items, typ, w.matchCode(g, key, value)))
		}
		if rest, ok := strings.CutPrefix(source, "sum."); ok {
			key, cond, filtered := strings.Cut(rest, "|")
			from := items
			if filtered {
				k, v, _ := strings.Cut(cond, "=")
				from = fmt.Sprintf("keep(%s, func(r %s) bool { return %s })", items, typ, w.matchCode(g, k, v))
			}
			return w.sumValue(g, key, from)
		}
		return goString(strconv.Quote(""))
	}
}

func (w *writer) sumValue(g gen.Entity, key, from string) goValue {
	for _, f := range g.Fields {
		if f.Key != key {
			continue
		}
		value := "r." + f.Go
		if f.Pointer {
			value = "orZero(" + value + ")"
		}
		kind := f.Type
		if kind == "Money" {
			kind = "domain.Money"
		}
		sum := fmt.Sprintf("sum(%s, func(r domain.%s) %s { return %s })", from, g.Type, kind, value)
		switch f.Kind {
		case blueprint.Integer:
			return goValue{expr: sum, verb: "%d", str: "strconv.FormatInt(" + sum + ", 10)"}
		case blueprint.Money:
			return goString(sum + ".String()")
		default:
			return goString("decimal(" + sum + ")")
		}
	}
	return goString(strconv.Quote(""))
}

// matchCode is the condition that the record r has a value in a field.
func (w *writer) matchCode(g gen.Entity, key, value string) string {
	v, _ := fieldValue(g, key, "r")
	switch {
	case v.yes != "" && value == "yes":
		return v.yes
	case v.yes != "":
		return "!" + v.yes
	}
	return v.str + " == " + strconv.Quote(value)
}
