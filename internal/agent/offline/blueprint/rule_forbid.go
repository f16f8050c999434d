package blueprint

import (
	"strings"
)

var (
	forbidBe   = lazy(`^(.+?) (?:cannot|must not|may not|must never|can never|may never|is never|are never|are not to|is not to|shall not|should not) be (\pL+)(?: (?:out|again|anymore|any more|any longer|at all|to anyone|to anybody|by anyone|by anybody))*(?: at the same time| twice| at once)?$`)
	forbidNo   = lazy(`^no (.+?) (?:can|may|is|are|shall)(?: ever)?(?: be)? (\pL+)(?: out| again)?$`)
	forbidAct  = lazy(`^(?:(?:a |an |any )?(\pL+ing)(?: out)?|(?:a |an |any )?(\pL+) (?:of|for|on|to|with)) (.+)$`)
	forbidMade = lazy(`^(?:no (?:new )?(.+?) (?:can|may|must|is|are|shall)(?: ever)?(?: be)? (?:\pL+)|(?:new |an? )?(.+?) (?:cannot|must not|may not|must never|can never|may never) be (?:\pL+)) (?:to|on|for|in|into|with|from|by|of|against|at|under) (.+)$`)
	forbidFor  = lazy(`^(?:an? |new )?(.+?) (?:for|on|of|with|to|in|from|by) (.+?)(?: (?:is|are) not (?:allowed|possible|permitted|accepted))?$`)
	takesNone  = lazy(`^(.+?) (?:cannot|must not|may not|can never|must never|may never|can no longer) (?:get|have|take|accept|receive|be given|hold|gain|contain|collect)(?: any)?(?: new| more| further| additional| another)? (.+?)(?: any more| anymore)?$`)
	onlyState  = lazy(`^only (.+?) (?:can|may|must|are allowed to|is allowed to|shall)(?: be)? (\pL+)(?: out)?$`)
	onlyFor    = lazy(`^(.+?) (?:can|may|must)(?: only)? be (?:\pL+)(?: only)? (?:to|on|for|in|into|with|from|by|of|against|at|under)(?: only)? (.+)$`)
	mustState  = lazy(`^(?:to be (\pL+),? )?(.+?) (must|needs to|has to) be (.+?)(?: (?:to|in order to|before it can|before they can) be (\pL+))?$`)
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
	}
	if subject == "" {
		return r.forbidTarget(s)
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
		return r.forbidTarget(s)
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

// forbidTarget understands the sentences that name the record which cannot be made: "no entries can
// be logged on an archived project", "loans for broken tools are refused", "only vaccinated dogs
// can be booked".
func (r *reader) forbidTarget(s string) ([]Rule, bool) {
	if m := onlyState.FindStringSubmatch(s); m != nil {
		return r.forbidUnless(m[1], m[2])
	}
	if m := mustState.FindStringSubmatch(s); m != nil && (m[1] == "") != (m[5] == "") {
		return r.forbidUnless(m[2]+" "+m[4], m[1]+m[5])
	}
	made, about := "", ""
	if m := takesNone.FindStringSubmatch(s); m != nil {
		made, about = m[2], m[1]
	} else if m := onlyFor.FindStringSubmatch(s); m != nil && strings.Contains(s, "only ") {
		return r.forbidPair(m[1], m[2], true)
	} else if m := forbidMade.FindStringSubmatch(s); m != nil {
		made, about = m[1]+m[2], m[3]
	} else if m := forbidFor.FindStringSubmatch(s); m != nil {
		made, about = m[1], m[2]
	}
	return r.forbidPair(made, about, false)
}

// forbidPair is the rule that records called made cannot refer to those that about describes;
// with only set, to no others.
func (r *reader) forbidPair(made, about string, only bool) ([]Rule, bool) {
	target := r.entity(trimArticle(made))
	e, rest := r.subject(about)
	if target == nil || e == nil || rest == "" {
		return nil, false
	}
	keys := refsTo(*target, *e)
	match, ok := r.condition(*e, rest)
	if !ok || len(match) != 1 || len(keys) != 1 {
		return nil, false
	}
	value := match[0].Value
	if only {
		value = opposite(*e, match[0])
	}
	return []Rule{{Kind: RuleForbid, Entity: e.Name, Target: target.Name, Field: match[0].Field, Value: value, Other: keys[0], Status: 409}}, true
}

// forbidUnless is the rule that only records in a state can be what the verb says.
func (r *reader) forbidUnless(subject, verb string) ([]Rule, bool) {
	e, rest := r.subject(subject)
	if e == nil || rest == "" {
		return nil, false
	}
	target, key := r.referrer(*e, verb)
	match, ok := r.condition(*e, rest)
	if target == nil || !ok || len(match) != 1 {
		return nil, false
	}
	return []Rule{{Kind: RuleForbid, Entity: e.Name, Target: target.Name, Field: match[0].Field, Value: opposite(*e, match[0]), Other: key, Status: 409}}, true
}

// opposite is the value that stands for all others than the one of m.
func opposite(e Entity, m Match) string {
	f := findField(&e, m.Field)
	switch {
	case f != nil && f.Kind == Bool && m.Value == "yes":
		return "no"
	case f != nil && f.Kind == Bool:
		return "yes"
	default:
		return "!" + m.Value
	}
}
