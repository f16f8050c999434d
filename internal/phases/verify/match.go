package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// The rules of an expectation are:
//
//   - an object asks for its keys; the answer may have more
//   - an array asks for as many elements, each as expected; one that ends with "..." asks for its
//     beginning only
//   - numbers are equal as numbers (1, 1.0 and 1e0), everything else as JSON values
//   - the string "$name" stands for any value but null: the first one captures, later ones compare;
//     "$$name" is the text "$name"; a captured name inside a longer string is put in
const more = "..."

// decode reads one JSON value, numbers as they are written.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

// match compares an answer with what is expected, capturing on the way, and lists the differences
// as "path: expected …, got …".
func (c captures) match(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		return c.matchObject(path, want, got)
	case []any:
		return c.matchArray(path, want, got)
	case string:
		return c.matchString(path, want, got)
	default:
		return differ(path, want, got)
	}
}

// matchObject takes the keys in order, so that what is captured first does not depend on chance.
func (c captures) matchObject(path string, want map[string]any, got any) []string {
	object, ok := got.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s: expected an object, got %s", path, show(got))}
	}
	var faults []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, there := object[key]
		if !there {
			faults = append(faults, fmt.Sprintf("%s.%s: expected %s, but the key is missing", path, key, show(want[key])))
			continue
		}
		faults = append(faults, c.match(path+"."+key, want[key], value)...)
	}
	return faults
}

func (c captures) matchArray(path string, want []any, got any) []string {
	array, ok := got.([]any)
	if !ok {
		return []string{fmt.Sprintf("%s: expected an array, got %s", path, show(got))}
	}
	open := len(want) > 0 && want[len(want)-1] == more
	if open {
		want = want[:len(want)-1]
	}
	if len(array) < len(want) || !open && len(array) != len(want) {
		least := ""
		if open {
			least = "at least "
		}
		return []string{fmt.Sprintf("%s: expected %s%d elements, got %d: %s", path, least, len(want), len(array), show(got))}
	}
	var faults []string
	for i := range want {
		faults = append(faults, c.match(fmt.Sprintf("%s[%d]", path, i), want[i], array[i])...)
	}
	return faults
}

func (c captures) matchString(path, want string, got any) []string {
	name := captureName(want)
	if name == "" {
		return differ(path, c.text(want), got)
	}
	if value, known := c[name]; known {
		return differ(path, value, got)
	}
	if got == nil {
		return []string{fmt.Sprintf("%s: expected a value to call %s, got null", path, want)}
	}
	c[name] = got
	return nil
}

// differ compares values without captures in them.
func differ(path string, want, got any) []string {
	if equal(want, got) {
		return nil
	}
	return []string{fmt.Sprintf("%s: expected %s, got %s", path, show(want), show(got))}
}

// equal compares JSON values.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		other, ok := b.(json.Number)
		return ok && equalNumbers(a.String(), other.String())
	case map[string]any:
		other, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, other, equal)
	case []any:
		other, ok := b.([]any)
		return ok && slices.EqualFunc(a, other, equal)
	default:
		switch b.(type) {
		case map[string]any, []any:
			return false
		}
		return a == b
	}
}

// equalNumbers compares exactly. A number too long to be computed with is compared as text.
func equalNumbers(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := rational(a)
	y, okY := rational(b)
	return okX && okY && x.Cmp(y) == 0
}

// rational reads a number whose exponent cannot cost gigabytes.
func rational(number string) (*big.Rat, bool) {
	_, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	if len(number) > 400 || len(strings.TrimLeft(exponent, "+-0")) > 3 {
		return nil, false
	}
	return new(big.Rat).SetString(number)
}

// show is a value in a fault, bounded.
func show(value any) string {
	const most = 300
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Sprintf("%v", value)
	}
	if text := strings.TrimSpace(b.String()); len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(b.String()[:most], "") + "…"
}
