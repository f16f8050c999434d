package clitool

import (
	"regexp"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

func lit(s string) piece    { return piece{lit: s} }
func words(s string) phrase { return phrase{{lit: s}}.tidy() }
func val(name string) piece { return piece{source: name} }

func one(pieces ...piece) block { return block{{phrase: phrase(pieces).tidy()}} }

// defaultBlock is what a command prints when no session and no prose says it.
func defaultBlock(p *program, c *command) block {
	switch c.Action {
	case blueprint.ActCreate:
		return about(c.entity, "added ")
	case blueprint.ActUpdate, blueprint.ActSet:
		return about(c.entity, "updated ")
	case blueprint.ActDelete:
		return about(c.entity, "removed ")
	case blueprint.ActShow:
		return defaultShow(c.entity)
	case blueprint.ActStats:
		return defaultStats(p, c)
	case blueprint.ActExport:
		return one(lit("exported "), val("count"), lit(" "+transferred(p, c).plural+" to "), val("file"))
	default:
		return one(lit("imported "), val("count"), lit(" "+transferred(p, c).plural+" from "), val("file"))
	}
}

func transferred(p *program, c *command) *entity {
	if c.entity != nil {
		return c.entity
	}
	return p.entities[0]
}

// about is "added book 1: Emma".
func about(e *entity, verb string) block {
	pieces := []piece{lit(verb + e.singular + " "), val("id")}
	if f := e.label(); f != nil {
		pieces = append(pieces, piece{source: f.Key, optional: true, pre: ": "})
	}
	return one(pieces...)
}

func defaultShow(e *entity) block {
	b := one(lit("id: "), val("id"))
	for _, f := range e.fields {
		b = append(b, blockLine{phrase: phrase{lit(strings.ToLower(f.Name) + ": "), val(f.Key)}, needs: f.Key})
	}
	return b
}

func defaultStats(p *program, c *command) block {
	if c.entity != nil {
		return entityStats("", c.entity)
	}
	var b block
	for _, e := range p.entities {
		b = append(b, entityStats(e.Name+":", e)...)
	}
	return b
}

func entityStats(prefix string, e *entity) block {
	b := one(lit(e.plural+": "), val(prefix+"count"))
	for _, f := range e.fields {
		switch {
		case f.List:
		case f.Kind == blueprint.Bool:
			b = append(b, one(lit(strings.ToLower(f.Name)+": "), val(prefix+"n."+f.Key+"=yes"))...)
		case f.Kind == blueprint.Choice:
			for _, v := range f.Choices {
				b = append(b, one(lit(v+": "), val(prefix+"n."+f.Key+"="+v))...)
			}
		case f.Kind == blueprint.Integer, f.Kind == blueprint.Decimal, f.Kind == blueprint.Money:
			b = append(b, one(lit("total "+strings.ToLower(f.Name)+": "), val(prefix+"sum."+f.Key))...)
		}
	}
	return b
}

// defaultGroups is a line for each group: its value, its count, its sums.
func defaultGroups(e *entity) listing {
	row := phrase{val("group"), lit(": "), val("count")}
	for _, f := range e.fields {
		if f.Kind == blueprint.Integer || f.Kind == blueprint.Decimal || f.Kind == blueprint.Money {
			row = append(row, lit(", "), val("sum."+f.Key))
		}
	}
	return listing{row: row.tidy()}
}

// fillListing adds the default rows and the default words for an empty list to what the sessions
// left open.
func fillListing(e *entity, l listing) listing {
	if l.row == nil && l.table == nil {
		l.table = &table{header: []string{"ID"}, columns: []phrase{{val("id")}}, gap: 2}
		for _, f := range e.fields {
			l.table.header = append(l.table.header, strings.ToUpper(f.Name))
			l.table.columns = append(l.table.columns, phrase{val(f.Key)})
		}
		if !l.bare {
			l.bare, l.empty = true, []phrase{{lit("no " + e.plural)}}
		}
	}
	l.row = boxed(e, l.row)
	for i, p := range l.foot {
		l.foot[i] = p.plural(e)
	}
	return l
}

// boxed makes a check box of "[ ]" that no example ticks, for the field that means done.
func boxed(e *entity, row phrase) phrase {
	f := e.done()
	if f == nil || row.uses(f.Key) {
		return row
	}
	var out phrase
	for _, x := range row {
		for _, mark := range []struct{ text, then, otherwise string }{{"[ ]", "x", " "}, {"[x]", "x", " "}} {
			if before, after, ok := strings.Cut(x.lit, mark.text); ok && isLiteral(x) {
				out = append(out, lit(before+"["), piece{when: &test{f.Key, "yes"}, then: words(mark.then), otherwise: words(mark.otherwise)})
				x.lit = "]" + after
				break
			}
		}
		out = append(out, x)
	}
	return out.tidy()
}

// plurals gives counted nouns their singular or plural where the examples show one of the two.
func (b block) plurals(p *program, c *command) block {
	for i := range b {
		for _, e := range p.entities {
			if c.entity == nil || c.entity == e {
				b[i].phrase = b[i].phrase.plural(e)
			}
		}
	}
	return b
}

func (p phrase) plural(e *entity) phrase {
	var out phrase
	for i, x := range p {
		settled := i+1 < len(p) && p[i+1].when != nil
		if i > 0 && !settled && isLiteral(x) && strings.HasSuffix(p[i-1].source, "count") {
			for _, noun := range []string{e.plural, e.singular} {
				rest, ok := strings.CutPrefix(x.lit, " "+noun)
				if ok && e.plural != e.singular && (rest == "" || !wordy(rune(rest[0]))) {
					out = append(out, lit(" "), piece{when: &test{p[i-1].source, "1"}, then: words(e.singular), otherwise: words(e.plural)})
					x.lit = rest
					break
				}
			}
		}
		out = append(out, x)
	}
	return out.tidy()
}

var placeholder = regexp.MustCompile(`[A-Z][A-Z0-9_-]*[A-Z0-9]|\bN\b`)

// quotedBlock reads what the prose quotes: prints `added TITLE (#ID)`. A word in capitals that
// names nothing is a literal.
func quotedBlock(c *command) block {
	if len(c.Says) == 0 || c.Action == blueprint.ActShow || c.Action == blueprint.ActStats {
		return nil
	}
	says, last := c.Says[0], 0
	var ph phrase
	for _, at := range placeholder.FindAllStringIndex(says, -1) {
		source := quotedSource(c, strings.ToLower(says[at[0]:at[1]]))
		if source == "" {
			continue
		}
		ph = append(ph, lit(says[last:at[0]]), val(source))
		last = at[1]
	}
	return block{{phrase: append(ph, lit(says[last:])).tidy()}}
}

// quotedSource is the fact that a placeholder of the prose stands for.
func quotedSource(c *command, word string) string {
	word = strings.ReplaceAll(word, "_", "-")
	for _, a := range c.Args {
		if a.Name == word && a.Use == blueprint.UseFile {
			return "file"
		}
	}
	switch {
	case c.entity != nil && (word == "id" || word == "number" || word == c.entity.singular+"-id"):
		return "id"
	case word == "count" || word == "n" && (c.Action == blueprint.ActExport || c.Action == blueprint.ActImport):
		return "count"
	case word == "n":
		return "id"
	}
	for _, a := range c.Args {
		if a.Name == word && a.Use == blueprint.UseField {
			return a.Field
		}
	}
	for _, a := range c.Flags {
		if strings.EqualFold(a.Value, word) && a.Use == blueprint.UseField {
			return a.Field
		}
	}
	if c.entity != nil {
		for _, f := range c.entity.fields {
			if strings.ReplaceAll(f.Key, "_", "-") == word {
				return f.Key
			}
		}
	}
	return ""
}

// defaultFault is the message of a class when no session shows one.
func defaultFault(class string) phrase {
	subject := []piece{val("field"), lit(": ")}
	tell := func(words ...piece) phrase { return append(phrase(subject), words...) }
	switch class {
	case "not_found":
		return phrase{lit("no "), val("entity"), lit(" "), val("value")}
	case "bad_id":
		return phrase{val("value"), lit(" is not the number of a "), val("entity")}
	case "required":
		return phrase{val("field"), lit(" is required")}
	case "duplicate":
		return tell(val("value"), lit(" is taken"))
	case "invalid_choice":
		return tell(val("value"), lit(" is not one of "), val("choices"))
	case "invalid_date":
		return tell(val("value"), lit(" is not a date (YYYY-MM-DD)"))
	case "invalid_datetime":
		return tell(val("value"), lit(" is not a time (YYYY-MM-DD HH:MM)"))
	case "invalid_integer":
		return tell(val("value"), lit(" is not a whole number"))
	case "invalid_decimal":
		return tell(val("value"), lit(" is not a number"))
	case "invalid_money":
		return tell(val("value"), lit(" is not an amount such as 12.50"))
	case "invalid_bool":
		return tell(val("value"), lit(" is neither yes nor no"))
	case "invalid_email":
		return tell(val("value"), lit(" is not an e-mail address"))
	case "invalid_url":
		return tell(val("value"), lit(" is not a web address"))
	case "too_short":
		return tell(lit("at least "), val("limit"), lit(" characters"))
	case "too_long":
		return tell(lit("at most "), val("limit"), lit(" characters"))
	case "wrong_form":
		return tell(val("value"), lit(" does not match "), val("limit"))
	case "too_small":
		return tell(lit("at least "), val("limit"))
	case "not_over":
		return tell(lit("more than "), val("limit"))
	case "too_large":
		return tell(lit("at most "), val("limit"))
	case "missing_arg":
		return phrase{lit("missing "), val("arg")}
	case "extra_arg":
		return phrase{lit("unexpected argument "), val("value")}
	case "missing_value":
		return phrase{val("flag"), lit(" needs a value")}
	case "unknown_flag":
		return phrase{lit("unknown flag "), val("flag")}
	case "no_command":
		return phrase{lit("which command?")}
	case "unknown_command":
		return phrase{lit("unknown command "), val("value")}
	case "bad_sort":
		return phrase{lit("cannot sort by "), val("value")}
	case "bad_limit":
		return phrase{val("flag"), lit(" must be a number above 0")}
	case "bad_format":
		return phrase{lit("unknown format "), val("value")}
	case "no_file":
		return phrase{lit("cannot read "), val("file")}
	case "in_use":
		return phrase{val("entity"), lit(" "), val("id"), lit(" is in use")}
	case "not_referred":
		return phrase{lit("nothing to change")}
	}
	return nil
}
