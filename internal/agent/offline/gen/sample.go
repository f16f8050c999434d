package gen

import (
	"cmp"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// sampleView is what the tests of one entity are made of.
type sampleView struct {
	Makable bool // a record can be made: its required references form no circle
	Values  []sampleValue
	Faults  []faultCase
	Lists   bool // several records can stand beside each other
	HasRefs bool // some reference is required
	UsesN   bool // some value mentions the counter
	// FilterKey is a field whose sample values all differ, nil when there is none.
	FilterKey *Field
}

// sampleValue is a valid value: a Go expression that may mention the counter n.
type sampleValue struct{ Key, Expr string }

// faultCase is one wrong value and the words of its fault.
type faultCase struct{ Name, Key, Expr, Want string }

func (c core) sample(e Entity) sampleView {
	s := sampleView{Makable: c.makable(e, nil), Lists: true}
	for i, f := range e.Fields {
		if f.Kind == blueprint.Ref {
			s.HasRefs = s.HasRefs || f.Required
			continue
		}
		expr := c.sampleExpr(e, f)
		if expr == "" {
			continue
		}
		s.Values = append(s.Values, sampleValue{f.Key, expr})
		s.UsesN = s.UsesN || strings.Contains(expr, "n)") || strings.Contains(expr, "n%") || strings.Contains(expr, "[n%")
		if s.FilterKey == nil && f.Kind == blueprint.Text && !f.List && (f.MaxLen == nil || *f.MaxLen > 2) {
			s.FilterKey = &e.Fields[i]
		}
	}
	for _, r := range c.bp.Rules {
		if r.Kind == blueprint.RuleLimit && r.Entity == e.Name && r.Field == "" && r.N < 3 {
			s.Lists = false
		}
	}
	s.Faults = c.faults(e)
	return s
}

// makable says whether no chain of required references leads back to e.
func (c core) makable(e Entity, above []string) bool {
	if slices.Contains(above, e.Name) {
		return false
	}
	for _, f := range e.Fields {
		if f.Kind == blueprint.Ref && f.Required && !c.makable(*c.names.entity(f.Ref), append(slices.Clone(above), e.Name)) {
			return false
		}
	}
	return true
}

// sampleExpr is a valid value of a field, "" to leave it out.
func (c core) sampleExpr(e Entity, f Field) string {
	one := c.sampleOne(e, f)
	if one != "" && f.List {
		return "[]any{" + one + "}"
	}
	return one
}

func (c core) sampleOne(e Entity, f Field) string {
	switch f.Kind {
	case blueprint.Bool:
		usual := cmp.Or(f.Default, "no")
		if !f.Required && !c.forbidden(e, f, usual) {
			return ""
		}
		return strconv.FormatBool(c.forbidden(e, f, "no"))
	case blueprint.Choice:
		if f.Default != "" && !c.forbidden(e, f, f.Default) {
			return ""
		}
		for _, choice := range f.Choices {
			if !c.forbidden(e, f, choice) {
				return strconv.Quote(choice)
			}
		}
		return ""
	case blueprint.Email:
		return `fmt.Sprintf("ann%d@example.org", n)`
	case blueprint.URL:
		return `fmt.Sprintf("https://example.org/%d", n)`
	case blueprint.Integer, blueprint.Decimal, blueprint.Money:
		return c.sampleNumber(e, f)
	case blueprint.Date, blueprint.DateTime:
		return c.sampleTime(e, f)
	default:
		return sampleText(f)
	}
}

// forbidden says whether a rule keeps records with the value from being referred to.
func (c core) forbidden(e Entity, f Field, value string) bool {
	return slices.ContainsFunc(c.bp.Rules, func(r blueprint.Rule) bool {
		return (r.Kind == blueprint.RuleForbid && r.Entity == e.Name || keeps(r, e)) && r.Field == f.Key && (r.Value == value || strings.HasPrefix(r.Value, "!") && r.Value != "!"+value)
	})
}

func sampleText(f Field) string {
	if f.Pattern != "" {
		var quoted []string
		for _, s := range f.Matching(40) {
			quoted = append(quoted, strconv.Quote(s))
		}
		return fmt.Sprintf("[]string{%s}[n%%%d]", strings.Join(quoted, ", "), max(1, len(quoted)))
	}
	base := strings.ToLower(strings.Join(nameWords(f.Name), " ")) + " "
	if f.MinLen != nil && len([]rune(base)) < *f.MinLen {
		base += strings.Repeat("x", *f.MinLen-len([]rune(base)))
	}
	verb := "%d"
	if f.MaxLen != nil && len([]rune(base))+2 > *f.MaxLen {
		base, verb = string([]rune(base)[:max(0, *f.MaxLen-2)]), "%02d"
	}
	if f.MaxLen != nil && *f.MaxLen < 2 {
		return "fmt.Sprint(n%10)"
	}
	return fmt.Sprintf("fmt.Sprintf(%q, n)", strings.ReplaceAll(base, "%", "")+verb)
}

func (c core) sampleNumber(e Entity, f Field) string {
	low, span := int64(10+100*c.rank(e, f)), int64(50)
	if f.Min != nil {
		if n := wholeAbove(*f.Min); n > low || f.Max != nil {
			low = n
		}
		if f.Over && fmt.Sprint(low) == *f.Min {
			low++
		}
	}
	if f.Max != nil {
		high := wholeBelow(*f.Max)
		if f.Min == nil && low+span > high {
			low = high - span
		}
		if span = min(span, high-low+1); span < 1 {
			return number(f, strconv.Quote(*f.Max))
		}
	}
	return number(f, fmt.Sprintf(`fmt.Sprint(%d+n%%%d)`, low, span))
}

// number is the input value of a numeric field whose text is expr.
func number(f Field, expr string) string {
	if f.Kind == blueprint.Money {
		return expr
	}
	return "json.Number(" + expr + ")"
}

func wholeAbove(s string) int64 {
	below := wholeBelow(s)
	if r, ok := new(big.Rat).SetString(s); ok && new(big.Rat).SetInt64(below).Cmp(r) < 0 {
		return below + 1
	}
	return below
}

func wholeBelow(s string) int64 {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0
	}
	q := new(big.Int)
	q.DivMod(r.Num(), r.Denom(), new(big.Int))
	return q.Int64()
}

func (c core) sampleTime(e Entity, f Field) string {
	if f.Min != nil {
		return strconv.Quote(*f.Min)
	}
	if f.Max != nil {
		return strconv.Quote(*f.Max)
	}
	if f.Default != "" {
		return ""
	}
	layout := fmt.Sprintf("2026-%02d-%%02d", 1+c.rank(e, f)%12)
	if f.Kind == blueprint.DateTime {
		layout += "T12:00:00Z"
	}
	return fmt.Sprintf("fmt.Sprintf(%q, 1+n%%28)", layout)
}

// rank counts the fields that order rules put before f.
func (c core) rank(e Entity, f Field) int {
	rank, at := 0, f.Key
	for range e.Fields {
		i := slices.IndexFunc(c.bp.Rules, func(r blueprint.Rule) bool {
			return r.Kind == blueprint.RuleOrder && r.Entity == e.Name && r.Other == at
		})
		if i < 0 {
			break
		}
		at = c.bp.Rules[i].Field
		rank++
	}
	return rank
}

// faults are wrong values, one a rule of a field.
func (c core) faults(e Entity) []faultCase {
	var out []faultCase
	add := func(f Field, name string, fault Fault, expr string, arg ...string) {
		if f.List {
			expr = "[]any{" + expr + "}"
		}
		want, err := strconv.Unquote(c.manner.word(fault, arg...))
		if err == nil {
			out = append(out, faultCase{f.Key + " " + name, f.Key, expr, want})
		}
	}
	for _, f := range e.Fields {
		switch f.Kind {
		case blueprint.Choice:
			add(f, "not among the choices", FaultChoice, `"none of them"`, strconv.Quote(strings.Join(f.Choices, ", ")))
		case blueprint.Integer:
			add(f, "with a fraction", FaultInteger, `json.Number("1.5")`)
		case blueprint.Decimal:
			add(f, "as text", FaultDecimal, `"many"`)
		case blueprint.Money:
			add(f, "with three decimals", FaultMoney, `"1.005"`)
		case blueprint.Date:
			add(f, "not in the calendar", FaultDate, `"2026-02-30"`)
		case blueprint.DateTime:
			add(f, "without a time", FaultDateTime, `"2026-02-30"`)
		case blueprint.Bool:
			add(f, "as text", FaultBool, `"perhaps"`)
		case blueprint.Email:
			add(f, "without a host", FaultEmail, `"ann"`)
		case blueprint.URL:
			add(f, "without a host", FaultURL, `"nowhere"`)
		case blueprint.Ref:
			add(f, "not an id", FaultRef, `"x"`)
		case blueprint.Text:
			add(f, "as a number", FaultText, `json.Number("5")`)
		}
		if wrong := mismatch(f); wrong != "" {
			add(f, "not of its form", FaultPattern, strconv.Quote(wrong), strconv.Quote(f.PatternWords()))
			continue
		}
		if f.MinLen != nil && *f.MinLen > 1 {
			add(f, "too short", FaultShort, fmt.Sprintf(`strings.Repeat("x", %d)`, *f.MinLen-1), strconv.Quote(strconv.Itoa(*f.MinLen)))
		}
		if f.MaxLen != nil {
			add(f, "too long", FaultLong, fmt.Sprintf(`strings.Repeat("x", %d)`, *f.MaxLen+1), strconv.Quote(strconv.Itoa(*f.MaxLen)))
		}
		if numeric(f) && f.Min != nil {
			fault := FaultMin
			if f.Over {
				fault = FaultOver
			}
			add(f, "too small", fault, number(f, strconv.Quote(shift(*f.Min, -1))), strconv.Quote(bound(f, *f.Min)))
		}
		if numeric(f) && f.Max != nil {
			add(f, "too large", FaultMax, number(f, strconv.Quote(shift(*f.Max, 1))), strconv.Quote(bound(f, *f.Max)))
		}
	}
	return out
}

// mismatch is a text that the pattern of f does not allow, "" where there is no pattern.
func mismatch(f Field) string {
	re, err := regexp.Compile(f.Pattern)
	if err != nil || f.Pattern == "" {
		return ""
	}
	for _, s := range append(f.Matching(1), "#", "x", "7") {
		if wrong := s + "#"; !re.MatchString(wrong) {
			return wrong
		}
	}
	return ""
}

func numeric(f Field) bool {
	return f.Kind == blueprint.Integer || f.Kind == blueprint.Decimal || f.Kind == blueprint.Money
}

// shift moves a number by a whole one.
func shift(s string, by int64) string {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return s
	}
	r.Add(r, new(big.Rat).SetInt64(by))
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(6), "0")
}

// bound is a bound as the generated program prints it.
func bound(f Field, s string) string {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return s
	}
	switch {
	case f.Kind == blueprint.Money:
		return r.FloatString(2)
	case r.IsInt():
		return r.Num().String()
	default:
		return strings.TrimRight(r.FloatString(6), "0")
	}
}

// whereInput writes matches as elements of an input literal; ok is false when they cannot be.
func whereInput(matches []blueprint.Match) (elements string, ok bool) {
	var parts []string
	for _, m := range matches {
		if m.Value == "*" || strings.HasPrefix(m.Value, "!") {
			return "", false
		}
		parts = append(parts, fmt.Sprintf("%q: domain.Typed(%q)", m.Field, m.Value))
	}
	return strings.Join(parts, ", "), true
}
