package clitool

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// selection declares items, the records that the filters of the command line let through, in
// order when ordered is set.
func (v commandView) selection(c *code, ordered bool) {
	c.add("query := store.Query{Where: map[string]string{}}")
	for i, a := range v.c.Args {
		if a.Use == blueprint.UseField && a.Compare == "" {
			v.filter(c, a, fmt.Sprintf("args[%d]", i), fmt.Sprintf("len(args) > %d", i), a.Optional)
		}
	}
	for _, f := range v.c.Flags {
		switch {
		case f.Use == blueprint.UseField && f.Bool:
			c.add("if isSet(cmd, %q) {\nquery.Where[%q] = %q\n}", f.Name, f.Field, f.Equals)
		case f.Use == blueprint.UseField && f.Compare == "":
			v.filter(c, f, fmt.Sprintf("cmd.Flag(%q).Value.String()", f.Name), fmt.Sprintf("cmd.Flag(%q).Changed", f.Name), true)
		}
	}
	if ordered {
		v.ordering(c)
	}
	c.add("page, err := db.List%s(query)\nif err != nil {", v.g.Types)
	c.add("in := domain.Input{}\nfor key, typed := range query.Where {\nin[key] = domain.Typed(typed)\n}")
	c.add("return problemWith%s(db, err, domain.%s{}, in, %s)\n}", v.g.Type, v.g.Type, v.order())
	c.add("items := page.Items")
	for i, a := range v.c.Args {
		if a.Use == blueprint.UseWords {
			v.words(c, i, a)
		}
	}
	for _, f := range v.c.Flags {
		if f.Use == blueprint.UseField && f.Compare != "" {
			v.comparison(c, f)
		}
	}
	if h := hidden(v.c); h != nil {
		unless := fmt.Sprintf("!isSet(cmd, %q)", v.flag(blueprint.UseAll).Name)
		for _, f := range v.c.Flags {
			if f.Field == h.Key {
				unless += fmt.Sprintf(" && !cmd.Flag(%q).Changed", f.Name)
			}
		}
		c.add("if %s {\nitems = keep(items, func(r domain.%s) bool { return %s })\n}", unless, v.g.Type, v.matchCode(v.g, h.Key, "no"))
	}
}

// filter asks for the records that have the typed value in a field; references are looked up.
func (v commandView) filter(c *code, a blueprint.Arg, value, given string, optional bool) {
	f := v.c.entity.field(a.Field)
	set := &code{}
	if f.ref != nil && !f.List {
		set.add("other, err := find%s(db, %s)\nif err != nil {\nreturn err\n}", v.names.Entities[f.ref.index].Type, value)
		value = `other.Text("id")`
	}
	set.add("query.Where[%q] = %s", a.Field, value)
	if !optional {
		c.add("%s", set.String())
		return
	}
	c.add("if %s {\n%s}", given, set.String())
}

// words keeps the records in which every word occurs.
func (v commandView) words(c *code, i int, a blueprint.Arg) {
	value := fmt.Sprintf("args[%d]", i)
	if a.Many {
		value = fmt.Sprintf("strings.Join(args[%d:], \" \")", i)
	}
	var texts []string
	for _, f := range searchFields(v.c) {
		x, _ := fieldValue(v.g, f.Key, "r")
		texts = append(texts, x.str)
	}
	keep := fmt.Sprintf("items = keep(items, func(r domain.%s) bool { return mentions(%s, %s) })", v.g.Type, value, strings.Join(texts, ", "))
	if a.Optional {
		keep = fmt.Sprintf("if len(args) > %d {\n%s\n}", i, keep)
	}
	c.add("%s", keep)
}

// comparison keeps the records on one side of a bound.
func (v commandView) comparison(c *code, f blueprint.Arg) {
	fd := v.c.entity.field(f.Field)
	c.add("if f := cmd.Flag(%q); f.Changed {\ntyped := f.Value.String()", f.Name)
	text := fmt.Sprintf("r.Text(%q)", f.Field)
	condition := fmt.Sprintf("%s != \"\" && %s %s typed", text, text, f.Compare)
	switch {
	case f.Compare == "prefix":
		condition = fmt.Sprintf("strings.HasPrefix(%s, typed)", text)
	default:
		c.add("if _, err := domain.Filter%s(%q, typed); err != nil {", v.g.Type, f.Field)
		c.add("return problemWith%s(db, err, domain.%s{}, domain.Input{%q: domain.Typed(typed)}, []string{%q})\n}", v.g.Type, v.g.Type, f.Field, f.Field)
		if fd.Kind != blueprint.Date && fd.Kind != blueprint.DateTime {
			condition = fmt.Sprintf("%s != \"\" && numeric(%s) %s numeric(typed)", text, text, f.Compare)
		}
	}
	c.add("items = keep(items, func(r domain.%s) bool { return %s })\n}", v.g.Type, condition)
}

// ordering sets the order of the query.
func (v commandView) ordering(c *code) {
	key, desc := listOrder(v.p, v.c)
	c.add("query.Sort = %q", key)
	if desc {
		c.add("query.Desc = true")
	}
	if f := v.flag(blueprint.UseSort); f != nil {
		c.add("if f := cmd.Flag(%q); f.Changed {", f.Name)
		c.add("name, desc := strings.CutPrefix(f.Value.String(), \"-\")")
		c.add("key, ok := %sKey(name)\nif !ok {\nreturn badSort(%q, f.Value.String())\n}", v.Run(), "--"+f.Name)
		c.add("query.Sort, query.Desc = key, desc\n}")
	}
	if f := v.flag(blueprint.UseDesc); f != nil {
		c.add("if isSet(cmd, %q) {\nquery.Desc = !query.Desc\n}", f.Name)
	}
}

// sortKeys is the function that finds the key of an order's name.
func (v commandView) sortKeys() string {
	if v.flag(blueprint.UseSort) == nil {
		return ""
	}
	c := &code{}
	c.add("\n// %sKey finds the field to order by.\nfunc %sKey(name string) (string, bool) {\nswitch name {\ncase \"id\":\nreturn \"id\", true", v.Run(), v.Run())
	names := map[string][]string{}
	taken := []string{"id"}
	for _, f := range v.c.entity.fields {
		head, _, _ := strings.Cut(f.Key, "_")
		tail := f.Key[strings.LastIndex(f.Key, "_")+1:]
		for _, name := range []string{f.Key, strings.ReplaceAll(f.Key, "_", "-"), f.Name, strings.ToLower(f.Name), head, tail} {
			if sortField(v.c.entity, strings.ReplaceAll(name, "-", "_")) != f || slices.Contains(taken, name) || f.List {
				continue
			}
			taken = append(taken, name)
			names[f.Key] = append(names[f.Key], strconv.Quote(name))
		}
	}
	for _, f := range v.c.entity.fields {
		if len(names[f.Key]) > 0 {
			c.add("case %s:\nreturn %q, true", strings.Join(names[f.Key], ", "), f.Key)
		}
	}
	c.add("}\nreturn \"\", false\n}")
	return c.String()
}

func (v commandView) listBody() (body, extra string) {
	c := &code{}
	c.add("out := cmd.OutOrStdout()")
	v.selection(c, true)
	if f := v.flag(blueprint.UseLimit); f != nil {
		c.add("limit, err := limitOf(cmd, %q)\nif err != nil {\nreturn err\n}", f.Name)
		c.add("if limit > 0 && limit < len(items) {\nitems = items[:limit]\n}")
	}
	if f := v.flag(blueprint.UseJSON); f != nil {
		c.add("if isSet(cmd, %q) {\nreturn printJSON(out, items)\n}", f.Name)
	}
	l := v.v.lists[v.c]
	facts := v.totalFacts(v.c.entity, "items")
	if usesAll(l) {
		c.add("all, err := db.List%s(store.Query{})\nif err != nil {\nreturn err\n}", v.g.Types)
	}
	whole := func(source string) goValue {
		if source == "all" {
			return goInt("all.Total")
		}
		if name, ok := strings.CutPrefix(source, "arg."); ok {
			return v.argValue(name)
		}
		return facts(source)
	}
	if l.bare {
		c.add("if len(items) == 0 {")
		for _, p := range l.empty {
			c.add("%s", p.println(whole))
		}
		c.add("return nil\n}")
	}
	for _, p := range l.head {
		c.add("%s", p.println(whole))
	}
	v.rows(c, l)
	for _, p := range l.foot {
		c.add("%s", p.println(whole))
	}
	c.add("return nil")
	return strings.TrimSpace(c.String()), v.sortKeys()
}

func usesAll(l listing) bool {
	return slices.ContainsFunc(slices.Concat(l.head, l.foot, l.empty), func(p phrase) bool { return p.uses("all") })
}

// rows prints the records in the variable items.
func (v commandView) rows(c *code, l listing) {
	columns := []phrase{l.row}
	if l.table != nil {
		columns = l.table.columns
	}
	record, viewed := "r", slices.ContainsFunc(columns, func(p phrase) bool { return dotted(v.c.entity, p) })
	fetch := ""
	if viewed {
		record, fetch = "v", fmt.Sprintf("v, err := view%s(db, r)\nif err != nil {\nreturn err\n}", v.g.Type)
	}
	facts := v.recordFacts(v.c.entity, record)
	if l.table == nil {
		c.add("for _, r := range items {\n%s\n%s\n}", fetch, l.row.println(facts))
		return
	}
	v.table(c, l.table, fetch, facts)
}

// table prints the rows in columns.
func (v commandView) table(c *code, t *table, fetch string, facts resolver) {
	first := "rows := [][]string{}"
	if t.header != nil {
		first = fmt.Sprintf("rows := [][]string{{%s}}", quotedList(t.header))
	}
	var cells []string
	for _, p := range t.columns {
		if len(p) == 1 && p[0].source != "" && !p[0].optional && p[0].when == nil {
			cells = append(cells, facts(p[0].source).str)
			continue
		}
		cells = append(cells, p.expr(facts))
	}
	c.add("%s\nfor _, r := range items {\n%s\nrows = append(rows, []string{%s})\n}", first, fetch, strings.Join(cells, ", "))
	v.spread(c, t)
}

func quotedList(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, strconv.Quote(w))
	}
	return strings.Join(out, ", ")
}

// spread prints the cells in the variable rows.
func (v commandView) spread(c *code, t *table) {
	if t.fixed != nil {
		c.add("printAt(out, []int{%s}, []int{%s}, rows)", numbers(t.fixed), numbers(t.ends))
		return
	}
	for i, right := range t.right {
		if right {
			c.add("rightAlign(rows, %d)", i)
		}
	}
	c.add("printColumns(out, %d, rows)", t.gap)
}

func numbers(ns []int) string {
	var out []string
	for _, n := range ns {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ", ")
}
