package claudecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The rules of checking are those of JSON Schema for these keywords: type, properties, required, additionalProperties,
// items, minItems, maxItems, enum, const, minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern,
// allOf, anyOf, oneOf, not. Other keywords are told to the model and not checked.

// schemaNode is a schema, or true or false.
type schemaNode struct {
	always *bool // for true and false

	Type        typeList               `json:"type"`
	Properties  map[string]*schemaNode `json:"properties"`
	Required    []string               `json:"required"`
	Additional  *schemaNode            `json:"additionalProperties"`
	Items       *schemaNode            `json:"items"`
	MinItems    *int                   `json:"minItems"`
	MaxItems    *int                   `json:"maxItems"`
	Enum        []any                  `json:"enum"`
	Const       json.RawMessage        `json:"const"`
	Minimum     *float64               `json:"minimum"`
	Maximum     *float64               `json:"maximum"`
	OverMinimum *float64               `json:"exclusiveMinimum"`
	UnderMax    *float64               `json:"exclusiveMaximum"`
	MinLength   *int                   `json:"minLength"`
	MaxLength   *int                   `json:"maxLength"`
	Pattern     string                 `json:"pattern"`
	AllOf       []*schemaNode          `json:"allOf"`
	AnyOf       []*schemaNode          `json:"anyOf"`
	OneOf       []*schemaNode          `json:"oneOf"`
	Not         *schemaNode            `json:"not"`
	pattern     *regexp.Regexp
}

// typeList is one type or several.
type typeList []string

var knownTypes = []string{"object", "array", "string", "number", "integer", "boolean", "null"}

// UnmarshalJSON takes both.
func (l *typeList) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*l = typeList{one}
	} else if err := json.Unmarshal(raw, (*[]string)(l)); err != nil {
		return errors.New("type is neither a string nor a list of strings")
	}
	for _, t := range *l {
		if !slices.Contains(knownTypes, t) {
			return fmt.Errorf("there is no type %q", t)
		}
	}
	return nil
}

// UnmarshalJSON also takes true and false.
func (n *schemaNode) UnmarshalJSON(raw []byte) error {
	var always bool
	if json.Unmarshal(raw, &always) == nil {
		n.always = &always
		return nil
	}
	type plain schemaNode
	if err := json.Unmarshal(raw, (*plain)(n)); err != nil {
		return err
	}
	if n.Pattern != "" {
		// A pattern in the dialect of JavaScript that Go has not is left to the tool.
		n.pattern, _ = regexp.Compile(n.Pattern)
	}
	return nil
}

// checkSchema says what is wrong with the schema of a tool.
func checkSchema(raw json.RawMessage) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	var n schemaNode
	if err := json.Unmarshal(raw, &n); err != nil {
		return err
	}
	if n.always != nil || !slices.Equal(n.Type, typeList{"object"}) {
		return errors.New(`its type is not "object"`)
	}
	return nil
}

// CheckInput says what in input does not fit a JSON Schema; nil when all does. Tools are called with fitting input only.
func CheckInput(schema, input json.RawMessage) error {
	var n schemaNode
	if err := json.Unmarshal(schema, &n); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(input))
	if err := d.Decode(&v); err != nil {
		return err
	}
	return errors.Join(n.check("", v)...)
}

// check lists what does not fit, each with its place.
func (n *schemaNode) check(at string, v any) []error {
	if n.always != nil {
		if *n.always {
			return nil
		}
		return []error{misfit(at, "is not allowed")}
	}
	if len(n.Type) > 0 && !slices.ContainsFunc(n.Type, func(t string) bool { return isType(t, v) }) {
		return []error{misfit(at, "is not of type "+strings.Join(n.Type, " or "))}
	}
	errs := n.checkValue(at, v)
	switch v := v.(type) {
	case map[string]any:
		errs = append(errs, n.checkObject(at, v)...)
	case []any:
		errs = append(errs, n.checkArray(at, v)...)
	case string:
		errs = append(errs, n.checkString(at, v)...)
	case float64:
		errs = append(errs, n.checkNumber(at, v)...)
	}
	return append(errs, n.checkCombined(at, v)...)
}

func misfit(at, what string) error {
	if at == "" {
		at = "input"
	}
	return errors.New(at + " " + what)
}

func isType(t string, v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return t == "object"
	case []any:
		return t == "array"
	case string:
		return t == "string"
	case bool:
		return t == "boolean"
	case float64:
		return t == "number" || t == "integer" && v == math.Trunc(v)
	}
	return t == "null"
}

func (n *schemaNode) checkValue(at string, v any) (errs []error) {
	if n.Enum != nil && !slices.ContainsFunc(n.Enum, func(e any) bool { return reflect.DeepEqual(e, v) }) {
		allowed, _ := json.Marshal(n.Enum)
		errs = append(errs, misfit(at, "is none of "+string(allowed)))
	}
	if n.Const != nil {
		var want any
		if json.Unmarshal(n.Const, &want) == nil && !reflect.DeepEqual(want, v) {
			errs = append(errs, misfit(at, "is not "+string(n.Const)))
		}
	}
	return errs
}

func (n *schemaNode) checkObject(at string, v map[string]any) (errs []error) {
	for _, name := range n.Required {
		if _, ok := v[name]; !ok {
			errs = append(errs, misfit(below(at, name), "is missing"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if sub := n.Properties[name]; sub != nil {
			errs = append(errs, sub.check(below(at, name), v[name])...)
		} else if n.Additional != nil {
			errs = append(errs, n.Additional.check(below(at, name), v[name])...)
		}
	}
	return errs
}

func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func (n *schemaNode) checkArray(at string, v []any) (errs []error) {
	if n.MinItems != nil && len(v) < *n.MinItems {
		errs = append(errs, misfit(at, fmt.Sprintf("has fewer than %d items", *n.MinItems)))
	}
	if n.MaxItems != nil && len(v) > *n.MaxItems {
		errs = append(errs, misfit(at, fmt.Sprintf("has more than %d items", *n.MaxItems)))
	}
	if n.Items != nil {
		for i, item := range v {
			errs = append(errs, n.Items.check(fmt.Sprintf("%s[%d]", at, i), item)...)
		}
	}
	return errs
}

func (n *schemaNode) checkString(at, v string) (errs []error) {
	size := utf8.RuneCountInString(v)
	if n.MinLength != nil && size < *n.MinLength {
		errs = append(errs, misfit(at, fmt.Sprintf("is shorter than %d", *n.MinLength)))
	}
	if n.MaxLength != nil && size > *n.MaxLength {
		errs = append(errs, misfit(at, fmt.Sprintf("is longer than %d", *n.MaxLength)))
	}
	if n.pattern != nil && !n.pattern.MatchString(v) {
		errs = append(errs, misfit(at, "does not match "+n.Pattern))
	}
	return errs
}

func (n *schemaNode) checkNumber(at string, v float64) (errs []error) {
	for _, rule := range []struct {
		limit *float64
		bad   func(limit float64) bool
		words string
	}{
		{n.Minimum, func(l float64) bool { return v < l }, "is less than %v"},
		{n.Maximum, func(l float64) bool { return v > l }, "is more than %v"},
		{n.OverMinimum, func(l float64) bool { return v <= l }, "is not more than %v"},
		{n.UnderMax, func(l float64) bool { return v >= l }, "is not less than %v"},
	} {
		if rule.limit != nil && rule.bad(*rule.limit) {
			errs = append(errs, misfit(at, fmt.Sprintf(rule.words, *rule.limit)))
		}
	}
	return errs
}

func (n *schemaNode) checkCombined(at string, v any) (errs []error) {
	for _, sub := range n.AllOf {
		errs = append(errs, sub.check(at, v)...)
	}
	fitting := func(list []*schemaNode) (count int) {
		for _, sub := range list {
			if len(sub.check(at, v)) == 0 {
				count++
			}
		}
		return count
	}
	if n.AnyOf != nil && fitting(n.AnyOf) == 0 {
		errs = append(errs, misfit(at, "fits none of anyOf"))
	}
	if n.OneOf != nil && fitting(n.OneOf) != 1 {
		errs = append(errs, misfit(at, "does not fit exactly one of oneOf"))
	}
	if n.Not != nil && len(n.Not.check(at, v)) == 0 {
		errs = append(errs, misfit(at, "fits what it must not"))
	}
	return errs
}
