package clitool

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// stats counts and adds up: of the command's entity, or of every entity with the entity's name
// and a colon in front of each fact.
func (cl *call) stats(res *result) {
	if cl.c.entity == nil {
		for _, e := range cl.w.p.entities {
			for name, v := range cl.totals(e.Name+":", e, cl.w.records[e]) {
				res.facts[name] = v
			}
		}
		return
	}
	found, problem := cl.selected()
	if problem != nil {
		res.fault = problem
		return
	}
	for name, v := range cl.totals("", cl.c.entity, found) {
		res.facts[name] = v
	}
	res.rows = cl.groups(found)
}

// totals gives every count and sum over records, by source name.
func (cl *call) totals(prefix string, e *entity, records []*record) facts {
	k := facts{prefix + "count": strconv.Itoa(len(records))}
	for _, f := range e.fields {
		if f.List {
			continue
		}
		switch f.Kind {
		case blueprint.Bool:
			for _, v := range []string{"yes", "no"} {
				k[prefix+"n."+f.Key+"="+v] = strconv.Itoa(countWhere(records, f.Key, v))
			}
		case blueprint.Choice:
			for _, v := range f.Choices {
				k[prefix+"n."+f.Key+"="+v] = strconv.Itoa(countWhere(records, f.Key, v))
			}
		case blueprint.Integer, blueprint.Decimal, blueprint.Money:
			k[prefix+"sum."+f.Key] = sum(f, records)
			for _, b := range e.fields {
				if b.Kind == blueprint.Bool {
					for _, v := range []string{"yes", "no"} {
						k[prefix+"sum."+f.Key+"|"+b.Key+"="+v] = sum(f, where(records, b.Key, v))
					}
				}
			}
		}
	}
	return k
}

func where(records []*record, key, value string) []*record {
	return slices.DeleteFunc(slices.Clone(records), func(r *record) bool { return r.text(key) != value })
}

func countWhere(records []*record, key, value string) int { return len(where(records, key, value)) }

// sum adds up a field in the form its kind is printed in.
func sum(f *field, records []*record) string {
	switch f.Kind {
	case blueprint.Integer:
		total := 0
		for _, r := range records {
			n, _ := strconv.Atoi(r.text(f.Key))
			total += n
		}
		return strconv.Itoa(total)
	case blueprint.Money:
		var total int64
		for _, r := range records {
			n, _ := cents(r.text(f.Key))
			total += n
		}
		return formatCents(total)
	}
	total := 0.0
	for _, r := range records {
		n, _ := strconv.ParseFloat(r.text(f.Key), 64)
		total += n
	}
	return strconv.FormatFloat(math.Round(total*1e9)/1e9, 'f', -1, 64)
}

// groupField is the field that a stats command groups by when no flag says so: "per category".
func groupField(c *command) *field {
	prose := strings.ToLower(c.Text)
	for _, f := range c.entity.fields {
		for _, lead := range []string{"per ", "by ", "for each ", "each "} {
			if (f.Kind == blueprint.Text || f.Kind == blueprint.Choice) && strings.Contains(prose, lead+strings.ToLower(f.Name)) {
				return f
			}
		}
	}
	return nil
}

// groups gives one row for each value of the group field, in the order of the values.
func (cl *call) groups(found []*record) []facts {
	f := groupField(cl.c)
	if f == nil {
		return nil
	}
	var values []string
	for _, r := range found {
		if v := r.text(f.Key); v != "" && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	slices.SortFunc(values, func(a, b string) int { return compareValues(f.Kind, a, b) })
	var rows []facts
	for _, v := range values {
		k := cl.totals("", cl.c.entity, where(found, f.Key, v))
		k["group"] = v
		rows = append(rows, k)
	}
	return rows
}

// formatOf is the format of a file: the flag's, else by its name's ending, else JSON.
func (cl *call) formatOf(path string) string {
	for a, v := range cl.flags {
		if a.Use == blueprint.UseFormat {
			if a.Bool {
				return a.Equals
			}
			return v[0]
		}
	}
	if strings.HasSuffix(path, ".csv") {
		return "csv"
	}
	return "json"
}

// filePath is the file that a command names; "" stands for the standard stream.
func (cl *call) filePath() string {
	for _, a := range cl.c.Args {
		if v, ok := cl.args[a.Name]; ok && a.Use == blueprint.UseFile {
			return v[0]
		}
	}
	return ""
}

// transfer is the entity that a file holds: the command's, else the first.
func (cl *call) transfer() *entity {
	if cl.c.entity != nil {
		return cl.c.entity
	}
	return cl.w.p.entities[0]
}

func (cl *call) export(res *result) {
	e, path := cl.transfer(), cl.filePath()
	format := cl.formatOf(path)
	if format != "csv" && format != "json" {
		res.fault = &fault{class: "bad_format", facts: facts{"value": format}}
		return
	}
	cl.w.files[path] = snapshot{format: format, entity: e, records: slices.Clone(cl.w.records[e])}
	res.facts["count"], res.facts["file"] = strconv.Itoa(len(cl.w.records[e])), path
}

// load takes over what an export of this session wrote; other files are not known here.
func (cl *call) load(res *result) {
	e, path := cl.transfer(), cl.filePath()
	s, ok := cl.w.files[path]
	if !ok {
		res.fault = &fault{class: "no_file", facts: facts{"value": path, "file": path}}
		return
	}
	for _, r := range s.records {
		fresh := &record{values: r.values}
		if res.fault = cl.w.check(e, fresh, nil); res.fault != nil {
			return
		}
		cl.w.last[e]++
		fresh.id = cl.w.last[e]
		cl.w.records[e] = append(cl.w.records[e], fresh)
	}
	res.facts["count"], res.facts["file"] = strconv.Itoa(len(s.records)), path
}
