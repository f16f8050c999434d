package gen

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

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
	case f.Pattern != "" && !matchesPattern(f, strings.TrimSpace(s)):
		return seenFault{FaultPattern, f.PatternWords()}, true
	}
	return seenFault{kind: FaultUnique}, f.Unique && o.sent[fmt.Sprint(e.Name, "\x00", f.Key, "\x00", v)]
}

func matchesPattern(f Field, s string) bool {
	re, err := regexp.Compile(f.Pattern)
	return err == nil && re.MatchString(s)
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
		if b.kind == FaultMin && f.Over {
			b.kind = FaultOver
		}
		if err == nil && ((n-limit)*b.sign > 0 || b.kind == FaultOver && n == limit) {
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
