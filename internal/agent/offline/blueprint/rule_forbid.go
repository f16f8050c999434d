package blueprint

import (
	"strings"
)

var (
	forbidBe   = lazy(`^(.+?) (?:cannot|must not|may not|must never|can never|may never|is never|are never|are not to|is not to|shall not|should not) be (\pL+)(?: (?:out|again|anymore|any more|any longer|at all|to anyone|to anybody|by anyone|by anybody))*(?: at the same time| twice| at once)?$`)
	forbidNo   = lazy(`^no (.+?) (?:can|may|is|are|shall)(?: ever)?(?: be)? (\pL+)(?: out| again)?$`)
	forbidAct  = lazy(`^(?:(?:a |an |any )?(\pL+ing)(?: out)?|(?:a |an |any )?(\pL+) (?:of|for|on|to|with)) (.+)$`)
	onceOnly   = lazy(`^(?:an? |each |every |the )?(.+?) (?:can|may|is)(?: only)? be(?: only)? (\pL+)(?: out)? (?:only )?(?:once|to one \pL+|by one \pL+)(?: at a time| at once| at the same time)?$`)
	forbidCan  = lazy(`^(.+?) (?:cannot|must not|may not|must never|can never|may never) (\pL+)(?: anything| any (?:more )?\pL+| an? \pL+| again| anymore| any more| \pL+s)?$`)
	whileState = lazy(`^(.+?) (?:cannot|must not|may not|can never|must never) be (\pL+)(?: out)? (?:while|when|if|as long as|once|after|unless) (?:it |they |there )?(.+)$`)
)

// readForbid understands "a broken tool cannot be lent" and its relatives.
func readForbid(r *reader, s string) ([]Rule, bool) {
	s = refusedTail.ReplaceAllString(s, "")
	if m := onceOnly.FindStringSubmatch(s); m != nil {
		if e := r.entity(m[1]); e != nil {
			if target, key := r.referrer(*e, m[2]); target != nil {
				return r.exclusive(*target, key)
			}
		}
	}
	subject, verb, state := "", "", ""
	switch {
	case whileState.MatchString(s):
		m := whileState.FindStringSubmatch(s)
		if strings.Contains(s, " unless ") {
			return nil, false
		}
		subject, verb, state = m[1], m[2], m[3]
	case forbidBe.MatchString(s):
		m := forbidBe.FindStringSubmatch(s)
		subject, verb = m[1], m[2]
	case forbidNo.MatchString(s):
		m := forbidNo.FindStringSubmatch(s)
		subject, verb = m[1], m[2]
	case forbidCan.MatchString(s) && !strings.Contains(s, " be "):
		m := forbidCan.FindStringSubmatch(s)
		subject, verb = m[1], m[2]
	case forbidAct.MatchString(s):
		m := forbidAct.FindStringSubmatch(s)
		subject, verb = m[3], m[1]+m[2]
	default:
		return nil, false
	}
	e, rest := r.subject(subject)
	if e == nil {
		e, rest = r.stateSubject(subject, verb)
	}
	if e == nil {
		return nil, false
	}
	if state != "" {
		rest = strings.TrimSpace(rest + " " + state)
	}
	target, key := r.referrer(*e, verb)
	if target == nil || rest == "" {
		return nil, false
	}
	if match, ok := r.condition(*e, rest); ok && len(match) == 1 {
		return []Rule{{Kind: RuleForbid, Entity: e.Name, Target: target.Name, Field: match[0].Field, Value: match[0].Value, Other: key, Status: 409}}, true
	}
	if other, otherKey := r.referrer(*e, stripState(rest)); other != nil && other.Name == target.Name && otherKey == key {
		return r.exclusive(*target, key)
	}
	return nil, false
}

// exclusive is the rule that only one open record may refer to the same one.
func (r *reader) exclusive(target Entity, key string) ([]Rule, bool) {
	where, ok := openWhere(target)
	return []Rule{{Kind: RuleLimit, Entity: target.Name, Field: key, N: 1, Where: where, Status: 409}}, ok
}

// stripState takes "that is", "already" and the like off a state.
func stripState(s string) string {
	for _, w := range []string{"that is ", "which is ", "that are ", "which are ", "is ", "are ", "already ", "still ", "currently ", "now "} {
		s = strings.TrimPrefix(s, w)
	}
	for _, w := range []string{" out", " already", " now", " again"} {
		s = strings.TrimSuffix(s, w)
	}
	return strings.TrimSpace(s)
}
