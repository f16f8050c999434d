package planfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// Schema gives the JSON schema (draft 2020-12) of plan files, made from the Go types. It says what
// keys and values may stand where; rules between them are planner.Validate's.
func Schema() ([]byte, error) {
	defs := map[string]any{}
	for name, t := range planTypes() {
		defs[name] = objectSchema(t)
	}
	root := objectSchema(reflect.TypeFor[planner.Plan]())
	delete(defs, "Plan")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = SchemaURL
	root["title"] = "Builder plan"
	root["$defs"] = defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write plan schema: %w", err)
	}
	return b.Bytes(), nil
}

// objectSchema describes a struct: its keys, closed; those never left out are required.
func objectSchema(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		properties[key] = fieldSchema(t.Name()+"."+f.Name, f.Type)
		if !strings.Contains(options, "omitempty") {
			required = append(required, key)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}

// fieldSchema describes the values of one field.
func fieldSchema(field string, t reflect.Type) map[string]any {
	if words := enumOf(t); words != nil {
		return map[string]any{"type": "string", "enum": words}
	}
	switch {
	case field == "Plan.Version":
		return map[string]any{"const": planner.PlanVersion}
	case field == "Task.Role":
		return map[string]any{"type": "string", "enum": planner.Roles()}
	case field == "SpecRef.SHA256":
		return map[string]any{"type": "string", "pattern": "^[0-9a-f]{64}$"}
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$", "description": "a duration such as 90s or 5m"}
	case t == reflect.TypeFor[planner.RequirementID]():
		return map[string]any{"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}
	case t.PkgPath() != "" && strings.HasSuffix(t.Name(), "ID"):
		return map[string]any{"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}
	}
	switch t.Kind() {
	case reflect.Struct:
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": fieldSchema("", t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": fieldSchema("", t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number", "minimum": 0}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer", "minimum": 0}
	default:
		return map[string]any{"type": "string"}
	}
}

// enumOf lists the words of a type that has only some, nil for others.
func enumOf(t reflect.Type) any {
	switch t {
	case reflect.TypeFor[planner.ProjectType]():
		return planner.ProjectTypes()
	case reflect.TypeFor[planner.GateKind]():
		return []planner.GateKind{planner.GateCommand, planner.GateTranscript, planner.GateHTTP, planner.GateFile, planner.GateReview}
	case reflect.TypeFor[planner.Network]():
		return []planner.Network{planner.NetworkOff, planner.NetworkRegistries}
	default:
		return nil
	}
}
