package blueprint

import (
	"slices"
	"strings"
)

// condition reads "broken", "that is retired", "whose kind is power", "not active" over the fields
// of e.
func (r *reader) condition(e Entity, s string) ([]Match, bool) {
	for again := true; again; {
		again = false
		for _, w := range []string{"that ", "which ", "who ", "is ", "are ", "was ", "been ", "has ", "have ", "whose ", "with ", "marked ", "as ", "already ", "still ", "currently ", "the ", "a ", "an ", "its ", "state "} {
			if rest, ok := strings.CutPrefix(s, w); ok {
				s, again = rest, true
			}
		}
	}
	if m, ok := boolState(e, s, "yes"); ok {
		return m, true
	}
	for _, w := range []string{"not ", "no longer ", "un", "non-", "no "} {
		if rest, ok := strings.CutPrefix(s, w); ok {
			if m, ok := boolState(e, rest, "no"); ok {
				return m, true
			}
		}
	}
	var found []Match
	for _, f := range e.Fields {
		if f.Kind != Choice || f.List {
			continue
		}
		for _, c := range f.Choices {
			lower := strings.ToLower(c)
			if s == lower || s == strings.ToLower(f.Name)+" "+lower || s == strings.ToLower(f.Name)+" is "+lower || s == lower+" "+strings.ToLower(f.Name) {
				found = append(found, Match{f.Key, c})
			}
		}
	}
	return found, len(found) == 1
}

// boolState gives the yes/no field that s names, with the value.
func boolState(e Entity, s, value string) ([]Match, bool) {
	for _, f := range e.Fields {
		if f.Kind == Bool && !f.List && (s == strings.ToLower(f.Name) || s == f.Key || "is "+s == strings.ToLower(f.Name)) {
			return []Match{{f.Key, value}}, true
		}
	}
	return nil, false
}

// openWhere resolves "open" for an entity: its yes/no field or choice that means done is not so.
func openWhere(e Entity) ([]Match, bool) {
	var out []Match
	for _, f := range e.Fields {
		switch {
		case f.Kind == Bool && doneWord(f.Name):
			out = append(out, Match{f.Key, "no"})
		case f.Kind == Bool && openWord(strings.ToLower(f.Name)):
			out = append(out, Match{f.Key, "yes"})
		}
	}
	if len(out) > 0 {
		return out, len(out) == 1
	}
	for _, f := range e.Fields {
		if f.Kind != Choice || f.List {
			continue
		}
		for _, c := range f.Choices {
			if openWord(strings.ToLower(c)) {
				return []Match{{f.Key, c}}, true
			}
		}
		for _, c := range f.Choices {
			if doneWord(c) {
				out = append(out, Match{f.Key, "!" + c})
			}
		}
		if len(out) > 0 {
			return out, true
		}
	}
	for _, f := range e.Fields {
		first, last := "", ""
		if parts := strings.Fields(strings.ToLower(f.Name)); len(parts) > 1 {
			first, last = parts[0], parts[len(parts)-1]
		}
		if (f.Kind == Date || f.Kind == DateTime) && !f.Required && f.Default == "" && doneWord(first) && (last == "on" || last == "at") {
			return []Match{{f.Key, ""}}, true
		}
	}
	return nil, false
}

func doneWord(w string) bool {
	return slices.Contains(strings.Fields("returned done closed finished completed complete paid resolved cancelled canceled ended over delivered settled archived fulfilled received back inactive expired"), strings.ToLower(w))
}

func openWord(w string) bool {
	return slices.Contains(strings.Fields("open active current outstanding unreturned running ongoing pending unfinished unpaid unresolved"), w)
}

// state reads an adjective about records of e: open and the like, a yes/no field, a choice.
func (r *reader) state(e Entity, adjective string) ([]Match, bool) {
	adjective = strings.TrimSpace(adjective)
	if adjective == "" {
		return nil, true
	}
	if m, ok := r.condition(e, adjective); ok {
		return m, true
	}
	if openWord(adjective) {
		return openWhere(e)
	}
	return nil, false
}
