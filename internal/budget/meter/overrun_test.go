package meter

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// An answer that counts more than its hold, by however much and however it ends, stops all sends and
// is booked. Guards Overrun in settlement and its place in the guard.
func TestOverrunStopsAllSends(t *testing.T) {
	t.Parallel()
	grow := func(sm sample, to string) sample {
		r := strings.NewReplacer(`"input_tokens":10,`, `"input_tokens":`+to+`,`, `"prompt_tokens":360`, `"prompt_tokens":`+to, `"input_tokens":360`, `"input_tokens":`+to)
		sm.seen, sm.rest, sm.whole = r.Replace(sm.seen), r.Replace(sm.rest), r.Replace(sm.whole)
		return sm
	}
	priced := func(sm sample, member string) sample { // rates that no price is known for
		r := strings.NewReplacer(`"output_tokens":42`, `"output_tokens":42,`+member, `"model":"m-1"`, `"model":"m-1",`+member)
		sm.seen, sm.rest, sm.whole = r.Replace(sm.seen), r.Replace(sm.rest), r.Replace(sm.whole)
		return sm
	}
	reported := func(sm sample) sample {
		r := strings.NewReplacer(`"total_tokens":402`, `"total_tokens":402,"cost":0.5`)
		sm.seen, sm.rest, sm.whole = r.Replace(sm.seen), r.Replace(sm.rest), r.Replace(sm.whole)
		return sm
	}
	for _, sm := range samples() {
		forms := map[string]sample{
			"by some": grow(sm, "150000"), "by more than can be": grow(sm, "1125899906842625"), "by the largest number": grow(sm, "9223372036854775807"),
		}
		switch sm.dialect.(type) {
		case anthropic:
			forms["fast"], forms["in a dearer region"] = priced(sm, `"speed":"fast"`), priced(sm, `"inference_geo":"us"`)
		default:
			forms["with priority"], forms["by the provider's word"] = priced(sm, `"service_tier":"priority"`), reported(sm)
		}
		for name, over := range forms {
			sends := map[string]string{"whole": over.whole, "stream": over.seen + over.rest}
			if _, ok := sm.dialect.(anthropic); ok && strings.HasPrefix(name, "by") {
				sends["cut"] = over.seen // usage stands at the head
			}
			for how, sent := range sends {
				t.Run(sm.String()+" "+name+" "+how, func(t *testing.T) {
					t.Parallel()
					kind := sse
					if how == "whole" {
						kind = "application/json"
					}
					w := newWorld(budget.Caps{USD: budget.Dollar})
					door := w.door(answering(200, kind, strings.NewReader(sent)))
					if resp, err := door.RoundTrip(sm.request(t.Context(), "http://host")); err == nil {
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
					s := w.only(t)
					if a := w.guard.Account(budget.Build); !s.Overrun || a.Spent+a.Unknown == 0 {
						t.Errorf("%+v, booked %+v", s, a)
					}
					var refused *budget.Refusal
					for _, next := range samples() {
						if _, err := door.RoundTrip(next.request(t.Context(), "http://host")); !errors.As(err, &refused) || !refused.Overrun {
							t.Errorf("sent after an overrun: %v", err)
						}
					}
				})
			}
		}
	}
}
