package blueprint

import (
	"slices"
	"strconv"
	"strings"
)

// ruleReader understands one shape of sentence. It reports true when it did; the rules may be none
// when the sentence only adds to a field.
type ruleReader func(r *reader, s string) ([]Rule, bool)

func ruleReaders() []ruleReader {
	return []ruleReader{readCascade, readDelete, readForbid, readLimit, readOrder, readSort, readUnique, readFieldRule}
}

var (
	forbidBe   = lazy(`^(.+?) (?:cannot|must not|may not|must never|can never|may never|is never|are never|are not to|is not to|shall not|should not) be (\pL+)(?: (?:out|again|anymore|any more|any longer|at all|to anyone|to anybody|by anyone|by anybody))*(?: at the same time| twice| at once)?$`)
	forbidNo   = lazy(`^no (.+?) (?:can|may|is|are|shall)(?: ever)?(?: be)? (\pL+)(?: out| again)?$`)
	forbidAct  = lazy(`^(?:(?:a |an |any )?(\pL+ing)(?: out)?|(?:a |an |any )?(\pL+) (?:of|for|on|to|with)) (.+)$`)
	onceOnly   = lazy(`^(?:an? |each |every |the )?(.+?) (?:can|may|is)(?: only)? be(?: only)? (\pL+)(?: out)? (?:only )?(?:once|to one \pL+|by one \pL+)(?: at a time| at once| at the same time)?$`)
	forbidCan  = lazy(`^(.+?) (?:cannot|must not|may not|must never|can never|may never) (\pL+)(?: anything| any (?:more )?\pL+| an? \pL+| again| anymore| any more| \pL+s)?$`)
	whileState = lazy(`^(.+?) (?:cannot|must not|may not|can never|must never) be (\pL+)(?: out)? (?:while|when|if|as long as|once|after|unless) (?:it |they |there )?(.+)$`)
	deleteHead = lazy(`^(?:deleting|removing|deletion of|to delete|delete) (.+)$`)
	deleteTail = lazy(`^(.+?) (?:cannot|must not|may not|can never|must never|is never|are never|shall not|is not|are not) be (?:deleted|removed)(?: (?:while|when|if|as long as) (.+))?$`)
	deleteNo   = lazy(`^no (.+?) (?:can|may) be (?:deleted|removed)$`)
	cascadeOne = lazy(`^(?:deleting|removing) (?:an? |the )?(.+?) (?:also )?(?:deletes|removes|drops)(?: also)?(?: all)?(?: of)? (?:its|their|the|his|her) (.+?)(?: too| as well| with it)?$`)
	cascadeTwo = lazy(`^(?:when|if) (?:an? |the )?(.+?) is (?:deleted|removed),? (?:all )?(?:its|their|the|his|her) (.+?) (?:are|is) (?:deleted|removed)(?: too| as well| with it| also)?$`)
	trailing   = lazy(`(?: at a time| at once| at the same time| at any time| simultaneously)$`)
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

// longestName is the greatest number of words of an entity's name that is looked for.
const longestName = 4

// subject finds the entity that a noun phrase is about; the rest are the words around its name.
func (r *reader) subject(phrase string) (*Entity, string) {
	for _, article := range []string{"an ", "a ", "the ", "any ", "all ", "every ", "each "} {
		phrase = strings.TrimPrefix(phrase, article)
	}
	words := strings.Fields(phrase)
	var found *Entity
	rest := ""
	longest := 0
	for i := range words {
		for j := i + 1; j <= min(i+longestName, len(words)); j++ {
			if e := r.entity(strings.Join(words[i:j], " ")); e != nil && (found == nil || j-i > longest && i == 0) {
				found, longest = e, j-i
				rest = strings.TrimSpace(strings.Join(words[:i], " ") + " " + strings.Join(words[j:], " "))
			}
		}
		if found != nil {
			break
		}
	}
	return found, rest
}

// stateSubject finds the one entity whose records a state alone names: "an admin" in "an admin
// cannot be assigned".
func (r *reader) stateSubject(phrase, verb string) (*Entity, string) {
	state := trimArticle(strings.TrimPrefix(phrase, "any "))
	var found *Entity
	for i, e := range r.bp.Entities {
		if _, ok := r.condition(e, state); !ok {
			continue
		}
		if target, _ := r.referrer(e, verb); target != nil {
			if found != nil {
				return nil, ""
			}
			found = &r.bp.Entities[i]
		}
	}
	return found, state
}

// referrer finds the entity that refers to e and whose name a verb is related to; a verb such as
// "used" fits the only one there is.
func (r *reader) referrer(e Entity, verb string) (*Entity, string) {
	verb = strings.TrimSpace(verb)
	if verb == "" || strings.Contains(verb, " ") {
		return nil, ""
	}
	var found, any *Entity
	key, anyKey, n, refs := "", "", 0, 0
	for i := range r.bp.Entities {
		o := &r.bp.Entities[i]
		for _, f := range o.Fields {
			if f.Kind != Ref || f.Ref != e.Name {
				continue
			}
			any, anyKey = o, f.Key
			refs++
			if akin(verb, o.Name) || akin(verb, f.Name) {
				found, key = o, f.Key
				n++
			}
		}
	}
	switch {
	case n == 1:
		return found, key
	case n == 0 && refs == 1 && slices.Contains([]string{"used", "chosen", "referred", "selected", "taken", "assigned"}, verb):
		return any, anyKey
	}
	return nil, ""
}

// akin says whether a verb form belongs to a noun: lent and loan, booked and booking.
func akin(verb, noun string) bool {
	v, n := strings.ToLower(verb), strings.ToLower(noun)
	groups := [][]string{
		{"lent", "lend", "lending", "loan", "loaned", "borrow", "borrowed", "borrowing", "checkout"}, {"sold", "sell", "selling", "sale"},
		{"bought", "buy", "buying", "purchase", "purchased"}, {"sent", "send", "sending", "shipment", "delivery"}, {"paid", "pay", "paying", "payment"},
		{"flown", "fly", "flying", "flight"}, {"ridden", "ride", "riding"}, {"driven", "drive", "driving"}, {"given", "give", "giving", "gift"},
		{"hired", "hire", "hiring", "rental", "rented", "renting", "rent"}, {"seen", "view", "viewed", "viewing", "sighting"}, {"fed", "feed", "feeding"},
		{"taught", "teach", "teaching", "lesson"}, {"eaten", "eat", "meal"}, {"written", "write", "writing"}, {"sat", "sit", "sitting"},
		{"treated", "treat", "treatment", "visit", "visited", "visiting"}, {"grown", "grow", "growing", "planting", "planted", "plant"},
		{"watered", "water", "watering"}, {"sown", "sow", "sowing"}, {"worn", "wear", "wearing"}, {"held", "hold", "holding"}, {"shown", "show", "showing", "exhibit", "exhibited"},
	}
	for _, g := range groups {
		if slices.Contains(g, v) && slices.Contains(g, n) {
			return true
		}
	}
	stem := func(s string) string {
		for _, end := range []string{"ations", "ation", "ments", "ment", "ings", "ing", "als", "al", "ed", "es", "s", "ions", "ion", "ees", "ee", "e", "d"} {
			if rest, ok := strings.CutSuffix(s, end); ok && len(rest) >= 3 {
				s = rest
				break
			}
		}
		if k := len(s); k > 3 && s[k-1] == s[k-2] {
			s = s[:k-1]
		}
		return strings.TrimSuffix(s, "e")
	}
	words := strings.Fields(n)
	return len(words) > 0 && len(v) > 2 && stem(v) == stem(words[len(words)-1])
}

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

var (
	limitPer  = lazy(`^(?:there (?:can|may|must) be )?(?:at most|no more than|not more than|a maximum of|up to|maximum|max|only) (\w+) (.+?) (?:per|for each|for every|for one|for the same|for any|with the same|by the same|by one|for an?|to one) (.+)$`)
	limitHave = lazy(`^(?:an?|each|every|one|the same|any) (.+?) (?:can|may|must|is allowed to)?\s?(?:have|has|hold|holds|keep|keeps|take|takes) (?:at most|no more than|not more than|a maximum of|up to|only) (\w+) (.+)$`)
	limitNot  = lazy(`^(?:an?|each|every|one|no|the same) (.+?) (?:cannot|must not|may not|may never|must never|can|may) (?:have|hold|keep|take) more than (\w+) (.+)$`)
	limitPre  = lazy(`^per (.+?),? (?:there (?:can|may|must) be )?(?:at most|no more than|only|up to) (\w+) (.+)$`)
	limitAll  = lazy(`^(?:there (?:can|may|must) be )?(?:at most|no more than|not more than|a maximum of) (\w+) (.+?)(?: in all| in total| altogether| overall)$`)
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
	return nil
}

func wordNumber(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n <= 1_000_000 {
		return n
	}
	return slices.Index(strings.Fields("zero one two three four five six seven eight nine ten eleven twelve"), s)
}
