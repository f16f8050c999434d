package blueprint

import (
	"slices"
	"strconv"
	"strings"
)

// fieldOf finds the field that words name: by its name, or as the reference to a named entity.
func (r *reader) fieldOf(e Entity, words string) *Field {
	words = trimArticle(words)
	if f := findField(&e, words); f != nil {
		return f
	}
	target := r.entity(words)
	var found *Field
	for i, f := range e.Fields {
		if target != nil && f.Kind == Ref && f.Ref == target.Name {
			if found != nil {
				return nil
			}
			found = &e.Fields[i]
		}
	}
	return found
}

func trimArticle(s string) string {
	for _, a := range []string{"the same ", "the ", "an ", "a ", "its ", "their ", "each ", "every ", "one "} {
		s = strings.TrimPrefix(s, a)
	}
	return strings.TrimSpace(s)
}

// findField finds a field by its name or key, with or without "date" behind it.
func findField(e *Entity, words string) *Field {
	bare := func(s string) string { return strings.ToLower(strings.Join(nameParts(s), " ")) }
	w := bare(words)
	for i, f := range e.Fields {
		if w == bare(f.Name) || w == bare(f.Key) || w == plural(bare(f.Name)) {
			return &e.Fields[i]
		}
	}
	for i, f := range e.Fields {
		if (f.Kind == Date || f.Kind == DateTime) && (w == bare(f.Name)+" date" || w+" on" == bare(f.Name) || w+" at" == bare(f.Name) || w == bare(f.Name)+" time") {
			return &e.Fields[i]
		}
	}
	if before, ok := strings.CutSuffix(w, " date"); ok {
		for i, f := range e.Fields {
			if (f.Kind == Date || f.Kind == DateTime) && akin(before, f.Name) {
				return &e.Fields[i]
			}
		}
	}
	for _, tail := range []string{" address", " addresses", " number", " numbers", " value", " values", " field"} {
		if short, ok := strings.CutSuffix(w, tail); ok {
			return findField(e, short)
		}
	}
	return nil
}

func wordNumber(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n <= 1_000_000 {
		return n
	}
	return slices.Index(strings.Fields("zero one two three four five six seven eight nine ten eleven twelve"), s)
}
