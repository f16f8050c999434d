package conversation

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// smoke derives http steps from the data of a REST API: every entity with a create endpoint is
// created with valid values, referred entities first, and read back where it can be.
func smoke(bp *blueprint.Blueprint) []string {
	s := smoker{bp: bp, made: map[string]string{}}
	for _, e := range bp.Entities {
		s.create(e, 0)
	}
	return s.steps
}

// smoker collects the steps; made maps an entity's name to the variable that holds its id, "" while
// it is being made or cannot be.
type smoker struct {
	bp    *blueprint.Blueprint
	made  map[string]string
	steps []string
	count int // records made
}

// create adds the steps of e once, after those of what it requires.
func (s *smoker) create(e blueprint.Entity, depth int) {
	if _, begun := s.made[e.Name]; begun || depth > len(s.bp.Entities) {
		return
	}
	s.made[e.Name] = ""
	post, ok := s.endpoint(e.Name, "create")
	if !ok || strings.Contains(post.Path, "{") {
		return
	}
	body, ok := s.body(e, depth)
	if !ok {
		return
	}
	s.count++
	name := fmt.Sprintf("$id%d", s.count)
	s.steps = append(s.steps, fmt.Sprintf("POST %s %s -> 201 %s", post.Path, compact(body), compact(map[string]any{"id": name})))
	s.made[e.Name] = name
	if get, ok := s.endpoint(e.Name, "get"); ok && strings.Count(get.Path, "{") == 1 {
		open, shut := strings.Index(get.Path, "{"), strings.Index(get.Path, "}")
		if open < shut {
			s.steps = append(s.steps, "GET "+get.Path[:open]+name+get.Path[shut+1:]+" -> 200")
		}
	}
	if list, ok := s.endpoint(e.Name, "list"); ok && !strings.Contains(list.Path, "{") {
		s.steps = append(s.steps, "GET "+list.Path+" -> 200")
	}
}

// endpoint finds the endpoint that does action on the entity.
func (s *smoker) endpoint(entity, action string) (blueprint.Endpoint, bool) {
	for _, e := range s.bp.Endpoints {
		if e.Entity == entity && e.Action == action {
			return e, true
		}
	}
	return blueprint.Endpoint{}, false
}

// body is a valid record of e: its required fields only; false when one of them has no value that
// follows from the spec.
func (s *smoker) body(e blueprint.Entity, depth int) (map[string]any, bool) {
	body := map[string]any{}
	for _, f := range e.Fields {
		if !f.Required {
			continue
		}
		v, ok := s.value(f, depth)
		if !ok {
			return nil, false
		}
		if f.List {
			v = []any{v}
		}
		body[f.Key] = v
	}
	return body, len(body) > 0
}

// value is a valid value of f.
func (s *smoker) value(f blueprint.Field, depth int) (any, bool) {
	switch f.Kind {
	case blueprint.Ref:
		for _, e := range s.bp.Entities {
			if e.Name == f.Ref {
				s.create(e, depth+1)
			}
		}
		id := s.made[f.Ref]
		return id, id != ""
	case blueprint.Choice:
		if len(f.Choices) == 0 {
			return nil, false
		}
		return f.Choices[0], true
	case blueprint.Bool:
		return false, true
	default:
		return plain(f)
	}
}

// plain is a valid value of a field that stands for itself.
func plain(f blueprint.Field) (any, bool) {
	switch f.Kind {
	case blueprint.Integer, blueprint.Decimal, blueprint.Money:
		n := "1"
		switch {
		case f.Min != nil:
			n = *f.Min
		case f.Max != nil:
			n = *f.Max
		}
		if f.Kind == blueprint.Money {
			return n, true
		}
		_, err := strconv.ParseFloat(n, 64)
		return json.Number(n), err == nil && json.Valid([]byte(n))
	case blueprint.Date:
		return bounded(f, "2030-01-15"), true
	case blueprint.DateTime:
		return bounded(f, "2030-01-15T10:00:00Z"), true
	case blueprint.Email:
		return "someone@example.com", true
	case blueprint.URL:
		return "https://example.com/", true
	case blueprint.Text:
		if f.Pattern == "" {
			return text(f), true
		}
		some := f.Matching(1)
		return strings.Join(some, ""), len(some) == 1
	default:
		return nil, false
	}
}

// bounded is a date within f's bounds, v if it is.
func bounded(f blueprint.Field, v string) string {
	switch {
	case f.Min != nil && v < *f.Min:
		return *f.Min
	case f.Max != nil && v > *f.Max:
		return *f.Max
	default:
		return v
	}
}

// text is a text of a length that f allows.
func text(f blueprint.Field) string {
	v := "Sample"
	if f.MinLen != nil && *f.MinLen > len(v) && *f.MinLen <= 10_000 {
		v += strings.Repeat("e", *f.MinLen-len(v))
	}
	if f.MaxLen != nil && *f.MaxLen > 0 && *f.MaxLen < len(v) {
		v = v[:*f.MaxLen]
	}
	return v
}
