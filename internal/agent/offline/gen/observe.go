package gen

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// The rules are:
//   - Examples decide how answers look: kind of ids and amounts, names of keys, statuses, words of
//     faults. They never decide what is answered.
//   - An example counts only where the fault it shows is recognised by the field's own bounds.
//   - The first example of a matter wins; numbers and choices in its words are put in again from
//     the field that is at fault.

// exampleLine is one step of an http block: method, path, body, status, expectation.
var exampleLine = regexp.MustCompile(`^([A-Z]+)\s+(/\S*)(?:\s+(.*?))?\s*->\s*(\d{3})(?:\s+(.*))?$`)

// exampleStart is how a step begins.
var exampleStart = regexp.MustCompile(`^[A-Z]+\s+/`)

// example is a step of the acceptance section.
type example struct {
	method, path string
	body, want   map[string]any
	list         bool // the answer is a bare list
	status       int
}

// MannerOf infers from the acceptance examples of bp how answers look.
func MannerOf(bp *blueprint.Blueprint) Manner {
	o := observer{names: NamesOf(bp), bp: bp, m: DefaultManner(), seen: map[string]bool{}, sent: map[string]bool{}}
	for _, b := range bp.Acceptance {
		if b.Lang != "http" {
			continue
		}
		clear(o.sent)
		for _, x := range examples(b.Text) {
			o.example(x)
		}
	}
	if o.flat != "" {
		o.m.flatten(o.flat, func(f Fault) bool { return o.seen["word "+string(f)] })
	}
	return o.m
}

// examples reads the steps of a block; a line that begins no step goes on with the one before.
func examples(text string) []example {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case exampleStart.MatchString(line):
			lines = append(lines, line)
		case len(lines) > 0:
			lines[len(lines)-1] += " " + line
		}
	}
	var out []example
	for _, line := range lines {
		m := exampleLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		x := example{method: m[1], path: m[2]}
		x.status, _ = strconv.Atoi(m[4]) // three digits by the pattern
		x.body, _ = object(m[3])
		x.want, x.list = object(m[5])
		out = append(out, x)
	}
	return out
}

// object reads a JSON object; list tells that the text is a JSON list instead.
func object(text string) (o map[string]any, list bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	o, _ = v.(map[string]any)
	_, list = v.([]any)
	return o, list
}

// observer collects what examples show.
type observer struct {
	names Names
	bp    *blueprint.Blueprint
	m     Manner
	seen  map[string]bool // matters that are settled
	sent  map[string]bool // unique values that were stored: entity, key, value
	flat  string          // what stands between a field and its fault in a sentence, "" when faults are told by field
}

// sortedKeys keeps the order of maps out of what is inferred.
func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// once says whether a matter is still open, and settles it.
func (o *observer) once(matter string) bool {
	open := !o.seen[matter]
	o.seen[matter] = true
	return open
}

func (o *observer) example(x example) {
	ep := o.endpoint(x)
	if ep == nil {
		return
	}
	e := o.names.entity(ep.Entity)
	switch {
	case x.status < 300:
		o.success(x, *ep, *e)
	case x.status < 500:
		o.refusal(x, *ep, *e)
	}
}

// endpoint finds the endpoint that a step is sent to.
func (o *observer) endpoint(x example) *blueprint.Endpoint {
	path, _, _ := strings.Cut(x.path, "?")
	got := strings.Split(strings.Trim(path, "/"), "/")
	for i, ep := range o.bp.Endpoints {
		want := strings.Split(strings.Trim(ep.Path, "/"), "/")
		if ep.Method != x.method || len(want) != len(got) || ep.Entity == "" {
			continue
		}
		if samePath(want, got) {
			return &o.bp.Endpoints[i]
		}
	}
	return nil
}

func samePath(want, got []string) bool {
	for i := range want {
		if want[i] != "{id}" && want[i] != got[i] {
			return false
		}
	}
	return true
}

// success reads statuses, keys of lists, and the kinds of ids and amounts.
func (o *observer) success(x example, ep blueprint.Endpoint, e Entity) {
	switch ep.Action {
	case "create":
		if x.status != 204 && o.once("created") {
			o.m.Created = x.status
		}
		for _, key := range sortedKeys(x.body) {
			v := x.body[key]
			o.sent[fmt.Sprint(e.Name, "\x00", key, "\x00", v)] = true
		}
	case "delete":
		if o.once("deleted") {
			o.m.Deleted = x.status
		}
	case "list":
		o.envelope(x, e)
		return
	}
	o.record(x.want, e)
}

// envelope reads the keys of a list's answer.
func (o *observer) envelope(x example, e Entity) {
	if x.list && o.once("items") {
		o.m.Items = ""
	}
	for _, key := range sortedKeys(x.want) {
		switch v := x.want[key].(type) {
		case []any:
			if o.once("items") {
				o.m.Items = key
				if key == itemsKey(e) && len(o.names.Entities) > 1 {
					o.m.Items = "*"
				}
			}
			for _, item := range v {
				if record, ok := item.(map[string]any); ok {
					o.record(record, e)
				}
			}
		case json.Number:
			if key != "limit" && key != "offset" && key != "page" && o.once("total") {
				o.m.Total = key
			}
		}
	}
}

// record reads the kinds of ids and amounts.
func (o *observer) record(want map[string]any, e Entity) {
	for _, key := range sortedKeys(want) {
		v := want[key]
		_, isNumber := v.(json.Number)
		f := e.field(key)
		switch {
		case key == "id" && isNumber:
			o.m.IDNumber = true
		case f != nil && f.Kind == blueprint.Money && isNumber:
			o.m.MoneyNumber = true
		case f != nil && f.Kind == blueprint.Ref && isNumber:
			o.m.IDNumber = true
		case f != nil && v == nil && nullable(*f):
			o.m.NullText = true
		}
	}
}

// refusal reads the names of the keys of errors, the statuses and the words of faults.
func (o *observer) refusal(x example, ep blueprint.Endpoint, e Entity) {
	if ep.Action == "get" || ep.Action == "delete" {
		o.sentence(x)
		if words, _ := x.want[o.m.Error].(string); x.status == 404 && words == e.Spoken+" not found" {
			// The store knows records by the name of their bucket.
			o.m.NameMissing = !slices.ContainsFunc(o.names.Entities, func(e Entity) bool { return e.Bucket != e.Spoken })
		}
		o.rule(x, ep, e)
		return
	}
	byField := map[string]any{}
	for _, key := range sortedKeys(x.want) {
		if faults, ok := x.want[key].(map[string]any); ok {
			o.flat = ""
			if o.once("errors") {
				o.m.Errors = key
			}
			byField = faults
		}
	}
	o.sentence(x)
	faults := o.faultsOf(x, ep, e)
	for _, key := range sortedKeys(byField) {
		words, ok := byField[key].(string)
		fault, known := faults[key]
		if ok && known && o.once("word "+string(fault.kind)) {
			o.m.Words[fault.kind] = fault.general(words)
		}
	}
	if len(byField) == 0 {
		o.told(x, faults)
	}
	if len(faults) == 0 {
		o.rule(x, ep, e)
	}
	o.statuses(x, faults)
}

// told reads the words of a fault out of a sentence that begins with the field, such as "name is
// required" or "name: required". Examples with faults by field win over those.
func (o *observer) told(x example, faults map[string]seenFault) {
	if len(faults) != 1 || len(x.want) != 1 || o.seen["errors"] {
		return
	}
	for key, fault := range faults {
		sentence, ok := x.want[o.m.Error].(string)
		rest, begins := strings.CutPrefix(sentence, key)
		words := strings.TrimLeft(rest, ": ")
		between := strings.TrimSuffix(rest, words)
		if !ok || !begins || words == "" || between != " " && between != ": " || o.flat != "" && o.flat != between {
			continue
		}
		o.flat = between
		if o.once("word " + string(fault.kind)) {
			o.m.Words[fault.kind] = fault.general(words)
		}
	}
}

// sentence reads the key of an error's sentence, from an answer that holds nothing else.
func (o *observer) sentence(x example) {
	for _, key := range sortedKeys(x.want) {
		if _, ok := x.want[key].(string); ok && len(x.want) == 1 && o.once("error") {
			o.m.Error = key
		}
	}
}

// statuses reads the status of a request with one kind of fault.
func (o *observer) statuses(x example, faults map[string]seenFault) {
	kinds := map[Fault]bool{}
	for _, f := range faults {
		kinds[f.kind] = true
	}
	switch {
	case len(kinds) == 1 && kinds[FaultUnique]:
		if o.once("unique status") {
			o.m.Unique = x.status
		}
	case len(kinds) == 1 && kinds[FaultRef]:
		if o.once("ref status") {
			o.m.RefStatus = x.status
		}
	case len(kinds) > 0 && !kinds[FaultUnique] && !kinds[FaultRef] && (x.status == 400 || x.status == 422):
		if o.once("invalid status") {
			if o.m.RefStatus == o.m.Invalid && !o.seen["ref status"] {
				o.m.RefStatus = x.status
			}
			o.m.Invalid = x.status
		}
	}
}

// seenFault is what is wrong with a value of an example, and what its words may hold.
type seenFault struct {
	kind Fault
	arg  string
}

// general makes words that fit other fields too: the bound becomes %v.
func (s seenFault) general(words string) string {
	if s.arg == "" || strings.Contains(words, "%") || !strings.Contains(words, s.arg) {
		return words
	}
	return strings.Replace(words, s.arg, "%v", 1)
}

// faultsOf finds what is wrong with the body of an example by the fields' own bounds.
func (o *observer) faultsOf(x example, ep blueprint.Endpoint, e Entity) map[string]seenFault {
	out := map[string]seenFault{}
	if ep.Action == "list" || ep.Action == "set" {
		return out
	}
	for key := range x.body {
		if e.field(key) == nil && key != "id" {
			out[key] = seenFault{kind: FaultUnknown}
		}
	}
	for _, f := range e.Fields {
		v, given := x.body[f.Key]
		if !given && (ep.Action == "update" || ep.Parent == f.Key) {
			continue
		}
		if fault, wrong := o.faultOf(f, v, e); wrong {
			out[f.Key] = fault
		}
	}
	for _, c := range orderChecks(o.bp.Rules, e) {
		if len(out) == 0 && x.body[c.Key] != nil {
			other, _ := strconv.Unquote(c.OtherQuoted)
			kind := FaultOrder
			if c.Strict {
				kind = FaultStrict
			}
			if outOfOrder(e, x.body, other, c.Key, c.Strict) {
				out[c.Key] = seenFault{kind, other}
			}
		}
	}
	return out
}

// outOfOrder says whether the value of second lies before that of first.
func outOfOrder(e Entity, body map[string]any, first, second string, strict bool) bool {
	if body[first] == nil {
		return false
	}
	a, b := fmt.Sprint(body[first]), fmt.Sprint(body[second])
	if f := e.field(first); f != nil && numeric(*f) {
		x, errA := strconv.ParseFloat(a, 64)
		y, errB := strconv.ParseFloat(b, 64)
		return errA == nil && errB == nil && (y < x || strict && y == x)
	}
	return b < a || strict && a == b
}

// faultOf says what is wrong with one value.
func (o *observer) faultOf(f Field, v any, e Entity) (seenFault, bool) {
	if f.List {
		return seenFault{kind: FaultList}, v != nil && !isList(v)
	}
	s, isText := v.(string)
	if v == nil || isText && strings.TrimSpace(s) == "" {
		return seenFault{kind: FaultRequired}, f.Required
	}
	n, isNumber := v.(json.Number)
	if isNumber {
		s = n.String()
	}
	switch f.Kind {
	case blueprint.Choice:
		return seenFault{FaultChoice, strings.Join(f.Choices, ", ")}, !isText || !slices.Contains(f.Choices, s)
	case blueprint.Bool:
		_, isBool := v.(bool)
		return seenFault{kind: FaultBool}, !isBool
	case blueprint.Ref:
		return seenFault{kind: FaultRef}, !strings.HasPrefix(s, "$")
	case blueprint.Integer, blueprint.Decimal, blueprint.Money:
		return numberFault(f, s, isNumber)
	case blueprint.Date, blueprint.DateTime, blueprint.Email, blueprint.URL:
		return seenFault{kind: Fault(f.Kind)}, !isText || !wellFormed(f.Kind, s)
	}
	switch size := utf8.RuneCountInString(strings.TrimSpace(s)); {
	case !isText:
		return seenFault{kind: FaultText}, true
	case f.MinLen != nil && size < *f.MinLen:
		return seenFault{FaultShort, strconv.Itoa(*f.MinLen)}, true
	case f.MaxLen != nil && size > *f.MaxLen:
		return seenFault{FaultLong, strconv.Itoa(*f.MaxLen)}, true
	}
	return seenFault{kind: FaultUnique}, f.Unique && o.sent[fmt.Sprint(e.Name, "\x00", f.Key, "\x00", v)]
}

func isList(v any) bool { _, ok := v.([]any); return ok }

func numberFault(f Field, s string, isNumber bool) (seenFault, bool) {
	n, err := strconv.ParseFloat(s, 64)
	_, errInt := strconv.ParseInt(s, 10, 64)
	if err != nil || !isNumber && f.Kind != blueprint.Money || f.Kind == blueprint.Integer && errInt != nil {
		return seenFault{kind: Fault(f.Kind)}, true
	}
	for _, b := range []struct {
		kind  Fault
		limit *string
		sign  float64
	}{{FaultMin, f.Min, -1}, {FaultMax, f.Max, 1}} {
		if b.limit == nil {
			continue
		}
		limit, err := strconv.ParseFloat(*b.limit, 64)
		if err == nil && (n-limit)*b.sign > 0 {
			return seenFault{b.kind, bound(f, *b.limit)}, true
		}
	}
	return seenFault{}, false
}

var (
	emailShape = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	urlShape   = regexp.MustCompile(`^https?://\S+$`)
	dateShape  = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`)
)

// wellFormed is a rough check: an example shows a gross fault or none.
func wellFormed(k blueprint.Kind, s string) bool {
	switch k {
	case blueprint.Email:
		return emailShape.MatchString(s)
	case blueprint.URL:
		return urlShape.MatchString(s)
	default:
		return dateShape.MatchString(s) && !strings.Contains(s, "-02-30") && !strings.Contains(s, "-02-31")
	}
}
