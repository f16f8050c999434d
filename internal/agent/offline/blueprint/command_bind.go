package blueprint

import (
	"slices"
	"strings"
)

// binder gives the arguments and flags of one command their use.
type binder struct {
	c        *Command
	e        Entity
	entities []Entity
	taken    map[string]bool // keys of fields that have their argument
}

// bindArgs fills Use and Field of every argument; the reason is empty when all have one.
func bindArgs(c *Command, e Entity, entities []Entity) string {
	b := binder{c: c, e: e, entities: entities, taken: map[string]bool{}}
	for _, pass := range []func(*Arg, bool) bool{b.named, b.leftOver} {
		for i := range c.Args {
			if c.Args[i].Use == "" {
				pass(&c.Args[i], i == 0)
			}
		}
		for i := range c.Flags {
			if c.Flags[i].Use == "" {
				pass(&c.Flags[i], false)
			}
		}
	}
	for _, a := range c.Args {
		if a.Use == "" {
			return "nothing says what the argument " + strings.ToUpper(a.Name) + " is for"
		}
	}
	for _, f := range c.Flags {
		if f.Use == "" {
			return "nothing says what the flag --" + f.Name + " is for"
		}
	}
	if c.Action != ActCreate {
		return ""
	}
	for _, f := range e.Fields {
		if f.Required && f.Default == "" && !b.taken[f.Key] {
			return "it could never make " + e.Name + ": no argument gives its required " + f.Name
		}
	}
	return ""
}

// named binds by name alone.
func (b *binder) named(a *Arg, first bool) bool {
	positional := a.Value == "" && !a.Bool
	switch b.c.Action {
	case ActSearch:
		if positional && first {
			a.Use = UseWords
			return true
		}
		return b.filter(a)
	case ActList, ActStats:
		return b.filter(a)
	case ActExport, ActImport:
		if positional {
			a.Use = UseFile
			return true
		}
		return b.format(a)
	case ActCreate:
		return b.field(a)
	}
	if first {
		return b.record(a)
	}
	return b.output(a) || b.field(a)
}

// record binds the argument that says which record is meant.
func (b *binder) record(a *Arg) bool {
	name := strings.TrimSuffix(a.Name, "-id")
	own := namesEntity(name, b.e)
	if f := b.refTo(name); f != nil && !own {
		a.Use, a.Field = UseRef, f.Key
		return true
	}
	if f := matchField(a.Name, b.e); f != nil && f.Unique && f.Kind == Text && f.Key == a.Name {
		a.Use, a.Field = UseLookup, f.Key
		return true
	}
	if isIDName(a.Name) {
		a.Use = UseID
		if f := b.proseRef(); f != nil && b.c.Action == ActSet {
			a.Use, a.Field = UseRef, f.Key
		}
		return true
	}
	if f := matchField(a.Name, b.e); f != nil {
		a.Use, a.Field = UseLookup, f.Key
		return true
	}
	if own {
		a.Use = UseID
	}
	return own
}

// refTo finds the field that refers to the entity called name.
func (b *binder) refTo(name string) *Field {
	for i, f := range b.e.Fields {
		for _, e := range b.entities {
			if f.Kind == Ref && strings.EqualFold(f.Ref, e.Name) && namesEntity(name, e) {
				return &b.e.Fields[i]
			}
		}
	}
	return nil
}

// proseRef finds the field whose entity the prose names while it does not name the command's own.
func (b *binder) proseRef() *Field {
	if mentions(b.c.Text, b.e) {
		return nil
	}
	for i, f := range b.e.Fields {
		for _, e := range b.entities {
			if f.Kind == Ref && strings.EqualFold(f.Ref, e.Name) && mentions(b.c.Text, e) {
				return &b.e.Fields[i]
			}
		}
	}
	return nil
}

// field binds an argument to the field it is named after.
func (b *binder) field(a *Arg) bool {
	f := matchField(a.Name, b.e)
	if f == nil && a.Value != "" {
		f = matchField(argWord(a.Value), b.e)
	}
	if f == nil {
		f = b.refTo(strings.TrimSuffix(a.Name, "-id"))
	}
	if f == nil {
		f = b.handleRef(a)
	}
	if f == nil && a.Bool {
		return b.stands(a)
	}
	if f == nil || b.taken[f.Key] {
		return false
	}
	b.fill(a, f)
	return true
}

// handleRef finds the one reference whose entity is known by the unique text that the argument is
// named after: PLATE for the van.
func (b *binder) handleRef(a *Arg) *Field {
	var found *Field
	for i, f := range b.e.Fields {
		if f.Kind != Ref || b.taken[f.Key] {
			continue
		}
		for _, e := range b.entities {
			if h := matchField(a.Name, e); strings.EqualFold(e.Name, f.Ref) && h != nil && h.Unique && h.Kind == Text {
				if found != nil {
					return nil
				}
				found = &b.e.Fields[i]
			}
		}
	}
	return found
}

// stands binds a flag without a value that stands for the value of a field, such as --not-billable
// or --urgent.
func (b *binder) stands(a *Arg) bool {
	probe := *a
	if !b.fixedFilter(&probe) || b.taken[probe.Field] || !namesValue(*a, b.e, probe.Field) {
		return false
	}
	b.taken[probe.Field] = true
	*a = probe
	return true
}

// namesValue says whether the flag's own name tells the field: "open" alone may mean many things.
func namesValue(a Arg, e Entity, key string) bool {
	i := slices.IndexFunc(e.Fields, func(f Field) bool { return f.Key == key })
	word := strings.ReplaceAll(key, "_", "-")
	return i >= 0 && (slices.Contains(e.Fields[i].Choices, a.Name) || strings.HasSuffix(a.Name, word) || a.Name == word+"s")
}

func (b *binder) fill(a *Arg, f *Field) {
	a.Use, a.Field = UseField, f.Key
	b.taken[f.Key] = true
	if f.List && a.Value != "" {
		a.Many = true
	}
}

// leftOver binds what no name explains: an ID to the one reference that is open, the rest to the
// required fields in their order, then to the only text field that is left.
func (b *binder) leftOver(a *Arg, _ bool) bool {
	if b.c.Action != ActCreate && b.c.Action != ActUpdate && b.c.Action != ActSet {
		return false
	}
	for i := range b.e.Fields {
		f := &b.e.Fields[i]
		if isIDName(a.Name) && f.Kind == Ref && !b.taken[f.Key] {
			b.fill(a, f)
			return true
		}
	}
	if a.Bool {
		return b.output(a)
	}
	if isDateName(a.Name) || isDateName(argWord(a.Value)) {
		return b.onlyDate(a)
	}
	var texts []*Field
	for i := range b.e.Fields {
		f := &b.e.Fields[i]
		if b.taken[f.Key] || f.Kind == Ref || f.Kind == Bool {
			continue
		}
		if f.Required && (f.Kind == Text || !isTextName(a.Name)) {
			b.fill(a, f)
			return true
		}
		if f.Kind == Text {
			texts = append(texts, f)
		}
	}
	if len(texts) == 1 || (len(texts) > 0 && isTextName(a.Name)) {
		b.fill(a, texts[0])
		return true
	}
	return false
}

// onlyDate binds a date to the one required field of dates that is open, else to the only one.
func (b *binder) onlyDate(a *Arg) bool {
	var required, all []*Field
	for i := range b.e.Fields {
		f := &b.e.Fields[i]
		if (f.Kind != Date && f.Kind != DateTime) || b.taken[f.Key] {
			continue
		}
		all = append(all, f)
		if f.Required {
			required = append(required, f)
		}
	}
	for _, found := range [][]*Field{required, all} {
		if len(found) == 1 {
			b.fill(a, found[0])
			return true
		}
	}
	return false
}

func isDateName(name string) bool {
	return slices.Contains([]string{"date", "day", "on", "when", "at"}, name)
}

func isTextName(name string) bool {
	return slices.Contains([]string{"text", "words", "name", "to", "by", "what", "description", "note", "title"}, name)
}

// output binds the flags that change how results are printed.
func (b *binder) output(a *Arg) bool {
	if a.Name == "json" && a.Bool {
		a.Use = UseJSON
	}
	return a.Use != ""
}

func (b *binder) format(a *Arg) bool {
	switch {
	case a.Name == "format" && !a.Bool:
		a.Use = UseFormat
	case (a.Name == "json" || a.Name == "csv") && a.Bool:
		a.Use, a.Equals = UseFormat, a.Name
	}
	return a.Use != ""
}

// matchField finds the field that a name means: its key, its singular, its first or last word, or
// a beginning of three letters or more; a name that fits two fields fits none.
func matchField(name string, e Entity) *Field {
	n := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if i := slices.IndexFunc(e.Fields, func(f Field) bool {
		return strings.ReplaceAll(n, "-", "") == strings.ReplaceAll(strings.ToLower(f.Key), "_", "")
	}); i >= 0 {
		return &e.Fields[i]
	}
	for _, fits := range []func(key string) bool{
		func(k string) bool { return k == n },
		func(k string) bool { return k == n+"s" || k+"s" == n },
		func(k string) bool { return strings.HasPrefix(k, n+"-") },
		func(k string) bool { return strings.HasSuffix(k, "-"+n) },
		func(k string) bool { return len(n) >= 3 && strings.HasPrefix(k, n) },
	} {
		var found []*Field
		for i := range e.Fields {
			if fits(strings.ReplaceAll(strings.ToLower(e.Fields[i].Key), "_", "-")) {
				found = append(found, &e.Fields[i])
			}
		}
		if len(found) == 1 {
			return found[0]
		}
		if len(found) > 1 {
			return nil
		}
	}
	return nil
}
