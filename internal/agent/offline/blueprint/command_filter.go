package blueprint

import (
	"slices"
	"strings"
)

// filter binds an argument or a flag of a command that reads many records.
func (b *binder) filter(a *Arg) bool {
	switch {
	case a.Bool && slices.Contains([]string{"desc", "reverse", "descending"}, a.Name):
		a.Use = UseDesc
	case a.Bool && a.Name == "all":
		a.Use = UseAll
	case a.Bool && a.Name == "json":
		a.Use = UseJSON
	case !a.Bool && slices.Contains([]string{"sort", "order", "sort-by", "order-by"}, a.Name):
		a.Use = UseSort
	case !a.Bool && slices.Contains([]string{"limit", "top", "max", "n", "first"}, a.Name):
		a.Use = UseLimit
	case !a.Bool && a.Value != "" && (a.Name == "by" || a.Name == "group-by"):
		if b.c.Action == ActStats {
			return false // no generator groups by a field that is chosen at run time
		}
		a.Use = UseSort
	}
	if a.Use != "" {
		return true
	}
	if a.Bool {
		return b.fixedFilter(a)
	}
	if f := matchField(a.Name, b.e); f != nil {
		a.Use, a.Field = UseField, f.Key
		return true
	}
	if f := b.refTo(a.Name); f != nil {
		a.Use, a.Field = UseField, f.Key
		return true
	}
	return b.comparison(a)
}

// fixedFilter binds --read, --unread, --open, --power: a flag that stands for a field's value.
func (b *binder) fixedFilter(a *Arg) bool {
	for _, f := range b.e.Fields {
		key := strings.ReplaceAll(f.Key, "_", "-")
		switch {
		case f.Kind == Bool && (key == a.Name || key+"s" == a.Name):
			a.Use, a.Field, a.Equals = UseField, f.Key, "yes"
		case f.Kind == Bool && (a.Name == "un"+key || a.Name == "not-"+key || a.Name == "non-"+key || a.Name == "no-"+key):
			a.Use, a.Field, a.Equals = UseField, f.Key, "no"
		case slices.Contains(f.Choices, a.Name):
			a.Use, a.Field, a.Equals = UseField, f.Key, a.Name
		}
		if a.Use != "" {
			return true
		}
	}
	for _, f := range b.e.Fields {
		if f.Kind != Bool || !means(f.Key, "done") {
			continue
		}
		switch {
		case slices.Contains([]string{"open", "pending", "todo", "active", "unfinished"}, a.Name):
			a.Use, a.Field, a.Equals = UseField, f.Key, "no"
		case means(a.Name, "done"):
			a.Use, a.Field, a.Equals = UseField, f.Key, "yes"
		}
		return a.Use != ""
	}
	return false
}

// comparison binds --before DATE, --min-pages N, --month 2026-02.
func (b *binder) comparison(a *Arg) bool {
	compare, word := "", ""
	head, rest, cut := strings.Cut(a.Name, "-")
	if !cut {
		head, rest, cut = a.Name, "", false
		if h, r, ok := strings.Cut(a.Name, "before"); ok && r == "" && h != "" {
			head, rest = "before", strings.TrimSuffix(h, "-")
		}
	}
	if tail := rest; cut && (tail == "before" || tail == "after" || tail == "since" || tail == "until") {
		head, rest = tail, head
	}
	switch head {
	case "before":
		compare = "<"
	case "after":
		compare = ">"
	case "since", "from", "min":
		compare = ">="
	case "until", "to", "max":
		compare = "<="
	case "month", "year":
		compare = "prefix"
	default:
		return false
	}
	word = rest
	var found []string
	for _, f := range b.e.Fields {
		dated := f.Kind == Date || f.Kind == DateTime
		numeric := f.Kind == Integer || f.Kind == Decimal || f.Kind == Money
		number := head == "min" || head == "max"
		if (word == "" && dated && !number) || (word == "" && numeric && number) {
			found = append(found, f.Key)
		}
	}
	if word != "" {
		f := matchField(word, b.e)
		for i := range b.e.Fields {
			if f == nil && (b.e.Fields[i].Kind == Date || b.e.Fields[i].Kind == DateTime) && akin(word, b.e.Fields[i].Name) {
				f = &b.e.Fields[i]
			}
		}
		if f == nil || f.Kind == Text || f.Kind == Bool || f.Kind == Choice {
			return false
		}
		found = []string{f.Key}
	}
	if len(found) != 1 {
		return false
	}
	a.Use, a.Field, a.Compare = UseField, found[0], compare
	return true
}
