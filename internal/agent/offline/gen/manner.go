package gen

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault is a way in which a value can be wrong.
type Fault string

// The faults. The words of some hold %v for a bound, the choices or a field.
const (
	FaultRequired Fault = "required"
	FaultUnknown  Fault = "unknown" // no such field
	FaultText     Fault = "text"
	FaultShort    Fault = "short"   // %v: least number of characters
	FaultLong     Fault = "long"    // %v: greatest number of characters
	FaultPattern  Fault = "pattern" // %v: the pattern
	FaultChoice   Fault = "choice"  // %v: the choices
	FaultInteger  Fault = "integer"
	FaultDecimal  Fault = "decimal"
	FaultMoney    Fault = "money"
	FaultDate     Fault = "date"
	FaultDateTime Fault = "datetime"
	FaultBool     Fault = "bool"
	FaultList     Fault = "list"
	FaultEmail    Fault = "email"
	FaultURL      Fault = "url"
	FaultMin      Fault = "min"    // %v: the bound
	FaultMax      Fault = "max"    // %v: the bound
	FaultOver     Fault = "over"   // %v: the bound, which is too small itself
	FaultRef      Fault = "ref"    // the record referred to does not exist
	FaultUnique   Fault = "unique" // another record has the value
	FaultOrder    Fault = "order"  // %v: the other field
	FaultStrict   Fault = "strict" // %v: the other field, equal is wrong too
)

// Manner is how a program presents its answers. The zero value of a field means the default that
// [DefaultManner] gives.
type Manner struct {
	IDNumber    bool   // ids are JSON numbers, else strings
	MoneyNumber bool   // amounts are JSON numbers, else strings
	Items       string // key of the records of a list; "" for a bare array
	Total       string
	Page        string         // key of the number of a page, "" for none
	Size        string         // key of the size of a page, "" for none
	Pages       string         // key of the number of pages, "" for none
	Error       string         // key of an error's sentence
	Errors      string         // key of the errors by field
	Envelope    string         // key of the object that errors stand in, "" for none
	CodeNumber  bool           // the code in the envelope is the status
	Codes       map[int]string // the code in the envelope, by status
	Flat        bool           // faults are told in the sentence, not by field
	Between     string         // stands between a field and its fault in a sentence
	NameMissing bool           // a missing record is told with its kind: "tool not found"
	NullText    bool           // absent text is null, else it is empty
	Created     int
	Deleted     int
	Invalid     int  // status of errors by field
	RefStatus   int  // status of a reference to nothing
	Unique      int  // status of a value that is taken
	UniqueByKey bool // a taken value is reported by field
	Words       map[Fault]string
	Taken       map[string]string // the sentence about a value that is taken, by entity, a dot and the field's key
	Rules       map[string]string // how the violation of a rule is told, by the rule's text; its own words otherwise
}

// SizeKey is the key of the size of a page in the answer of a list.
func (m Manner) SizeKey() string {
	if m.Size != "" {
		return m.Size
	}
	return "limit"
}

// DefaultManner is what is used where a spec shows nothing else.
func DefaultManner() Manner {
	return Manner{
		Items: "items", Total: "total", Error: "error", Errors: "errors", Between: ": ",
		Created: 201, Deleted: 204, Invalid: 400, RefStatus: 400, Unique: 409, Rules: map[string]string{}, Codes: usualCodes(), Taken: map[string]string{},
		Words: map[Fault]string{
			FaultRequired: "required",
			FaultUnknown:  "unknown",
			FaultText:     "must be text",
			FaultShort:    "must have at least %v characters",
			FaultLong:     "must have at most %v characters",
			FaultPattern:  "must match %v",
			FaultChoice:   "must be one of: %v",
			FaultInteger:  "must be a whole number",
			FaultDecimal:  "must be a number",
			FaultMoney:    "must be an amount such as 79.90",
			FaultDate:     "must be a date such as 2026-01-31",
			FaultDateTime: "must be a time such as 2026-01-31T12:00:00Z",
			FaultBool:     "must be true or false",
			FaultList:     "must be a list",
			FaultEmail:    "must be an email address",
			FaultURL:      "must be a URL",
			FaultMin:      "must be at least %v",
			FaultMax:      "must be at most %v",
			FaultOver:     "must be more than %v",
			FaultRef:      "not found",
			FaultUnique:   "already taken",
			FaultOrder:    "must not be before %v",
			FaultStrict:   "must be after %v",
		},
	}
}

// flatten puts faults into sentences that begin with the field, such as "name is required". The
// words that no example gave get a verb where the examples have one; seen says which were given.
func (m *Manner) flatten(between string, seen func(Fault) bool) {
	m.Flat, m.Between = true, between
	if between != " " {
		return
	}
	for fault, words := range m.Words {
		if !seen(fault) && !strings.HasPrefix(words, "must ") {
			m.Words[fault] = "is " + words
		}
	}
}

// word is the Go expression of a fault's words; arg is the expression that fills its %v.
func (m Manner) word(f Fault, arg ...string) string {
	text := m.Words[f]
	if strings.Contains(text, "%v") && len(arg) == 1 {
		if literal, err := strconv.Unquote(arg[0]); err == nil {
			return strconv.Quote(strings.ReplaceAll(text, "%v", literal))
		}
		return fmt.Sprintf("fmt.Sprintf(%q, %s)", text, arg[0])
	}
	return strconv.Quote(text)
}
