package planfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// MaxBytes is the size of the largest plan that is read.
const MaxBytes = 16 << 20

var (
	lineOf  = lazy(`line (\d+): *`)
	unknown = lazy(`^field (\S+) not found in type planner\.(\w+)$`)
	doubled = lazy(`^mapping key "(.*)" already defined at line (\d+)$`)
)

// Decode reads a plan. name is the file's name in problems. An error is [planner.Problems], with
// every fault of the format at once.
func Decode(name string, data []byte) (*planner.Plan, error) {
	if err := checkBytes(name, data); err != nil {
		return nil, err
	}
	var root yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, fault("E_PLAN_EMPTY", name, "the plan is empty", "make one with: builder plan SPEC -o "+name)
	case err != nil:
		return nil, faults(name, err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fault("E_PLAN_PARSE", name, "the file holds more than one document", "keep one plan a file")
	}
	var p planner.Plan
	strict := yaml.NewDecoder(bytes.NewReader(data))
	strict.KnownFields(true)
	if err := strict.Decode(&p); err != nil {
		return nil, faults(name, err).Sorted()
	}
	return &p, nil
}

// checkBytes refuses what is no text of bounded size.
func checkBytes(name string, data []byte) error {
	switch {
	case len(data) > MaxBytes:
		return fault("E_PLAN_TOO_LARGE", name, "the plan has more than 16 MiB", "split the build")
	case !utf8.Valid(data):
		return fault("E_PLAN_PARSE", name, "the plan is not UTF-8", "save it as UTF-8")
	default:
		return nil
	}
}

// faults turns an error of the YAML decoder into problems.
func faults(name string, err error) planner.Problems {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		line, what := cutLine(strings.TrimPrefix(err.Error(), "yaml: "))
		code, hint := "E_PLAN_PARSE", "check indentation, quotes and brackets there"
		if strings.Contains(what, "excessive aliasing") {
			code, hint = "E_PLAN_TOO_LARGE", "write the values out"
		}
		p := problem(name, line, what, hint)
		p.Code = code
		return planner.Problems{p}
	}
	var ps planner.Problems
	for _, e := range te.Errors {
		line, what := cutLine(e)
		p := problem(name, line, what, "see docs/plan.schema.json")
		if m := unknown().FindStringSubmatch(what); m != nil {
			p.Code, p.What, p.Hint = "E_PLAN_UNKNOWN_KEY", fmt.Sprintf("key %q is not known here", m[1]), planner.Nearest(m[1], keysOf(m[2]))
		}
		if m := doubled().FindStringSubmatch(what); m != nil {
			p.Code, p.What, p.Hint = "E_PLAN_DUP_KEY", fmt.Sprintf("key %q stands in line %s too", m[1], m[2]), "keep one of them"
		}
		if strings.Contains(what, "into time.Duration") {
			p.What, p.Hint = "this is no duration", "write one with its unit, such as 90s, 5m or 1h"
		}
		ps = append(ps, p)
	}
	return ps
}

// cutLine takes the line off a message of the YAML decoder; 0 when it names none.
func cutLine(msg string) (line int, what string) {
	what = strings.Join(strings.Fields(msg), " ")
	m := lineOf().FindStringSubmatch(what)
	if m == nil {
		return 0, what
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, what
	}
	return n, strings.Replace(what, m[0], "", 1)
}

// keysOf lists the keys of one of the plan's types by its Go name.
func keysOf(typeName string) []string {
	var out []string
	t, ok := planTypes()[typeName]
	if !ok {
		return nil
	}
	for i := range t.NumField() {
		if key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); key != "" {
			out = append(out, key)
		}
	}
	return out
}

// planTypes lists the struct types that a plan is made of, by their Go names.
func planTypes() map[string]reflect.Type {
	out := map[string]reflect.Type{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Slice, reflect.Map, reflect.Pointer:
			visit(t.Elem())
		case reflect.Struct:
			if out[t.Name()] != nil {
				return
			}
			out[t.Name()] = t
			for i := range t.NumField() {
				visit(t.Field(i).Type)
			}
		}
	}
	visit(reflect.TypeFor[planner.Plan]())
	return out
}

// problem is one fault of the format at a line.
func problem(name string, line int, what, hint string) planner.Problem {
	where := name
	if line > 0 {
		where = fmt.Sprintf("%s:%d", name, line)
	}
	return planner.Problem{Code: "E_PLAN_PARSE", Where: where, What: what, Hint: hint}
}

// fault is a list of one problem.
func fault(code, where, what, hint string) planner.Problems {
	return planner.Problems{{Code: code, Where: where, What: what, Hint: hint}}
}
