package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Codes with which the loop begins the text of a tool result that tells a model of its mistake.
const (
	CodeToolInput   = "E_TOOL_INPUT"   // the input is no JSON object, or not of the tool's form
	CodeToolUnknown = "E_TOOL_UNKNOWN" // no such tool was offered
	CodeToolCut     = "E_TOOL_CUT"     // the answer ended before the call was complete; it was not run
	CodeToolSkipped = "E_TOOL_SKIPPED" // an earlier call of the same answer ended the turn
)

// DecodeInput reads a call's input into the struct that into points to. It is strict: the input
// must be one JSON object with only the struct's fields, each of its type. The error is written for
// the model: it begins with [CodeToolInput] and says what was expected.
func DecodeInput(input json.RawMessage, into any) error {
	if err := checkObject(input); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(input))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: %q is a %s, expected %s; the fields are %s", CodeToolInput, wrong.Field, wrong.Value, jsonType(wrong.Type), fields(into))
	default:
		return fmt.Errorf("%s: %s; the fields are %s", CodeToolInput, strings.TrimPrefix(err.Error(), "json: "), fields(into))
	}
}

// checkObject says what is wrong with an input that is no JSON object. Adapters hand over what a
// model wrote and cannot be parsed as a JSON string.
func checkObject(input json.RawMessage) error {
	var object map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(input))
	err := dec.Decode(&object)
	if err == nil && object != nil {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return fmt.Errorf("%s: there is more after the JSON object that was expected", CodeToolInput)
	}
	var raw string
	if bytes.HasPrefix(input, []byte(`"`)) && json.Unmarshal(input, &raw) == nil {
		if err = json.Unmarshal([]byte(raw), &object); err != nil {
			return fmt.Errorf("%s: the input is no valid JSON (%w): %s", CodeToolInput, err, clip(raw, 200))
		}
	}
	if err != nil && !json.Valid(input) {
		return fmt.Errorf("%s: the input is no valid JSON (%w): %s", CodeToolInput, err, clip(string(input), 200))
	}
	return fmt.Errorf("%s: the input must be a JSON object, not: %s", CodeToolInput, clip(string(input), 200))
}

// fields lists the fields of a struct as a model knows them: name (type).
func fields(of any) string {
	t := reflect.TypeOf(of).Elem()
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, fmt.Sprintf("%s (%s)", name, jsonType(t.Field(i).Type)))
	}
	return strings.Join(names, ", ")
}

// jsonType is the JSON word for a Go type.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonType(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "array of " + jsonType(t.Elem())
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "integer"
	default:
		return "object"
	}
}

// clip is s, or its beginning with the number of bytes left out.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%s… (%d bytes more)", s[:cut], len(s)-cut)
}
