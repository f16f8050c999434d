package gen

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// The rules are:
//   - Examples decide how answers look: kind of ids and amounts, names of keys, statuses, words of
//     faults. They never decide what is answered.
//   - An example counts only where the fault it shows is recognised by the field's own bounds.
//   - The first example of a matter wins; numbers and choices in its words are put in again from
//     the field that is at fault.

// MannerOf infers from the acceptance examples of bp how answers look.
func MannerOf(bp *blueprint.Blueprint) Manner {
	o := observer{names: NamesOf(bp), bp: bp, m: DefaultManner(), seen: map[string]bool{}, sent: map[string]bool{}}
	o.m.NullText = true // as other kinds are, unless an example shows empty text
	for _, b := range bp.Acceptance {
		if b.Lang != "http" {
			continue
		}
		clear(o.sent)
		for _, x := range examples(b.Text) {
			o.example(x)
		}
	}
	if o.flat != "" {
		o.m.flatten(o.flat, func(f Fault) bool { return o.seen["word "+string(f)] })
	}
	if !o.m.Flat && o.m.Errors == o.m.Error {
		o.m.Error = "message"
	}
	return o.m
}

// observer collects what examples show.
type observer struct {
	names Names
	bp    *blueprint.Blueprint
	m     Manner
	seen  map[string]bool // matters that are settled
	sent  map[string]bool // unique values that were stored: entity, key, value
	flat  string          // what stands between a field and its fault in a sentence, "" when faults are told by field
}

// sortedKeys keeps the order of maps out of what is inferred.
func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// once says whether a matter is still open, and settles it.
func (o *observer) once(matter string) bool {
	open := !o.seen[matter]
	o.seen[matter] = true
	return open
}

func (o *observer) example(x example) {
	ep := o.endpoint(x)
	if ep == nil {
		return
	}
	e := o.names.entity(ep.Entity)
	switch {
	case x.status < 300:
		o.success(x, *ep, *e)
	case x.status < 500:
		o.refusal(o.unwrap(x), *ep, *e)
	}
}

// endpoint finds the endpoint that a step is sent to.
func (o *observer) endpoint(x example) *blueprint.Endpoint {
	path, _, _ := strings.Cut(x.path, "?")
	got := strings.Split(strings.Trim(path, "/"), "/")
	for i, ep := range o.bp.Endpoints {
		want := strings.Split(strings.Trim(ep.Path, "/"), "/")
		if ep.Method != x.method || len(want) != len(got) || ep.Entity == "" {
			continue
		}
		if samePath(want, got) {
			return &o.bp.Endpoints[i]
		}
	}
	return nil
}

func samePath(want, got []string) bool {
	for i := range want {
		if want[i] != "{id}" && want[i] != got[i] {
			return false
		}
	}
	return true
}

// success reads statuses, keys of lists, and the kinds of ids and amounts.
func (o *observer) success(x example, ep blueprint.Endpoint, e Entity) {
	switch ep.Action {
	case "create":
		if x.status != 204 && o.once("created") {
			o.m.Created = x.status
		}
		for _, key := range sortedKeys(x.body) {
			v := x.body[key]
			o.sent[fmt.Sprint(e.Name, "\x00", key, "\x00", v)] = true
		}
	case "delete":
		if o.once("deleted") {
			o.m.Deleted = x.status
		}
	case "list":
		o.envelope(x, e)
		return
	}
	o.record(x.want, e)
}

// envelope reads the keys of a list's answer.
func (o *observer) envelope(x example, e Entity) {
	if x.list && o.once("items") {
		o.m.Items = ""
	}
	for _, key := range sortedKeys(x.want) {
		switch v := x.want[key].(type) {
		case []any:
			if o.once("items") {
				o.m.Items = key
				if key == itemsKey(e) && len(o.names.Entities) > 1 {
					o.m.Items = "*"
				}
			}
			for _, item := range v {
				if record, ok := item.(map[string]any); ok {
					o.record(record, e)
				}
			}
		case json.Number:
			o.count(key)
		}
	}
}

// count takes the key of a number beside a list for what it is called like.
func (o *observer) count(key string) {
	switch strings.ToLower(strings.ReplaceAll(key, "_", "")) {
	case "limit", "offset":
	case "page", "pagenumber", "currentpage":
		o.m.Page = key
	case "perpage", "pagesize", "size":
		o.m.Size = key
	case "pages", "totalpages", "pagecount", "lastpage":
		o.m.Pages = key
	default:
		if o.once("total") {
			o.m.Total = key
		}
	}
}

// record reads the kinds of ids and amounts.
func (o *observer) record(want map[string]any, e Entity) {
	for _, key := range sortedKeys(want) {
		v := want[key]
		_, isNumber := v.(json.Number)
		f := e.field(key)
		switch {
		case key == "id" && isNumber:
			o.m.IDNumber = true
		case f != nil && f.Kind == blueprint.Money && isNumber:
			o.m.MoneyNumber = true
		case f != nil && f.Kind == blueprint.Ref && isNumber:
			o.m.IDNumber = true
		case f != nil && nullable(*f) && (v == nil || v == "") && o.once("absent text"):
			o.m.NullText = v == nil
		}
	}
}
