package blueprint

import (
	"slices"
	"strings"
)

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
	case n == 0 && refs == 1 && slices.Contains(strings.Fields(takenVerbs), verb):
		return any, anyKey
	}
	return nil, ""
}

// takenVerbs are what happens to a record when another one is made that refers to it.
const takenVerbs = "used chosen referred selected taken assigned booked reserved hired rented lent borrowed ordered scheduled enrolled sold bought issued picked requested"

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
