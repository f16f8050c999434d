package blueprint

import (
	"slices"
	"strings"
)

var (
	orderShape = lazy(`^(.+?) (must not be before|must not be earlier than|cannot be before|cannot be earlier than|is never before|may not be before|must never be before|is not before|must be on or after|is on or after|must be after|must come after|must be later than|is after|comes after|is later than|must lie after|must not be after|must not be later than|cannot be after|cannot be later than|may not be after|is never after|must be on or before|must be before|must be earlier than|is before|comes before|must come before|must be at least|must be greater than|must be more than|must be at most|must be less than|must not be above|must not be below|must not exceed|cannot exceed|may not exceed|never exceeds) (.+)$`)
	verbOrder  = lazy(`^(?:(.+?) )?(?:must |always |never |cannot |may not |must not )?(\pL+?)(s?) (after|before) (?:it |they )?(\pL+?)s?$`)
	sortShape  = lazy(`^(?:the )?(?:(?:lists?|listings?)(?: of)? ?)?(.*?) ?(?:are|is|come|comes|must be|get|gets)(?: always)?(?: listed| sorted| ordered| shown| returned| given| answered)*(?: by default)? (?:sorted |ordered |in order |in the order )?(?:by|of) (?:their |the |its )?(.+?)(?: by default| unless.*)?$`)
	newest     = lazy(`^(?:the )?(?:lists?(?: of)? )?(.*?) ?(?:are|is|come|comes)(?: listed| sorted| ordered| shown)?(?: by default)?,? (?:with the )?(newest|latest|oldest|most recent)(?: ones?)? first$`)
	uniqueNo   = lazy(`^(?:no two|two) (.+?) (?:can(?:not)?|may(?: not)?|must not|have|share|must never|never)\s?(?:ever )?(?:have|share)? the same (.+)$`)
	fieldIs    = lazy(`^(.+?) (must not be|cannot be|may not be|must never be|can never be|may never be|is never|must be|must have|must|is|are|has|have|needs|need|should be) (.+)$`)
)

// readOrder understands "due must not be before bought on" and "ends after it starts".
func readOrder(r *reader, s string) ([]Rule, bool) {
	s = refusedTail.ReplaceAllString(s, "")
	if m := orderShape.FindStringSubmatch(s); m != nil {
		return r.order(m[1], m[3], m[2])
	}
	if m := verbOrder.FindStringSubmatch(s); m != nil && m[5] != "" {
		first, second := m[2]+m[3], m[5]
		op := "is after"
		if m[4] == "before" {
			op = "is before"
		}
		if strings.Contains(s, "never ") || strings.Contains(s, "not ") {
			op = "must not be " + m[4]
		}
		for _, pair := range [][2]string{{first, second}, {first, second + "s"}, {first + "s", second + "s"}, {first + "s", second}} {
			if rules, ok := r.order(pair[0], pair[1], op); ok {
				return rules, true
			}
		}
	}
	return nil, false
}

// order makes the rule for "first op second"; the later of the two is the one at fault.
func (r *reader) order(first, second, op string) ([]Rule, bool) {
	rule := Rule{Kind: RuleOrder, Status: 400}
	first, second = trimArticle(first), trimArticle(second)
	var found []Rule
	for i := range r.bp.Entities {
		e := &r.bp.Entities[i]
		a, b := findField(e, ownField(e, first)), findField(e, ownField(e, second))
		if a == nil || b == nil || a == b || a.Kind != b.Kind || a.List || b.List || !ordered(a.Kind) {
			continue
		}
		rule.Entity = e.Name
		switch {
		case (strings.Contains(op, "not") || strings.Contains(op, "never")) && endsIn(op, "before", "earlier than", "below"), strings.Contains(op, "on or after"), strings.Contains(op, "at least"):
			rule.Field, rule.Other = b.Key, a.Key
		case (strings.Contains(op, "not") || strings.Contains(op, "never")) && endsIn(op, "after", "later than", "above"), strings.Contains(op, "on or before"), strings.Contains(op, "at most"), strings.Contains(op, "exceed"):
			rule.Field, rule.Other = a.Key, b.Key
		case endsIn(op, "after", "later than", "greater than", "more than"):
			rule.Field, rule.Other, rule.Strict = b.Key, a.Key, true
		default:
			rule.Field, rule.Other, rule.Strict = a.Key, b.Key, true
		}
		found = append(found, rule)
	}
	return found, len(found) == 1
}

func endsIn(s string, ends ...string) bool {
	return slices.ContainsFunc(ends, func(e string) bool { return strings.HasSuffix(s, e) })
}

func ordered(k Kind) bool {
	return k == Integer || k == Decimal || k == Money || k == Date || k == DateTime
}

// ownField takes the entity's name off "a loan's due date", "due of a loan" and "loan due".
func ownField(e *Entity, words string) string {
	words = trimArticle(words)
	name, many := strings.ToLower(e.Name), plural(strings.ToLower(e.Name))
	for _, lead := range []string{name + "'s ", many + "' ", name + " ", many + " "} {
		if rest, ok := strings.CutPrefix(words, lead); ok {
			return trimArticle(rest)
		}
	}
	for _, tail := range []string{" of a " + name, " of an " + name, " of the " + name, " of each " + name, " of every " + name, " of " + many} {
		if rest, ok := strings.CutSuffix(words, tail); ok {
			return rest
		}
	}
	return words
}

// readSort understands "tools are sorted by name, newest first".
func readSort(r *reader, s string) ([]Rule, bool) {
	if m := newest.FindStringSubmatch(s); m != nil {
		return r.sorted(m[1], "id", m[2] != "oldest")
	}
	m := sortShape.FindStringSubmatch(s)
	if m == nil || !strings.Contains(s, "sort") && !strings.Contains(s, "order") && !strings.Contains(s, "list") && !strings.Contains(s, "come") {
		return nil, false
	}
	by, desc := m[2], false
	for _, w := range []string{" descending", " desc", ", descending", ", highest first", ", latest first", ", newest first", ", most recent first", ", largest first", " in descending order", ", dearest first"} {
		if rest, ok := strings.CutSuffix(by, w); ok {
			by, desc = strings.TrimRight(rest, ","), true
		}
	}
	for _, w := range []string{" ascending", " asc", ", lowest first", ", oldest first", ", earliest first", ", smallest first", " in ascending order", " alphabetically", ", cheapest first"} {
		by = strings.TrimRight(strings.TrimSuffix(by, w), ",")
	}
	return r.sorted(m[1], by, desc)
}

// sorted makes a sort rule for the entity that who names, or for all that have the field when it
// names none.
func (r *reader) sorted(who, by string, desc bool) ([]Rule, bool) {
	who = trimArticle(strings.TrimPrefix(who, "all "))
	for _, w := range []string{"of ", "list of "} {
		who = strings.TrimPrefix(who, w)
	}
	var rules []Rule
	for i := range r.bp.Entities {
		e := &r.bp.Entities[i]
		if who != "" && who != "lists" && who != "list" && who != "records" && who != "they" && who != "results" && r.entity(who) != e {
			continue
		}
		key := "id"
		if by != "id" && by != "creation" && by != "order of creation" && by != "number" {
			f := findField(e, ownField(e, by))
			if f == nil || f.List {
				continue
			}
			key = f.Key
		}
		rules = append(rules, Rule{Kind: RuleSort, Entity: e.Name, Field: key, Desc: desc})
	}
	return rules, len(rules) > 0
}

// readUnique understands "no two tools have the same name".
func readUnique(r *reader, s string) ([]Rule, bool) {
	s = refusedTail.ReplaceAllString(s, "")
	m := uniqueNo.FindStringSubmatch(s)
	if m == nil {
		return nil, false
	}
	if strings.HasPrefix(s, "two ") && !strings.Contains(s, "not") && !strings.Contains(s, "never") {
		return nil, false
	}
	e := r.entity(m[1])
	if e == nil {
		return nil, false
	}
	f := findField(e, m[2])
	if f == nil || f.List || f.Kind == Bool {
		return nil, false
	}
	f.Unique = true
	return nil, true
}

// readFieldRule understands sentences that only add an attribute to a field: "the price of a tool
// must not be negative", "tool names are unique", "a loan must have a borrower".
func readFieldRule(r *reader, s string) ([]Rule, bool) {
	m := fieldIs.FindStringSubmatch(refusedTail.ReplaceAllString(s, ""))
	if m == nil {
		return nil, false
	}
	subject, verb, attribute := trimArticle(m[1]), m[2], m[3]
	if e := r.entity(subject); e != nil && slices.Contains([]string{"must have", "needs", "need", "has", "have"}, verb) {
		f := findField(e, trimArticle(attribute))
		if f == nil || verb == "has" || verb == "have" {
			return nil, false
		}
		f.Required = f.Default == ""
		return nil, true
	}
	if strings.HasSuffix(verb, " be") && verb != "must be" && verb != "should be" || verb == "is never" {
		attribute = "not " + attribute
	}
	var hit []*Field
	for i := range r.bp.Entities {
		e := &r.bp.Entities[i]
		if f := findField(e, ownField(e, subject)); f != nil {
			hit = append(hit, f)
		}
	}
	if len(hit) == 0 || len(hit) > 1 && !strings.HasSuffix(subject, "s") {
		return nil, false
	}
	for _, f := range hit {
		if !addAttributes(f, attribute) {
			return nil, false
		}
	}
	return nil, true
}

// addAttributes adds what a sentence says to a field that is known already.
func addAttributes(f *Field, text string) bool {
	changed := *f
	for _, part := range strings.Split(text, " and ") {
		if strings.Contains(text, "between ") {
			part = text
		}
		bounds := Field{Kind: f.Kind, Choices: f.Choices, List: f.List, Default: f.Default, Required: f.Required, Unique: f.Unique}
		if len(readAttributes(&bounds, part, nil)) > 0 || bounds.Kind != f.Kind || bounds.List != f.List {
			return false
		}
		changed.Required, changed.Unique, changed.Default = bounds.Required, bounds.Unique, bounds.Default
		changed.Over = changed.Over || bounds.Over
		changed.Min, changed.Max = pick(bounds.Min, changed.Min), pick(bounds.Max, changed.Max)
		if bounds.Pattern != "" {
			changed.Pattern = bounds.Pattern
		}
		changed.MinLen, changed.MaxLen = pick(bounds.MinLen, changed.MinLen), pick(bounds.MaxLen, changed.MaxLen)
	}
	*f = changed
	return true
}

func pick[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}
