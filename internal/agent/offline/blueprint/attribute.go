package blueprint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var (
	choicesStart = lazy(`(?i)^(?:(?:exactly )?one of|any of|either|choice(?: of)?|enum(?: of)?|choices)\s*:?\s*(.*)$`)
	defaultTo    = lazy(`(?i)^(?:(?:by )?defaults?(?: is\b| to\b| value\b)?|initially|starts as|starts at)\s*[:=]?\s*(.+)$`)
	byDefault    = lazy(`(?i)^(.+) by default$`)
	refTo        = lazy(`(?i)^(?:ref(?:erence|ers)?(?: to\b)?|->|→|link(?:s)? to\b|points to\b|id of\b|belongs to\b|foreign key(?: to\b)?)\s*:?\s*(?:(?:an?|the|one) )?(\S.*)$`)
	listOf       = lazy(`(?i)^(?:list of|array of|many|several|set of|lists of) (.+)$`)
	unitChars    = lazy(`(?i)\s*(?:characters?|chars?|letters?|signs)(?: long)?$`)
	lengthWord   = lazy(`(?i)^(?:length|len)\s*:?\s*`)
	rangeOf      = lazy(`(?i)^(?:between |from |in )?(-?[\d.]+(?:-\d\d-\d\d)?)\s*(?:-|–|—|\.\.\.?|…| to | and )\s*(-?[\d.]+(?:-\d\d-\d\d)?)$`)
	lowest       = lazy(`(?i)^(?:min(?:imum)?\.?(?: of)?|at least|>=|≥|from|not below|not less than|no less than|not under)\s*:?\s*(-?[\d.]+(?:-\d\d-\d\d)?)$`)
	highest      = lazy(`(?i)^(?:max(?:imum)?\.?(?: of)?|at most|<=|≤|up to|not above|not more than|no more than|not over)\s*:?\s*(-?[\d.]+(?:-\d\d-\d\d)?)$`)
	above        = lazy(`(?i)^(?:>|more than|above|greater than|over)\s*(-?[\d.]+)$`)
	// choiceDefault is a choice with the default in parentheses behind it.
	choiceDefault = lazy(`(?i)^(.*?)\s*\((?:by )?default(?:s to|:| is)?\s*([^()]+)\)$`)
	equalsDefault = lazy(`^([\pL/ -]+?) = (\S.*)$`)
	exactly       = lazy(`(?i)^(?:exactly )?(\d+)$`)
)

// readAttributes fills a field from the words in its parentheses and says what it cannot read.
func readAttributes(f *Field, text string, entities []string) (faults []string) {
	parts := splitTop(text, ",;")
	for i := 0; i < len(parts); i++ {
		part := strings.Trim(strings.TrimSpace(parts[i]), "`*")
		if part == "" || readPattern(f, parts[i]) {
			continue
		}
		if m := equalsDefault.FindStringSubmatch(part); m != nil {
			part, f.Default = m[1], strings.Trim(m[2], "`\"'")
		}
		if m := choiceDefault.FindStringSubmatch(part); m != nil && !choicesStart.MatchString(part) {
			part, f.Default = m[1], strings.Trim(m[2], "`\"'")
			if part == "" {
				continue
			}
		}
		if j, ok := bareChoices(parts, i); ok {
			i = readChoices(f, parts[i], parts[:j+1], i, entities)
			continue
		}
		if m := choicesStart.FindStringSubmatch(part); m != nil {
			i = readChoices(f, m[1], parts, i, entities)
			continue
		}
		if !readAttribute(f, part, entities) && !readWords(f, part, entities) {
			faults = append(faults, fmt.Sprintf("%q is not understood", part))
		}
	}
	return append(faults, finishField(f, text)...)
}

// readChoices takes the choices that follow "one of" up to the next part that is an attribute.
func readChoices(f *Field, first string, parts []string, at int, entities []string) int {
	f.Kind = Choice
	add := func(text string) {
		for _, c := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/|[]{}()", r) }) {
			for _, c := range strings.Split(c, " or ") {
				c = strings.TrimPrefix(strings.TrimSpace(c), "or ")
				if c = strings.Trim(strings.TrimSpace(c), "`\"'*"); c != "" && !slices.Contains(f.Choices, c) {
					f.Choices = append(f.Choices, c)
				}
			}
		}
	}
	aside := func(text string) string {
		if m := choiceDefault.FindStringSubmatch(text); m != nil {
			f.Default, text = strings.Trim(m[2], "`\"'"), m[1]
		}
		return strings.Trim(text, "[]{}()")
	}
	for _, c := range splitTop(aside(first), ",") {
		add(c)
	}
	for at+1 < len(parts) {
		next := strings.Trim(strings.TrimSpace(parts[at+1]), "`*")
		probe := Field{Kind: Choice, Choices: f.Choices}
		if isAttributeWord(next) || defaultTo.MatchString(next) || byDefault.MatchString(next) && readAttribute(&probe, next, nil) {
			break
		}
		add(aside(next))
		at++
	}
	return at
}

// bareChoices finds the end of a list such as "low, medium or high" that begins at part i: nothing
// but single words that are no attributes, the last two with "or" between them.
func bareChoices(parts []string, i int) (end int, ok bool) {
	word := func(s string) bool {
		s = strings.TrimSpace(s)
		probe := Field{}
		return verbWord.MatchString(strings.ToLower(s)) && kindOf(strings.ToLower(s)) == "" && !isAttributeWord(s) && !readAttribute(&probe, s, nil)
	}
	for j := i; j < len(parts); j++ {
		before, last, ok := strings.Cut(strings.TrimSpace(parts[j]), " or ")
		if ok && word(before) && word(last) || j > i && strings.HasPrefix(strings.TrimSpace(parts[j]), "or ") && word(strings.TrimSpace(parts[j])[3:]) {
			return j, true
		}
		if !word(parts[j]) {
			break
		}
	}
	return i, false
}

func isAttributeWord(s string) bool {
	switch strings.ToLower(s) {
	case "required", "optional", "unique", "mandatory", "not required":
		return true
	}
	return false
}

// readAttribute reads one attribute.
func readAttribute(f *Field, part string, entities []string) bool {
	lower := strings.ToLower(part)
	for _, prefix := range []string{"must be ", "is ", "are ", "must have ", "has ", "have ", "a ", "an "} {
		if rest, ok := strings.CutPrefix(lower, prefix); ok && len(rest) > 0 {
			lower, part = rest, part[len(part)-len(rest):]
		}
	}
	switch lower {
	case "required", "mandatory", "needed", "not empty", "non-empty", "nonempty", "never empty", "not blank", "given", "obligatory", "compulsory", "always given", "present", "not null":
		f.Required = true
		return true
	case "optional", "not required", "not mandatory", "may be empty", "may be absent", "may be missing", "can be empty", "nullable":
		return true
	case "unique", "no duplicates":
		f.Unique = true
		return true
	case "positive", "greater than zero", "more than zero", "above zero":
		return readAbove(f, "0")
	case "not negative", "non-negative", "nonnegative", "never negative", "zero or more":
		zero := "0"
		f.Min = &zero
		return true
	case "automatic", "set automatically", "time of creation", "now":
		f.Default = "now"
		return true
	}
	if k := kindOf(lower); k != "" {
		return setKind(f, k)
	}
	if m := listOf.FindStringSubmatch(part); m != nil {
		return readList(f, m[1], entities)
	}
	if before, ok := strings.CutSuffix(lower, " list"); ok && kindOf(before) != "" {
		return readList(f, before, entities)
	}
	if m := defaultTo.FindStringSubmatch(part); m != nil {
		f.Default = strings.Trim(m[1], "`\"'")
		return true
	}
	if m := byDefault.FindStringSubmatch(part); m != nil {
		f.Default = strings.Trim(m[1], "`\"'")
		return true
	}
	if m := refTo.FindStringSubmatch(part); m != nil {
		f.Ref = strings.Trim(m[1], "`*")
		return setKind(f, Ref)
	}
	if isEntityName(part, entities) {
		f.Ref = part
		return setKind(f, Ref)
	}
	if options := strings.FieldsFunc(part, func(r rune) bool { return r == '|' || r == '/' }); len(options) > 1 && f.Kind == "" {
		readChoices(f, part, nil, 0, nil)
		return true
	}
	return readBounds(f, part)
}

// readWords reads several attributes with nothing between them: "integer between 1 and 7",
// "optional text up to 80 chars".
func readWords(f *Field, part string, entities []string) bool {
	words := strings.Fields(part)
	for cut := len(words) - 1; cut > 0; cut-- {
		probe := *f
		head, rest := strings.Join(words[:cut], " "), strings.Join(words[cut:], " ")
		if !readAttribute(&probe, head, entities) {
			continue
		}
		if readPattern(&probe, rest) || readAttribute(&probe, rest, entities) || readWords(&probe, rest, entities) {
			*f = probe
			return true
		}
	}
	return false
}

func isEntityName(part string, entities []string) bool {
	return slices.ContainsFunc(entities, func(e string) bool { return strings.EqualFold(e, part) })
}

func setKind(f *Field, k Kind) bool {
	if f.Kind != "" && f.Kind != k {
		return f.Kind == Text && (k == Email || k == URL) && overwrite(f, k)
	}
	f.Kind = k
	return true
}

func overwrite(f *Field, k Kind) bool { f.Kind = k; return true }

func readList(f *Field, of string, entities []string) bool {
	f.List = true
	if m := choicesStart.FindStringSubmatch(of); m != nil {
		of = m[1]
	}
	k := kindOf(strings.ToLower(of))
	if k == "" {
		k = kindOf(strings.TrimSuffix(strings.ToLower(of), "s"))
	}
	return k != "" && k != Bool && setKind(f, k)
}

// kindOf reads the name of a kind.
func kindOf(s string) Kind {
	switch s {
	case "text", "string", "str", "words", "free text", "line", "line of text", "long text", "short text", "multi-line text", "multiline text", "texts", "strings":
		return Text
	case "integer", "int", "whole number", "integers", "whole numbers", "count", "year":
		return Integer
	case "number", "decimal", "float", "decimal number", "real", "numbers", "decimals":
		return Decimal
	case "money", "amount", "price", "amount of money", "currency", "price in euros", "amount in euros", "money in euros", "euros", "price in dollars", "amount in dollars", "dollars", "price in eur", "eur":
		return Money
	case "date", "day", "calendar date", "dates":
		return Date
	case "datetime", "date and time", "timestamp", "time", "date-time", "moment", "instant", "point in time":
		return DateTime
	case "yes/no", "boolean", "bool", "true/false", "flag", "yes or no", "true or false":
		return Bool
	case "email", "e-mail", "email address", "e-mail address", "mail address", "valid email", "valid email address":
		return Email
	case "url", "link", "web address", "uri", "valid url", "website":
		return URL
	}
	return ""
}

// readBounds reads lengths and ranges.
func readBounds(f *Field, part string) bool {
	if lengthWord.MatchString(part) || unitChars.MatchString(part) {
		return readLength(f, unitChars.ReplaceAllString(lengthWord.ReplaceAllString(part, ""), ""))
	}
	for _, word := range []string{"length ", " length"} {
		if strings.Contains(strings.ToLower(part), word) {
			return readLength(f, strings.TrimSpace(strings.ReplaceAll(strings.ToLower(part), strings.TrimSpace(word), "")))
		}
	}
	if m := rangeOf.FindStringSubmatch(part); m != nil {
		f.Min, f.Max = &m[1], &m[2]
		return true
	}
	if m := lowest.FindStringSubmatch(part); m != nil {
		f.Min = &m[1]
		return true
	}
	if m := highest.FindStringSubmatch(part); m != nil {
		f.Max = &m[1]
		return true
	}
	if m := above.FindStringSubmatch(part); m != nil {
		return readAbove(f, m[1])
	}
	return false
}

// readAbove keeps an exclusive bound until the kind is known: finishField resolves it.
func readAbove(f *Field, bound string) bool {
	low := ">" + bound
	f.Min = &low
	return true
}

func readLength(f *Field, part string) bool {
	number := func(s string) *int {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 1<<20 {
			return nil
		}
		return &n
	}
	ok := func(ps ...*int) bool { return !slices.Contains(ps, nil) }
	part = strings.TrimSpace(part)
	if m := rangeOf.FindStringSubmatch(part); m != nil {
		f.MinLen, f.MaxLen = number(m[1]), number(m[2])
		return ok(f.MinLen, f.MaxLen)
	}
	if m := lowest.FindStringSubmatch(part); m != nil {
		f.MinLen = number(m[1])
		return ok(f.MinLen)
	}
	if m := highest.FindStringSubmatch(part); m != nil {
		f.MaxLen = number(m[1])
		return ok(f.MaxLen)
	}
	if m := exactly.FindStringSubmatch(part); m != nil {
		f.MinLen, f.MaxLen = number(m[1]), number(m[1])
		return ok(f.MinLen)
	}
	return false
}
