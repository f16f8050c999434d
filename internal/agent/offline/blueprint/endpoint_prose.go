package blueprint

import (
	"fmt"
	"slices"
)

var (
	listedBy = lazy(`\b(?:sorted|ordered|in order of) (?:by )?(?:its |their |the )?([\pL_]+)( descending| desc|, descending)?(?:$|,| and)`)
	newFirst = lazy(`\b(newest|latest|oldest) first\b`)
	withMore = lazy(`\b(?:with|including|and|plus) (?:all )?(?:of )?(?:its|their|the) ([\pL_-]+)`)
)

// beyond says what the words behind endpoints ask for beyond them though every word is known: a list
// of some records only, a record with others in it. An order is taken over.
func (r *reader) beyond(endpoints []int, clause string) string {
	for _, i := range endpoints {
		ep := r.bp.Endpoints[i]
		e := r.entity(ep.Entity)
		if e == nil {
			continue
		}
		plain := plainWords(clause)
		switch ep.Action {
		case "list":
			filters := func(f Field) bool {
				return slices.Contains(ep.Query, f.Key) || slices.ContainsFunc(ep.Ranges, func(g Range) bool { return g.Field == f.Key })
			}
			if w := unfiltered(plain, *e, filters); w != "" && len(endpoints) == 1 {
				return fmt.Sprintf("the list gives all records, whatever is said by the word %q; a parameter filters", w)
			}
			r.listOrder(ep, *e, plain)
		case "get":
			m := withMore.FindStringSubmatch(plain)
			if m != nil && len(endpoints) == 1 {
				if o := r.entity(m[1]); o != nil && o.Name != e.Name && findField(e, m[1]) == nil {
					return fmt.Sprintf("a record is given alone, without its %s", m[1])
				}
			}
		}
	}
	return ""
}

// listOrder makes a rule of the order in which an endpoint's prose says that records come.
func (r *reader) listOrder(ep Endpoint, e Entity, plain string) {
	if slices.ContainsFunc(r.bp.Rules, func(o Rule) bool { return o.Kind == RuleSort && o.Entity == e.Name }) {
		return
	}
	rule := Rule{Kind: RuleSort, Entity: e.Name, Text: plain, Line: ep.Line}
	if m := newFirst.FindStringSubmatch(plain); m != nil {
		rule.Field, rule.Desc = "id", m[1] != "oldest"
		r.bp.Rules = append(r.bp.Rules, rule)
		return
	}
	m := listedBy.FindStringSubmatch(plain)
	if m == nil {
		return
	}
	if f := findField(&e, m[1]); f != nil && !f.List {
		rule.Field, rule.Desc = f.Key, m[2] != ""
		r.bp.Rules = append(r.bp.Rules, rule)
	}
}
