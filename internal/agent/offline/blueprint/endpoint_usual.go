package blueprint

import (
	"slices"
	"strings"
)

// usualEndpoints gives the entities that no endpoint serves the usual ones: what is described in
// the data and can never be made would be of no use, and no rule about it could ever hold or fail.
func (r *reader) usualEndpoints() {
	if r.bp.Type != "rest-api" || len(r.bp.Endpoints) == 0 {
		return
	}
	prefix := r.commonPrefix()
	for i := range r.bp.Entities {
		e := &r.bp.Entities[i]
		if len(e.Fields) == 0 || slices.ContainsFunc(r.bp.Endpoints, func(o Endpoint) bool { return o.Entity == e.Name }) {
			continue
		}
		if e.Plural == "" {
			e.Plural = plural(strings.ToLower(e.Name))
		}
		list := prefix + "/" + strings.Join(nameParts(strings.ToLower(e.Plural)), "-")
		for _, ep := range []Endpoint{
			{Method: "POST", Path: list, Action: "create"}, {Method: "GET", Path: list, Action: "list", Query: []string{"sort", "limit", "offset"}},
			{Method: "GET", Path: list + "/{id}", Action: "get"}, {Method: "PATCH", Path: list + "/{id}", Action: "update"},
			{Method: "DELETE", Path: list + "/{id}", Action: "delete"},
		} {
			ep.Entity, ep.Line = e.Name, e.Line
			r.bp.Endpoints = append(r.bp.Endpoints, ep)
		}
	}
}

// commonPrefix is what all paths have in front of their entity, such as "/api/v1".
func (r *reader) commonPrefix() string {
	common, first := "", true
	for _, ep := range r.bp.Endpoints {
		if ep.Action == "health" {
			continue
		}
		segments := strings.Split(strings.Trim(ep.Path, "/"), "/")
		i := slices.IndexFunc(segments, func(s string) bool { return r.segmentEntity(s) != nil })
		prefix := ""
		if i > 0 {
			prefix = "/" + strings.Join(segments[:i], "/")
		}
		if !first && prefix != common {
			return ""
		}
		common, first = prefix, false
	}
	return common
}
