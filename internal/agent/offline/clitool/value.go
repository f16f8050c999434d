package clitool

import (
	"math"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

var moneyForm = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,2})?$`)

// canonical reads one value as the program to be written reads it and gives the form in which it
// is printed. ok is false when the value is none of the kind.
func canonical(k blueprint.Kind, choices []string, s string) (value string, ok bool) {
	switch k {
	case blueprint.Integer:
		n, err := strconv.Atoi(s)
		return strconv.Itoa(n), err == nil
	case blueprint.Decimal:
		n, err := strconv.ParseFloat(s, 64)
		return strconv.FormatFloat(n, 'f', -1, 64), err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
	case blueprint.Money:
		n, ok := cents(s)
		return formatCents(n), ok
	case blueprint.Date:
		_, err := time.Parse(time.DateOnly, s)
		return s, err == nil
	case blueprint.DateTime:
		return canonicalTime(s)
	case blueprint.Bool:
		return canonicalBool(s)
	case blueprint.Choice:
		return s, slices.Contains(choices, s)
	case blueprint.Email:
		a, err := mail.ParseAddress(s)
		return s, err == nil && a.Address == s
	case blueprint.URL:
		u, err := url.Parse(s)
		return s, err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	default:
		return s, utf8.ValidString(s)
	}
}

func canonicalTime(s string) (string, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format(time.RFC3339), true
		}
	}
	return s, false
}

func canonicalBool(s string) (string, bool) {
	switch strings.ToLower(s) {
	case "yes", "true", "1", "on", "y":
		return "yes", true
	case "no", "false", "0", "off", "n":
		return "no", true
	}
	return s, false
}

// cents reads an amount with at most two decimals.
func cents(s string) (int64, bool) {
	if !moneyForm.MatchString(s) {
		return 0, false
	}
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	return n, err == nil
}

func formatCents(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return sign + strconv.FormatInt(n/100, 10) + "." + strconv.FormatInt(100+n%100, 10)[1:]
}

// compareValues orders two canonical values of a kind; the empty value comes last.
func compareValues(k blueprint.Kind, a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	switch k {
	case blueprint.Integer, blueprint.Decimal, blueprint.Money, blueprint.Ref:
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	case blueprint.Date, blueprint.DateTime, blueprint.Bool:
		return strings.Compare(a, b)
	}
	if c := strings.Compare(strings.ToLower(a), strings.ToLower(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// limits checks length and range; the fault class is empty when the value is within them.
func limits(f *field, value string) (class, limit string) {
	n := utf8.RuneCountInString(value)
	switch {
	case f.MinLen != nil && n < *f.MinLen:
		return "too_short", strconv.Itoa(*f.MinLen)
	case f.MaxLen != nil && n > *f.MaxLen:
		return "too_long", strconv.Itoa(*f.MaxLen)
	case f.Pattern != "" && !hasForm(f, value):
		return "wrong_form", f.PatternWords()
	case f.Min != nil && f.Over && compareValues(f.Kind, value, *f.Min) <= 0:
		return "not_over", *f.Min
	case f.Min != nil && compareValues(f.Kind, value, *f.Min) < 0:
		return "too_small", *f.Min
	case f.Max != nil && compareValues(f.Kind, value, *f.Max) > 0:
		return "too_large", *f.Max
	}
	return "", ""
}

// hasForm says whether a value matches the field's pattern.
func hasForm(f *field, value string) bool {
	re, err := regexp.Compile(f.Pattern)
	return err == nil && re.MatchString(value)
}
