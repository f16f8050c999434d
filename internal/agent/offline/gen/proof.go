package gen

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// The rules are:
//   - A demand of the spec that its own acceptance does not show is proven by steps that follow from
//     it: make the records that it speaks of, then do what it forbids.
//   - Every step makes records of its own, so that no rule is in the way of another.
//   - What cannot be made out of valid values is left out.

// mostProofSteps bounds the steps of a proof.
const mostProofSteps = 240

// Proof gives the http steps that show what the data, the rules and the endpoints of bp demand.
func Proof(bp *blueprint.Blueprint) []string {
	m := MannerOf(bp)
	p := &prover{core: newCore(bp, m), count: map[string]int{}}
	for _, e := range p.names.Entities {
		p.life(e)
		p.fields(e)
	}
	for _, r := range bp.Rules {
		p.rule(r)
	}
	for _, ep := range bp.Endpoints {
		if ep.Action == "set" {
			p.action(ep)
		}
	}
	if len(p.steps) > mostProofSteps {
		return p.steps[:mostProofSteps]
	}
	return p.steps
}

// prover collects steps; made counts the records, of which each has values of its own.
type prover struct {
	core
	steps []string
	made  int
	count map[string]int // records by entity
}

// pair is one value of a body; bodies keep the order of the fields.
type pair struct {
	key   string
	value any
}

// endpoint finds the endpoint that does action on e alone, not below another record.
func (p *prover) endpoint(e Entity, action string) (blueprint.Endpoint, bool) {
	i := slices.IndexFunc(p.bp.Endpoints, func(ep blueprint.Endpoint) bool {
		return ep.Entity == e.Name && ep.Action == action && ep.Parent == ""
	})
	if i < 0 {
		return blueprint.Endpoint{}, false
	}
	return p.bp.Endpoints[i], true
}

// step adds a step. An expectation of nil leaves the answer open.
func (p *prover) step(method, path string, body []pair, status int, want map[string]any) {
	line := method + " " + path
	if body != nil {
		var parts []string
		for _, v := range body {
			parts = append(parts, strconv.Quote(v.key)+":"+jsonText(v.value))
		}
		line += " {" + strings.Join(parts, ",") + "}"
	}
	line += " -> " + strconv.Itoa(status)
	if want != nil {
		line += " " + jsonText(want)
	}
	p.steps = append(p.steps, line)
}

func jsonText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(raw)
}

// at is the path of one record.
func at(ep blueprint.Endpoint, id string) string { return strings.Replace(ep.Path, "{id}", id, 1) }

// make adds the step that makes a record with the values of set, and those before it that make what
// it refers to. The id is the variable of the new record; ok is false when it cannot be made.
func (p *prover) make(e Entity, set ...pair) (id string, ok bool) {
	body, ok := p.body(e, set, 0)
	post, can := p.endpoint(e, "create")
	if !ok || !can || p.full(e) {
		return "", false
	}
	return p.post(post, body), true
}

// full says whether a rule may allow no further record of e: one that limits all of them, or those
// that share a value which is not new in every record.
func (p *prover) full(e Entity) bool {
	return slices.ContainsFunc(p.bp.Rules, func(r blueprint.Rule) bool {
		f := e.field(r.Field)
		fresh := f != nil && (f.Kind == blueprint.Ref || f.Kind == blueprint.Text && f.Pattern == "")
		return r.Kind == blueprint.RuleLimit && r.Entity == e.Name && !fresh && p.count[e.Name] >= r.N
	})
}

func (p *prover) post(post blueprint.Endpoint, body []pair) string {
	p.made++
	p.count[post.Entity]++
	id := fmt.Sprintf("$made%d", p.made)
	p.step("POST", post.Path, body, p.manner.Created, map[string]any{"id": id})
	return id
}

// body is a valid record of e with the values of set.
func (p *prover) body(e Entity, set []pair, depth int) ([]pair, bool) {
	if depth > len(p.names.Entities) {
		return nil, false
	}
	body := []pair{}
	for _, f := range e.Fields {
		if i := slices.IndexFunc(set, func(s pair) bool { return s.key == f.Key }); i >= 0 {
			if set[i].value != nil {
				body = append(body, set[i])
			}
			continue
		}
		v, ok := p.value(e, f, depth)
		if !ok {
			return nil, false
		}
		if v != nil {
			body = append(body, pair{f.Key, v})
		}
	}
	return body, true
}

// value is a valid value of a field, nil to leave it out.
func (p *prover) value(e Entity, f Field, depth int) (any, bool) {
	usual := f.Default
	if f.Kind == blueprint.Bool && usual == "" {
		usual = "no"
	}
	if !f.Required && !(usual != "" && p.forbidden(e, f, usual)) {
		return nil, true
	}
	v, ok := p.required(e, f, depth)
	if ok && f.List {
		v = []any{v}
	}
	return v, ok
}

func (p *prover) required(e Entity, f Field, depth int) (any, bool) {
	switch f.Kind {
	case blueprint.Ref:
		target := p.names.entity(f.Ref)
		body, ok := p.body(*target, nil, depth+1)
		post, can := p.endpoint(*target, "create")
		if !ok || !can || p.full(*target) {
			return nil, false
		}
		return p.post(post, body), true
	case blueprint.Bool:
		return p.forbidden(e, f, "no"), true
	case blueprint.Choice:
		i := slices.IndexFunc(f.Choices, func(c string) bool { return !p.forbidden(e, f, c) })
		if i < 0 {
			return nil, false
		}
		return f.Choices[i], true
	default:
		return p.plain(e, f)
	}
}

// plain is a valid value of a field that stands for itself, another one for each record.
func (p *prover) plain(e Entity, f Field) (any, bool) {
	n := p.made + 1
	switch f.Kind {
	case blueprint.Email:
		return fmt.Sprintf("ann%d@example.org", n), true
	case blueprint.URL:
		return fmt.Sprintf("https://example.org/%d", n), true
	case blueprint.Integer, blueprint.Decimal, blueprint.Money:
		return p.number(e, f, n), true
	case blueprint.Date, blueprint.DateTime:
		return p.moment(e, f, n), true
	}
	if f.Pattern != "" {
		all := f.Matching(40)
		if len(all) == 0 {
			return nil, false
		}
		return all[n%len(all)], true
	}
	text := fmt.Sprintf("%s %d", strings.ToLower(f.Name), n)
	if f.MaxLen != nil && len([]rune(text)) > *f.MaxLen {
		text = strconv.Itoa(n)
	}
	if f.MinLen != nil && len([]rune(text)) < *f.MinLen {
		text += strings.Repeat("x", *f.MinLen-len([]rune(text)))
	}
	return text, f.MaxLen == nil || len([]rune(text)) <= *f.MaxLen
}

func (p *prover) number(e Entity, f Field, n int) any {
	low, span := int64(10+100*p.rank(e, f)), int64(50)
	if f.Min != nil {
		low = max(low, wholeAbove(*f.Min)+1)
	}
	if f.Max != nil {
		high := wholeBelow(*f.Max)
		if low+span > high {
			low = high - span
		}
		if f.Min != nil {
			low = max(low, wholeAbove(*f.Min))
		}
		span = max(1, min(span, high-low+1))
	}
	text := strconv.FormatInt(low+int64(n)%span, 10)
	if f.Over && f.Min != nil && text == *f.Min || low > wholeBelow(pickText(f.Max, text)) {
		text = pickText(f.Max, text)
	}
	if f.Kind == blueprint.Money && !p.manner.MoneyNumber {
		return text
	}
	return json.Number(text)
}

func pickText(s *string, otherwise string) string {
	if s != nil {
		return *s
	}
	return otherwise
}

func (p *prover) moment(e Entity, f Field, n int) any {
	text := fmt.Sprintf("2026-%02d-%02d", 1+p.rank(e, f)%12, 1+n%28)
	if f.Kind == blueprint.DateTime {
		text += "T12:00:00Z"
	}
	switch {
	case f.Min != nil && text < *f.Min:
		return *f.Min
	case f.Max != nil && text > *f.Max:
		return *f.Max
	}
	return text
}
