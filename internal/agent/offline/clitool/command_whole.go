package clitool

import (
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// statsBody counts and adds up the records of one entity or of all.
func (v commandView) statsBody() string {
	c := &code{}
	c.add("out := cmd.OutOrStdout()")
	if v.c.entity == nil {
		v.allStats(c)
		c.add("return nil")
		return strings.TrimSpace(c.String())
	}
	v.selection(c, false)
	if isList(v.c) {
		v.groups(c)
	} else {
		c.add("%s", v.v.blocks[v.c].statements(v.totalFacts(v.c.entity, "items")))
	}
	c.add("return nil")
	return strings.TrimSpace(c.String())
}

// allStats reads every entity that the output speaks of.
func (v commandView) allStats(c *code) {
	b := v.v.blocks[v.c]
	for _, e := range v.p.entities {
		used := false
		for _, l := range b {
			for _, s := range l.phrase.sources() {
				used = used || strings.HasPrefix(s, e.Name+":")
			}
		}
		if used {
			c.add("page%d, err := db.List%s(store.Query{})\nif err != nil {\nreturn err\n}", e.index, v.names.Entities[e.index].Types)
		}
	}
	c.add("%s", b.statements(func(source string) goValue {
		for _, e := range v.p.entities {
			if strings.HasPrefix(source, e.Name+":") {
				return v.totalFacts(e, fmt.Sprintf("page%d.Items", e.index))(source)
			}
		}
		return goString(`""`)
	}))
}

// groups prints a line for each value of the group field.
func (v commandView) groups(c *code) {
	l, f := v.v.lists[v.c], groupField(v.c)
	whole, member := v.totalFacts(v.c.entity, "items"), v.totalFacts(v.c.entity, "members")
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
	inGroup := func(source string) goValue {
		if source == "group" {
			return goString("group")
		}
		return member(source)
	}
	value, _ := fieldValue(v.g, f.Key, "r")
	line := l.row.println(inGroup)
	if l.table != nil {
		var cells []string
		for _, p := range l.table.columns {
			if len(p) == 1 && p[0].source != "" {
				cells = append(cells, inGroup(p[0].source).str)
				continue
			}
			cells = append(cells, p.expr(inGroup))
		}
		line = fmt.Sprintf("rows = append(rows, []string{%s})", strings.Join(cells, ", "))
		c.add("rows := [][]string{}")
		if l.table.header != nil {
			c.add("rows = append(rows, []string{%s})", quotedList(l.table.header))
		}
	}
	c.add("for _, group := range groupsOf(items, func(r domain.%s) string { return %s }) {", v.g.Type, value.str)
	c.add("members := keep(items, func(r domain.%s) bool { return %s == group })\n%s\n}", v.g.Type, value.str, line)
	if l.table != nil {
		v.spread(c, l.table)
	}
	for _, p := range l.foot {
		c.add("%s", p.println(whole))
	}
}

// file declares path and format of the file that is read or written.
func (v commandView) file(c *code) {
	for i, a := range v.c.Args {
		if a.Use == blueprint.UseFile {
			c.add("path := args[%d]", i)
		}
	}
	c.add("format := \"json\"\nif filepath.Ext(path) == \".csv\" {\nformat = \"csv\"\n}")
	for _, f := range v.c.Flags {
		switch {
		case f.Use == blueprint.UseFormat && f.Bool:
			c.add("if isSet(cmd, %q) {\nformat = %q\n}", f.Name, f.Equals)
		case f.Use == blueprint.UseFormat:
			c.add("if f := cmd.Flag(%q); f.Changed {\nformat = f.Value.String()\n}", f.Name)
		}
	}
}

func (v commandView) exportBody() string {
	c := &code{}
	c.add("out := cmd.OutOrStdout()")
	v.file(c)
	e := transferred(v.p, v.c)
	g := v.names.Entities[e.index]
	c.add("page, err := db.List%s(store.Query{Sort: \"id\"})\nif err != nil {\nreturn err\n}", g.Types)
	c.add("err = writeFile(path, format, page.Items, append([]string{\"id\"}, domain.%sKeys()...), domain.%s.Text)\nif err != nil {\nreturn err\n}", g.Type, g.Type)
	v.told(c, "len(page.Items)")
	c.add("return nil")
	return strings.TrimSpace(c.String())
}

func (v commandView) importBody() string {
	c := &code{}
	c.add("out := cmd.OutOrStdout()")
	v.file(c)
	e := transferred(v.p, v.c)
	g := v.names.Entities[e.index]
	c.add("inputs, err := readFile(path, format)\nif err != nil {\nreturn err\n}")
	c.add("var records []domain.%s\nfor _, in := range inputs {\nr, err := domain.New%s().With(in)\nif err != nil {\nreturn problemWith%s(db, err, r, in, nil)\n}\nrecords = append(records, r)\n}", g.Type, g.Type, g.Type)
	c.add("if i, err := db.Import%s(records); err != nil {\nreturn problemWith%s(db, err, records[i], nil, nil)\n}", g.Types, g.Type)
	v.told(c, "len(records)")
	c.add("return nil")
	return strings.TrimSpace(c.String())
}

// told prints what was transferred.
func (v commandView) told(c *code, count string) {
	c.add("%s", v.v.blocks[v.c].statements(func(source string) goValue {
		if source == "count" {
			return goInt(count)
		}
		return goString("path")
	}))
}
