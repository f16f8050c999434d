package blueprint

import (
	"slices"
	"strings"
)

var (
	deleteHead = lazy(`^(?:deleting|removing|deletion of|to delete|delete) (.+)$`)
	deleteTail = lazy(`^(.+?) (?:cannot|must not|may not|can never|must never|is never|are never|shall not|is not|are not) be (?:deleted|removed)(?: (?:while|when|if|as long as) (.+))?$`)
	deleteNo   = lazy(`^no (.+?) (?:can|may) be (?:deleted|removed)$`)
	cascadeOne = lazy(`^(?:deleting|removing) (?:an? |the )?(.+?) (?:also )?(?:deletes|removes|drops)(?: also)?(?: all)?(?: of)? (?:its|their|the|his|her) (.+?)(?: too| as well| with it)?$`)
	cascadeTwo = lazy(`^(?:when|if) (?:an? |the )?(.+?) is (?:deleted|removed),? (?:all )?(?:its|their|the|his|her) (.+?) (?:are|is) (?:deleted|removed)(?: too| as well| with it| also)?$`)
)

// readCascade understands "deleting a boat deletes its bookings".
func readCascade(r *reader, s string) ([]Rule, bool) {
	for _, shape := range []func(string) []string{cascadeOne.FindStringSubmatch, cascadeTwo.FindStringSubmatch} {
		m := shape(s)
		if m == nil {
			continue
		}
		e, target := r.entity(m[1]), r.entity(m[2])
		if e == nil || target == nil || len(refsTo(*target, *e)) == 0 {
			return nil, false
		}
		return []Rule{{Kind: RuleCascade, Entity: e.Name, Target: target.Name}}, true
	}
	return nil, false
}

// readDelete understands "deleting a tool that is lent answers 409" and its relatives.
func readDelete(r *reader, s string) ([]Rule, bool) {
	bare := refusedTail.ReplaceAllString(s, "")
	subject, state := "", ""
	switch {
	case deleteHead.MatchString(bare):
		subject = deleteHead.FindStringSubmatch(bare)[1]
		for _, w := range []string{" while ", " when ", " if ", " as long as "} {
			if before, after, ok := strings.Cut(subject, w); ok {
				subject, state = before, after
				break
			}
		}
	case deleteTail.MatchString(s):
		m := deleteTail.FindStringSubmatch(s)
		subject, state = m[1], m[2]
	case deleteNo.MatchString(s):
		subject = deleteNo.FindStringSubmatch(s)[1]
	default:
		return nil, false
	}
	e, rest := r.subject(subject)
	if e == nil {
		return nil, false
	}
	rest = strings.TrimSpace(rest + " " + state)
	if rest == "" {
		return nil, false
	}
	return r.deleteState(*e, rest)
}

// deleteState reads what keeps a record: "that is lent", "with open loans", "in use", "loans refer
// to it".
func (r *reader) deleteState(e Entity, s string) ([]Rule, bool) {
	s = strings.NewReplacer("that ", "", "which ", "", "who ", "", "it is ", "is ", "they are ", "are ", "it has ", "has ", "it still has ", "has ", "it still have ", "has ", "they still have ", "has ", "they have ", "has ", "there are ", "", "there is ", "").Replace(s)
	s = strings.TrimSpace(s)
	rule := Rule{Kind: RuleDelete, Entity: e.Name, Status: 409}
	if r.bp.Type == "rest-api" {
		if own, ok := r.condition(e, s); ok && len(own) == 1 {
			rule.Field, rule.Value = own[0].Field, own[0].Value
			return []Rule{rule}, true
		}
	}
	inUse := []string{"in use", "is in use", "still in use", "is still in use", "is referred to", "referred to", "is used", "used", "is still referred to", "is still used", "are in use", "still has records", "is referenced", "is still referenced"}
	for _, phrase := range inUse {
		if s != phrase {
			continue
		}
		var rules []Rule
		for _, o := range r.bp.Entities {
			if len(refsTo(o, e)) > 0 {
				rule.Target = o.Name
				rules = append(rules, rule)
			}
		}
		return rules, len(rules) > 0
	}
	for _, lead := range []string{"has ", "have ", "with ", "still has ", "still have "} {
		what, ok := strings.CutPrefix(s, lead)
		if !ok {
			continue
		}
		what = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(what, "still "), "any "), "at least one ")
		target, adjective := r.subject(what)
		if target == nil || len(refsTo(*target, e)) == 0 {
			return nil, false
		}
		where, ok := r.state(*target, stripState(adjective))
		rule.Target, rule.Where = target.Name, where
		return []Rule{rule}, ok
	}
	if target, adjective := r.subject(strings.TrimPrefix(s, "still ")); target != nil && len(refsTo(*target, e)) > 0 {
		if where, ok := r.state(*target, stripState(adjective)); ok {
			rule.Target, rule.Where = target.Name, where
			return []Rule{rule}, true
		}
	}
	for _, tail := range []string{" refer to it", " refers to it", " refer to them", " exist", " exists", " exist for it", " use it", " point to it", " belong to it", " are open", " is open", " are left"} {
		what, ok := strings.CutSuffix(s, tail)
		if !ok {
			continue
		}
		target, adjective := r.subject(strings.TrimPrefix(what, "any "))
		if target == nil || len(refsTo(*target, e)) == 0 {
			return nil, false
		}
		if strings.HasSuffix(tail, "open") {
			adjective = "open"
		}
		where, ok := r.state(*target, stripState(adjective))
		rule.Target, rule.Where = target.Name, where
		return []Rule{rule}, ok
	}
	if verb, by, ok := strings.Cut(stripState(s), " by "); ok {
		if target := r.entity(trimArticle(by)); target != nil && len(refsTo(*target, e)) > 0 && slices.Contains([]string{"used", "referenced", "referred to", "needed"}, verb) {
			rule.Target = target.Name
			return []Rule{rule}, true
		}
	}
	if target, _ := r.referrer(e, stripState(s)); target != nil {
		rule.Target = target.Name
		// Without a field that tells the end of it, every record keeps the other one.
		rule.Where, _ = openWhere(*target)
		return []Rule{rule}, true
	}
	return nil, false
}

// refsTo gives the keys by which from refers to e.
func refsTo(from, e Entity) []string {
	var keys []string
	for _, f := range from.Fields {
		if f.Kind == Ref && f.Ref == e.Name {
			keys = append(keys, f.Key)
		}
	}
	return keys
}
