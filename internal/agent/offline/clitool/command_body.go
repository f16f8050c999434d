package clitool

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// code collects statements.
type code struct{ strings.Builder }

func (c *code) add(format string, args ...any) {
	fmt.Fprintf(c, format+"\n", args...)
}

// filled lists the keys that the command line fills, in the order they are read.
func (v commandView) filled() []string {
	var keys []string
	for _, a := range slices.Concat(v.c.Args, v.c.Flags) {
		if a.Use == blueprint.UseField {
			keys = append(keys, strconv.Quote(a.Field))
		}
	}
	return keys
}

// order is the expression of those keys.
func (v commandView) order() string {
	if len(v.filled()) == 0 {
		return "nil"
	}
	return "[]string{" + strings.Join(v.filled(), ", ") + "}"
}

// input declares in and fills it from arguments and flags.
func (v commandView) input(c *code) {
	c.add("in := domain.Input{}")
	for i, a := range v.c.Args {
		if a.Use != blueprint.UseField {
			continue
		}
		value := fmt.Sprintf("args[%d]", i)
		if a.Many {
			glue := " "
			if v.c.entity.field(a.Field).List {
				glue = ","
			}
			value = fmt.Sprintf("strings.Join(args[%d:], %q)", i, glue)
		}
		set := fmt.Sprintf("in[%q] = domain.Typed(%s)", a.Field, value)
		if a.Optional {
			set = fmt.Sprintf("if len(args) > %d {\n%s\n}", i, set)
		}
		c.add("%s", set)
	}
	for _, f := range v.c.Flags {
		switch {
		case f.Use != blueprint.UseField:
		case f.Bool && f.Equals != "":
			c.add("if isSet(cmd, %q) {\nin[%q] = domain.Typed(%q)\n}", f.Name, f.Field, f.Equals)
		case f.Many:
			c.add("if err := takeAll(cmd, in, %q, %q); err != nil {\nreturn err\n}", f.Name, f.Field)
		default:
			c.add("take(cmd, in, %q, %q)", f.Name, f.Field)
		}
	}
	for _, m := range v.c.Set {
		c.add("in[%q] = domain.Typed(%q)", m.Field, m.Value)
	}
	v.references(c)
}

// references replaces what was typed for references by the number of the record that it names.
func (v commandView) references(c *code) {
	for _, key := range v.filled() {
		name, _ := strconv.Unquote(key)
		f := v.c.entity.field(name)
		if f.ref == nil || f.List {
			continue
		}
		c.add("if typed, ok := in[%s].(domain.Typed); ok && strings.TrimSpace(string(typed)) != \"\" {", key)
		c.add("other, err := find%s(db, strings.TrimSpace(string(typed)))", v.names.Entities[f.ref.index].Type)
		c.add("if err != nil {\nreturn err\n}")
		c.add("in[%s] = domain.Typed(other.Text(\"id\"))\n}", key)
	}
}

// show prints one record in the variable r.
func (v commandView) show(c *code) {
	if f := v.flag(blueprint.UseJSON); f != nil {
		c.add("if isSet(cmd, %q) {\nreturn printJSON(out, r)\n}", f.Name)
	}
	b := v.v.blocks[v.c]
	record := "r"
	if slices.ContainsFunc(b, func(l blockLine) bool { return dotted(v.c.entity, l.phrase) }) {
		c.add("v, err := view%s(db, r)\nif err != nil {\nreturn err\n}", v.g.Type)
		record = "v"
	}
	if slices.ContainsFunc(b, func(l blockLine) bool { return l.phrase.uses("count") }) {
		c.add("all, err := db.List%s(store.Query{})\nif err != nil {\nreturn err\n}", v.g.Types)
	}
	facts := v.recordFacts(v.c.entity, record)
	c.add("%s", b.statements(func(source string) goValue {
		if source == "count" {
			return goInt("all.Total")
		}
		if name, ok := strings.CutPrefix(source, "arg."); ok {
			return v.argValue(name)
		}
		return facts(source)
	}))
}

// argValue is what was typed for an argument.
func (v commandView) argValue(name string) goValue {
	for i, a := range v.c.Args {
		if a.Name == name && i == 0 && v.c.Action != blueprint.ActCreate && v.c.Action != blueprint.ActSearch {
			return goString("typed")
		}
		if a.Name == name && a.Many {
			return goString(fmt.Sprintf(`strings.Join(args[%d:], " ")`, i))
		}
		if a.Name == name {
			return goString(fmt.Sprintf("args[%d]", i))
		}
	}
	return goString(strconv.Quote(""))
}

func (v commandView) createBody() string {
	c := &code{}
	c.add("out := cmd.OutOrStdout()")
	v.input(c)
	c.add("r, err := domain.New%s().With(in)", v.g.Type)
	c.add("if err != nil {\nreturn problemWith%s(db, err, r, in, %s)\n}", v.g.Type, v.order())
	c.add("created, err := db.Create%s(r)", v.g.Type)
	c.add("if err != nil {\nreturn problemWith%s(db, err, r, in, %s)\n}", v.g.Type, v.order())
	c.add("r = created")
	v.show(c)
	c.add("return nil")
	return strings.TrimSpace(c.String())
}

// eachBody does its work on the record that the first argument names, or on each of them.
func (v commandView) eachBody() (body, extra string) {
	one := &code{}
	v.one(one)
	name := v.Run() + "One"
	extra = fmt.Sprintf("\n// %s does it for the one %s that was typed.\nfunc %s(cmd *cobra.Command, db *store.DB, args []string, typed string) error {\n%s\n}\n", name, v.c.entity.singular, name, strings.TrimSpace(one.String()))
	if !v.c.Args[0].Many {
		return strings.TrimSpace(one.declared()), ""
	}
	return fmt.Sprintf("for _, typed := range args {\nif err := %s(cmd, db, args, typed); err != nil {\nreturn err\n}\n}\nreturn nil", name), extra
}

// declared puts the declaration of typed in front.
func (c *code) declared() string { return "typed := args[0]\n" + c.String() }

func (v commandView) one(c *code) {
	c.add("out := cmd.OutOrStdout()")
	v.target(c)
	switch v.c.Action {
	case blueprint.ActDelete:
		c.add("if err := db.Delete%s(r.ID); err != nil {\nreturn problemWith%s(db, err, r, nil, nil)\n}", v.g.Type, v.g.Type)
	case blueprint.ActUpdate, blueprint.ActSet:
		v.input(c)
		c.add("changed := r")
		c.add("r, err = db.Update%s(r.ID, func(r domain.%s) (domain.%s, error) {", v.g.Type, v.g.Type, v.g.Type)
		c.add("next, err := r.With(in)\nif err == nil {\nchanged = next\n}\nreturn next, err\n})")
		c.add("if err != nil {\nreturn problemWith%s(db, err, changed, in, %s)\n}", v.g.Type, v.order())
	}
	v.show(c)
	c.add("return nil")
}

// target declares r, the record that was typed.
func (v commandView) target(c *code) {
	a := v.c.Args[0]
	switch a.Use {
	case blueprint.UseLookup:
		c.add("r, err := find%sBy(db, %q, typed)", v.g.Type, a.Field)
	case blueprint.UseRef:
		f := v.c.entity.field(a.Field)
		c.add("other, err := find%s(db, typed)\nif err != nil {\nreturn err\n}", v.names.Entities[f.ref.index].Type)
		c.add("page, err := db.List%s(store.Query{Where: map[string]string{%q: other.Text(\"id\")}, Sort: \"id\"})\nif err != nil {\nreturn err\n}", v.g.Types, a.Field)
		items := "page.Items"
		if len(v.c.Set) > 0 {
			var conditions []string
			for _, m := range v.c.Set {
				conditions = append(conditions, v.matchCode(v.g, m.Field, m.Value))
			}
			c.add("open := keep(page.Items, func(r domain.%s) bool { return !(%s) })", v.g.Type, strings.Join(conditions, " && "))
			items = "open"
		}
		p := v.v.fault(&fault{class: "not_referred", entity: v.c.entity})
		problem := &fault{class: "not_referred", entity: v.c.entity}
		c.add("if len(%s) == 0 {\nreturn &problem{%s, %d}\n}", items, p.expr(v.recordFacts(f.ref, "other")), v.v.exit(problem))
		c.add("r := %s[0]", items)
		return
	default:
		c.add("r, err := find%s(db, typed)", v.g.Type)
	}
	c.add("if err != nil {\nreturn err\n}")
}
