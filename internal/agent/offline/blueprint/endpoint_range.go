package blueprint

import "strings"

// Range is a parameter of a list that compares a field with its value: min_rating, due_before.
type Range struct {
	Param   string
	Field   string // key of a number, a date or a time
	Compare string // "<", "<=", ">" or ">="
}

// comparison of the words that stand before or behind a field's name.
func compareWord(word string) string {
	switch word {
	case "min", "from", "since", "gte":
		return ">="
	case "max", "to", "until", "till", "lte":
		return "<="
	case "before", "lt":
		return "<"
	case "after", "gt":
		return ">"
	}
	return ""
}

// rangeOfParam reads min_rating, rating_min, due_before and, where e has one date only, before. Nil
// when the parameter is none of these.
func rangeOfParam(param string, e *Entity) *Range {
	parts := strings.FieldsFunc(strings.ToLower(param), func(c rune) bool { return c == '_' || c == '-' || c == '[' || c == ']' || c == '.' })
	if len(parts) == 0 {
		return nil
	}
	first, last := parts[0], parts[len(parts)-1]
	compare, words := compareWord(first), parts[1:]
	if compare == "" {
		compare, words = compareWord(last), parts[:len(parts)-1]
	}
	if compare == "" {
		return nil
	}
	f := findField(e, strings.Join(words, " "))
	if len(words) == 0 && first != "min" && first != "max" {
		f = onlyDated(e)
	}
	if f == nil || f.List || !ordered(f.Kind) {
		return nil
	}
	return &Range{Param: param, Field: f.Key, Compare: compare}
}

// onlyDated is the field of e that holds a date or a time, nil when there is not exactly one.
func onlyDated(e *Entity) *Field {
	var found *Field
	for i, f := range e.Fields {
		if f.Kind == Date || f.Kind == DateTime {
			if found != nil {
				return nil
			}
			found = &e.Fields[i]
		}
	}
	return found
}
