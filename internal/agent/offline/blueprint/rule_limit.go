package blueprint

import (
	"strings"
)

var (
	limitPer  = lazy(`^(?:there (?:can|may|must) be )?(?:at most|no more than|not more than|a maximum of|up to|maximum|max|only) (\w+) (.+?) (?:per|for each|for every|for one|for the same|for any|with the same|by the same|by one|for an?|to one) (.+)$`)
	limitHave = lazy(`^(?:an?|each|every|one|the same|any) (.+?) (?:can|may|must|is allowed to)?\s?(?:have|has|hold|holds|keep|keeps|take|takes) (?:at most|no more than|not more than|a maximum of|up to|only) (\w+) (.+)$`)
	limitNot  = lazy(`^(?:an?|each|every|one|no|the same) (.+?) (?:cannot|must not|may not|may never|must never|can|may) (?:have|hold|keep|take) more than (\w+) (.+)$`)
	limitPre  = lazy(`^per (.+?),? (?:there (?:can|may|must) be )?(?:at most|no more than|only|up to) (\w+) (.+)$`)
	limitAll  = lazy(`^(?:there (?:can|may|must) be )?(?:at most|no more than|not more than|a maximum of) (\w+) (.+?)(?: in all| in total| altogether| overall)$`)
	trailing  = lazy(`(?: at a time| at once| at the same time| at any time| simultaneously)$`)
)

// readLimit understands "at most 3 open loans per borrower".
func readLimit(r *reader, s string) ([]Rule, bool) {
	s = trailing.ReplaceAllString(refusedTail.ReplaceAllString(s, ""), "")
	s = strings.TrimSuffix(strings.TrimSuffix(s, " are allowed"), " is allowed")
	var count, what, per string
	switch {
	case limitPer.MatchString(s):
		m := limitPer.FindStringSubmatch(s)
		count, what, per = m[1], m[2], m[3]
	case limitHave.MatchString(s):
		m := limitHave.FindStringSubmatch(s)
		count, what, per = m[2], m[3], m[1]
	case limitNot.MatchString(s):
		m := limitNot.FindStringSubmatch(s)
		if !strings.Contains(s, "not") && !strings.HasPrefix(s, "no ") && !strings.Contains(s, "never") {
			return nil, false
		}
		count, what, per = m[2], m[3], m[1]
	case limitPre.MatchString(s):
		m := limitPre.FindStringSubmatch(s)
		count, what, per = m[2], m[3], m[1]
	case limitAll.MatchString(s):
		m := limitAll.FindStringSubmatch(s)
		count, what = m[1], m[2]
	default:
		return nil, false
	}
	n := wordNumber(count)
	e, adjective := r.subject(trailing.ReplaceAllString(what, ""))
	if n < 1 || e == nil {
		return nil, false
	}
	where, ok := r.state(*e, stripState(adjective))
	if !ok {
		return nil, false
	}
	rule := Rule{Kind: RuleLimit, Entity: e.Name, N: n, Where: where, Status: 409}
	if per != "" {
		f := r.fieldOf(*e, trailing.ReplaceAllString(per, ""))
		if f == nil || f.List {
			return nil, false
		}
		rule.Field = f.Key
	}
	return []Rule{rule}, true
}
