package gen

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// expressions are the template functions that write Go expressions of fields.
func expressions() template.FuncMap {
	return template.FuncMap{
		"fieldNote":    fieldNote,
		"defaultExpr":  defaultExpr,
		"requiredKeys": requiredKeys,
		"keyList":      keyList,
		"setter":       setter,
		"parserExpr":   parserExpr,
		"bareParser":   bareParser,
		"patternVar":   patternVar,
		"patternExpr":  func(f Field) string { return patternLiteral(f.Pattern) },
		"filterFunc":   filterFunc,
		"orderExpr":    orderExpr,
		"searchTexts":  searchTexts,
		"textExpr":     textExpr,
		"orderChecks":  orderChecks,
		"tableName":    func(e Entity) string { return tableName(e) },
		"indexName":    func(e Entity, f Field) string { return unexported(e.Type) + f.Go + "Index" },
		"indexValue":   indexValue,
	}
}

// fieldNote is the comment behind a field of the struct.
func fieldNote(f Field) string {
	switch {
	case len(f.Choices) > 0:
		return "one of " + strings.Join(f.Choices, ", ")
	case f.Kind == blueprint.Ref:
		return "id of " + article(strings.ToLower(f.Ref))
	case f.Pointer:
		return "nil when absent"
	default:
		return ""
	}
}

// defaultExpr is an element of the literal of a new record, "" where the zero value is right.
func defaultExpr(f Field) string {
	switch {
	case f.List:
		return f.Go + ": " + f.GoType() + "{}"
	case f.Default == "":
		return ""
	case f.Kind == blueprint.Bool:
		if f.Default != "yes" {
			return ""
		}
		return f.Go + ": true"
	case f.Kind == blueprint.Date && f.Default == "today":
		return f.Go + ": today()"
	case f.Kind == blueprint.DateTime && f.Default == "now":
		return f.Go + ": time.Now().UTC().Truncate(time.Second)"
	default:
		return f.Go + ": " + literal(f.Field, f.Default)
	}
}

// literal is the Go expression of a value that the spec writes as text.
func literal(f blueprint.Field, value string) string {
	switch f.Kind {
	case blueprint.Integer, blueprint.Decimal, blueprint.Ref:
		return value
	case blueprint.Money:
		return hundredths(value)
	case blueprint.Bool:
		return strconv.FormatBool(value == "yes")
	default:
		return strconv.Quote(value)
	}
}

// hundredths makes "7990" of "79.9". The reader lets nothing else than amounts through.
func hundredths(amount string) string {
	r, ok := new(big.Rat).SetString(amount)
	if !ok {
		return "0"
	}
	return new(big.Rat).Mul(r, big.NewRat(100, 1)).FloatString(0)
}

func requiredKeys(e Entity) string {
	var keys []string
	for _, f := range e.Fields {
		if f.Required {
			keys = append(keys, strconv.Quote(f.Key))
		}
	}
	return strings.Join(keys, ", ")
}

func keyList(e Entity) string {
	var keys []string
	for _, f := range e.Fields {
		keys = append(keys, strconv.Quote(f.Key))
	}
	return strings.Join(keys, ", ")
}

func setter(f Field) string {
	switch {
	case f.List:
		return "setList"
	case f.Pointer:
		return "setOptional"
	default:
		return "set"
	}
}

// bareParser is the parser of a field's kind without its bounds.
func bareParser(f Field) string {
	switch f.Kind {
	case blueprint.Choice:
		var quoted []string
		for _, c := range f.Choices {
			quoted = append(quoted, strconv.Quote(c))
		}
		return "oneOf(" + strings.Join(quoted, ", ") + ")"
	case blueprint.URL:
		return "webAddress"
	case blueprint.Bool:
		return "yesNo"
	case blueprint.Ref:
		return "reference"
	case blueprint.DateTime:
		return "moment"
	case blueprint.Email, blueprint.Integer, blueprint.Decimal, blueprint.Money, blueprint.Date:
		return string(f.Kind)
	default:
		return "text"
	}
}

// patternVar is the variable that holds the compiled pattern of a field.
func patternVar(e Entity, f Field) string { return unexported(e.Type) + f.Go + "Pattern" }

// patternLiteral is a pattern as Go source.
func patternLiteral(p string) string {
	if strings.Contains(p, "`") || !utf8.ValidString(p) {
		return strconv.Quote(p)
	}
	return "`" + p + "`"
}

// parserExpr is the parser of a field with its bounds.
func parserExpr(e Entity, f Field) string {
	p := bareParser(f)
	if f.Pattern != "" {
		p = fmt.Sprintf("matching(%s, %q, %s)", patternVar(e, f), f.PatternWords(), p)
	}
	if f.MinLen != nil {
		p = fmt.Sprintf("shortest(%d, %s)", *f.MinLen, p)
	}
	if f.MaxLen != nil {
		p = fmt.Sprintf("longest(%d, %s)", *f.MaxLen, p)
	}
	if f.Min != nil && f.Over {
		p = fmt.Sprintf("moreThan(%s, %s)", literal(f.Field, *f.Min), p)
	} else if f.Min != nil {
		p = fmt.Sprintf("atLeast(%s, %s)", literal(f.Field, *f.Min), p)
	}
	if f.Max != nil {
		p = fmt.Sprintf("atMost(%s, %s)", literal(f.Field, *f.Max), p)
	}
	return p
}

func filterFunc(f Field) string {
	switch {
	case f.List:
		return "holds"
	case f.Pointer:
		return "equalOptional"
	default:
		return "equal"
	}
}

func orderExpr(typ string, f Field) string {
	field := fmt.Sprintf("func(r %s) %s { return r.%s }, desc", typ, f.GoType(), f.Go)
	switch {
	case f.Kind == blueprint.Bool:
		return "falseFirst(" + field + ")"
	case f.Kind == blueprint.DateTime && f.Pointer:
		return fmt.Sprintf("ascendingOptional(func(r %s) *int64 { return instant(r.%s) }, desc)", typ, f.Go)
	case f.Kind == blueprint.DateTime:
		return fmt.Sprintf("ascending(func(r %s) int64 { return r.%s.UnixNano() }, desc)", typ, f.Go)
	case f.Type == "string":
		return "alphabetical(" + field + ")"
	case f.Pointer:
		return "ascendingOptional(" + field + ")"
	default:
		return "ascending(" + field + ")"
	}
}

// searchTexts lists the text fields of a record.
func searchTexts(e Entity) string {
	var parts []string
	for _, f := range e.Fields {
		switch {
		case f.Type == "string" && f.List:
			parts = append(parts, `strings.Join(r.`+f.Go+`, "\n")`)
		case f.Type == "string":
			parts = append(parts, "r."+f.Go)
		}
	}
	return strings.Join(parts, ", ")
}

// textExpr writes a field as people read it.
func textExpr(f Field) string {
	write := map[blueprint.Kind]string{
		blueprint.Integer: "writeInteger", blueprint.Ref: "writeInteger", blueprint.Decimal: "writeDecimal",
		blueprint.Money: "writeMoney", blueprint.Date: "writeDate", blueprint.DateTime: "writeMoment", blueprint.Bool: "writeYesNo",
	}[f.Kind]
	if write == "" {
		write = "writeText"
	}
	switch {
	case f.List:
		return fmt.Sprintf("shownList(r.%s, %s)", f.Go, write)
	case f.Pointer:
		return fmt.Sprintf("shown(r.%s, %s)", f.Go, write)
	case write == "writeText":
		return "r." + f.Go
	default:
		return fmt.Sprintf("%s(r.%s)", write, f.Go)
	}
}

func indexValue(f Field) string {
	switch {
	case f.Pointer:
		return "optional(r." + f.Go + ")"
	case f.Type == "string":
		return "r." + f.Go
	default:
		return "fmt.Sprint(r." + f.Go + ")"
	}
}

func tableName(e Entity) string { return unexported(e.Type) + "Table" }

// orderCheck is a comparison of two fields of one record.
type orderCheck struct {
	Condition, Key, OtherQuoted string
	Strict                      bool
	Name, Late, Early           string // for tests
}

// orderChecks are the order rules of an entity as conditions that must not hold.
func orderChecks(rules []blueprint.Rule, e Entity) []orderCheck {
	var out []orderCheck
	for _, r := range rules {
		if r.Kind != blueprint.RuleOrder || r.Entity != e.Name {
			continue
		}
		first, second := e.field(r.Field), e.field(r.Other)
		if first == nil || second == nil {
			continue
		}
		// The later field is the one at fault.
		var present []string
		left, right := "r."+second.Go, "r."+first.Go
		for _, f := range []*Field{first, second} {
			if f.Pointer {
				present = append(present, "r."+f.Go+" != nil")
			} else if f.Type == "string" || f.Kind == blueprint.Date {
				present = append(present, "r."+f.Go+` != ""`)
			} else if f.Kind == blueprint.DateTime {
				present = append(present, "!r."+f.Go+".IsZero()")
			}
		}
		if first.Kind != blueprint.DateTime {
			if second.Pointer {
				left = "*" + left
			}
			if first.Pointer {
				right = "*" + right
			}
		}
		op := " < "
		if r.Strict {
			op = " <= "
		}
		compare := left + op + right
		if first.Kind == blueprint.DateTime {
			if first.Pointer {
				right = "*" + right
			}
			compare = left + ".Before(" + right + ")"
			if r.Strict {
				compare = "!" + left + ".After(" + right + ")"
			}
		}
		out = append(out, orderCheck{
			Condition: strings.Join(append(present, compare), " && "), Key: second.Key,
			OtherQuoted: strconv.Quote(first.Key), Strict: r.Strict,
			Name: second.Go, Late: extreme(*first, true), Early: extreme(*second, false),
		})
	}
	return out
}

// extreme is a late or an early value of a field that can be ordered, as an input expression.
func extreme(f Field, late bool) string {
	limit, value := f.Min, "1"
	if late {
		limit, value = f.Max, "1000"
	}
	switch f.Kind {
	case blueprint.Date, blueprint.DateTime:
		value = "2001-01-01"
		if late {
			value = "2099-12-31"
		}
		if f.Kind == blueprint.DateTime {
			value += "T12:00:00Z"
		}
	}
	if limit != nil {
		value = *limit
	}
	if f.Kind == blueprint.Integer || f.Kind == blueprint.Decimal {
		return "json.Number(" + strconv.Quote(value) + ")"
	}
	return strconv.Quote(value)
}
