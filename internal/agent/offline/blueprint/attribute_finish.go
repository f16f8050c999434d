package blueprint

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// finishField settles the kind and checks that bounds and default fit it.
func finishField(f *Field, attributes string) (faults []string) {
	if f.Kind == "" {
		f.Kind = guessKind(*f, attributes)
	}
	if f.Kind == "" {
		return []string{"no kind is given (text, integer, number, money, date, datetime, yes/no, one of, ref, email, url)"}
	}
	if f.Kind == Ref && f.List {
		return []string{"lists of references need a model"}
	}
	if f.Kind == Text || f.Kind == Email || f.Kind == URL {
		f.MinLen, f.Min = asLength(f.MinLen, f.Min)
		f.MaxLen, f.Max = asLength(f.MaxLen, f.Max)
	}
	if (f.MinLen != nil || f.MaxLen != nil) && f.Kind != Text && f.Kind != Email && f.Kind != URL {
		faults = append(faults, "a length fits text only")
		f.MinLen, f.MaxLen = nil, nil
	}
	if f.MinLen != nil && f.MaxLen != nil && *f.MinLen > *f.MaxLen {
		faults = append(faults, "the shortest length is above the longest")
		f.MinLen, f.MaxLen = nil, nil
	}
	if f.Pattern != "" && (f.Kind != Text || len(f.Matching(1)) == 0) {
		faults = append(faults, "the pattern fits no text that could be tried")
		f.Pattern = ""
	}
	if f.Unique && (f.List || f.Kind == Bool) {
		faults = append(faults, "a field of this kind cannot be unique")
		f.Unique = false
	}
	faults = append(faults, finishBounds(f)...)
	return append(faults, finishDefault(f)...)
}

// asLength takes a bound of text for a number of characters: "text, max 60".
func asLength(length *int, bound *string) (*int, *string) {
	if bound == nil || length != nil {
		return length, bound
	}
	n, err := strconv.Atoi(*bound)
	if err != nil || n < 0 || n > 1<<20 {
		return length, bound
	}
	return &n, nil
}

// guessKind gives the kind where the attributes leave only one: text for names and lengths,
// integer for a range of whole numbers.
func guessKind(f Field, attributes string) Kind {
	switch {
	case f.MinLen != nil || f.MaxLen != nil || f.Pattern != "":
		return Text
	case f.Min != nil || f.Max != nil:
		for _, b := range []*string{f.Min, f.Max} {
			if b != nil && (strings.ContainsAny(*b, ".>") || strings.Count(*b, "-") > 1) {
				return ""
			}
		}
		return Integer
	}
	texts := strings.Fields("name title description note notes text comment summary label author address city street phone code body subject")
	if slices.Contains(texts, f.Key) || strings.TrimSpace(attributes) == "" && strings.HasSuffix(f.Key, "_name") {
		return Text
	}
	return ""
}

func finishBounds(f *Field) (faults []string) {
	for _, b := range []**string{&f.Min, &f.Max} {
		if *b == nil {
			continue
		}
		s, exclusive := strings.CutPrefix(**b, ">")
		f.Over = f.Over || exclusive && f.Kind == Decimal
		v, ok := boundValue(f.Kind, s, exclusive)
		if !ok {
			faults = append(faults, fmt.Sprintf("the bound %s does not fit the kind %s", **b, f.Kind))
			*b = nil
			continue
		}
		*b = &v
	}
	if f.Min != nil && f.Max != nil && compareValues(f.Kind, *f.Min, *f.Max) > 0 {
		faults = append(faults, "the lower bound is above the upper one")
		f.Min, f.Max = nil, nil
	}
	return faults
}

// boundValue checks a bound and makes it inclusive.
func boundValue(k Kind, s string, exclusive bool) (string, bool) {
	switch k {
	case Integer:
		n, err := strconv.ParseInt(s, 10, 64)
		if exclusive {
			n++
		}
		return strconv.FormatInt(n, 10), err == nil
	case Decimal:
		_, ok := plainNumber(s)
		return plainFloat(s), ok
	case Money:
		r, ok := plainNumber(s)
		if ok && exclusive {
			return new(big.Rat).Add(r, big.NewRat(1, 100)).FloatString(2), true
		}
		return s, ok && new(big.Rat).Mul(r, big.NewRat(100, 1)).IsInt()
	case Date:
		_, err := time.Parse(time.DateOnly, s)
		return s, err == nil && !exclusive
	}
	return s, false
}

// plainNumber reads a decimal number of moderate size.
func plainNumber(s string) (*big.Rat, bool) {
	if len(s) > 18 || strings.Trim(s, "0123456789.-") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// plainFloat writes a number without leading zeros.
func plainFloat(s string) string {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func compareValues(k Kind, a, b string) int {
	x, okA := plainNumber(a)
	y, okB := plainNumber(b)
	if k == Date || !okA || !okB {
		return strings.Compare(a, b)
	}
	return x.Cmp(y)
}

// finishDefault checks that the default is a value of the kind.
func finishDefault(f *Field) []string {
	if f.Default == "" {
		return nil
	}
	d, ok := defaultValue(*f, f.Default)
	if !ok || f.List {
		wrong := f.Default
		f.Default = ""
		if f.List && slices.Contains([]string{"empty", "none", "[]", "empty list"}, wrong) {
			return nil
		}
		return []string{fmt.Sprintf("the default %q does not fit the kind %s", wrong, f.Kind)}
	}
	f.Default = d
	f.Required = false // what has a default is never missing
	return nil
}

func defaultValue(f Field, d string) (string, bool) {
	lower := strings.ToLower(d)
	switch f.Kind {
	case Bool:
		switch lower {
		case "yes", "true":
			return "yes", true
		case "no", "false":
			return "no", true
		}
		return "", false
	case Choice:
		i := slices.IndexFunc(f.Choices, func(c string) bool { return strings.EqualFold(c, d) })
		if i < 0 {
			return "", lower == "none" || lower == "empty"
		}
		return f.Choices[i], true
	case Integer:
		n, err := strconv.ParseInt(d, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	case Decimal:
		_, ok := plainNumber(d)
		return plainFloat(d), ok
	case Money:
		r, ok := plainNumber(d)
		return d, ok && new(big.Rat).Mul(r, big.NewRat(100, 1)).IsInt()
	case Date:
		if lower == "today" || lower == "now" || lower == "the day of creation" || lower == "the current date" {
			return "today", true
		}
		_, err := time.Parse(time.DateOnly, d)
		return d, err == nil
	case DateTime:
		return "now", slices.Contains([]string{"now", "the time of creation", "the current time", "today"}, lower)
	case Text:
		if lower == "empty" || lower == "none" {
			return "", true
		}
		return d, true
	}
	return "", false
}
