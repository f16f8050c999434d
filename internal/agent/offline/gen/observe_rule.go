package gen

import (
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// The rules are:
//   - A refusal whose request has no fault of its own is the violation of a rule, and the sentence
//     in its answer is how the spec words that rule.
//   - Of several rules that could be violated it is the one that shares most words with the
//     sentence; when two share as many, the sentence is left out of account.
//   - A sentence that holds a value of the request says nothing about other requests.

// rule reads the words of a rule from the refusal of a request that is right by itself.
func (o *observer) rule(x example, ep blueprint.Endpoint, e Entity) {
	sentence, ok := x.want[o.m.Error].(string)
	if !ok || sentence == "" || x.status == 404 || strings.Contains(sentence, "$") {
		return
	}
	for _, key := range sortedKeys(x.body) {
		if v, isText := x.body[key].(string); isText && len(v) > 1 && strings.Contains(sentence, v) {
			return
		}
	}
	best, most, twice := "", 0, false
	for _, r := range o.bp.Rules {
		if !violable(r, ep, e) {
			continue
		}
		n := shared(r.Text, sentence)
		if n > most {
			best, most, twice = r.Text, n, false
		} else if n == most && r.Text != best {
			twice = true
		}
	}
	if most > 0 && !twice && o.once("rule "+best) {
		o.m.Rules[best] = sentence
	}
}

// violable says whether a request to ep can violate r.
func violable(r blueprint.Rule, ep blueprint.Endpoint, e Entity) bool {
	if ep.Action == "delete" {
		return r.Kind == blueprint.RuleDelete && r.Entity == e.Name
	}
	return r.Kind == blueprint.RuleForbid && r.Target == e.Name || r.Kind == blueprint.RuleLimit && r.Entity == e.Name
}

// shared counts the words of a that b has too, apart from the shortest.
func shared(a, b string) int {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return strings.ContainsRune(" .,;:!`'\"()", c) })
	}
	n := 0
	other := words(b)
	for _, w := range words(a) {
		if len(w) > 2 && slices.ContainsFunc(other, func(o string) bool { return o == w || o == w+"s" || o+"s" == w }) {
			n++
		}
	}
	return n
}
