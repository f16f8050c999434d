package budget

import (
	"fmt"
	"slices"
)

// Support says whether a model can do something.
type Support string

// What is known of an ability. Unknown is no refusal: the provider will say.
const (
	Unsaid Support = ""
	Yes    Support = "yes"
	No     Support = "no"
)

// Traits are what a model can do, apart from its price and window.
type Traits struct {
	Tools      Support  `json:"tools,omitempty"`             // calls tools
	Structured Support  `json:"structured,omitempty"`        // answers by a JSON schema
	Effort     []string `json:"effort,omitempty"`            // levels of reasoning effort that it takes; nil when not known
	Adaptive   bool     `json:"adaptive_thinking,omitempty"` // thinks as much as a question needs when it is asked to
	CacheMin   int64    `json:"cache_min,omitempty"`         // fewest tokens of a prefix that is cached; 0 when not known
}

// Takes says whether the model takes a level of effort: "" is always taken, and what is not known is.
func (t Traits) Takes(effort string) bool {
	return effort == "" || t.Effort == nil || slices.Contains(t.Effort, effort)
}

func (t Traits) check(model string) error {
	for _, s := range []Support{t.Tools, t.Structured} {
		if s != Unsaid && s != Yes && s != No {
			return fmt.Errorf("check traits of %s: %q is neither yes nor no", model, s)
		}
	}
	for _, e := range t.Effort {
		if !slices.Contains(efforts(), e) {
			return fmt.Errorf("check traits of %s: effort %q is not known", model, e)
		}
	}
	if t.CacheMin < 0 || t.CacheMin > 1<<30 {
		return fmt.Errorf("check traits of %s: it caches from %d tokens", model, t.CacheMin)
	}
	return nil
}

func efforts() []string { return []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"} }
