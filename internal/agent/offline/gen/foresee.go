package gen

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// The rules are:
//   - A step of the acceptance that should succeed must find an endpoint, send fields of the data,
//     and expect what an answer of the service can hold. One that does not is a demand that no rule
//     covers, and its line says so.
//   - Steps that should be refused are left to the running service.

// Unknown lists the steps of the acceptance that no service of bp can answer as they expect.
func Unknown(bp *blueprint.Blueprint) []blueprint.Unknown {
	f := foreseer{observer: observer{names: NamesOf(bp), bp: bp, m: MannerOf(bp)}}
	for _, b := range bp.Acceptance {
		if b.Lang != "http" {
			continue
		}
		for _, x := range examples(b.Text) {
			if why := f.why(x); why != "" {
				f.unknown = append(f.unknown, blueprint.Unknown{Text: x.method + " " + x.path, Line: b.Line + x.line, Why: why})
			}
		}
	}
	return f.unknown
}

type foreseer struct {
	observer
	unknown []blueprint.Unknown
}

// why says what a step asks for that no rule gives, "" for nothing.
func (f *foreseer) why(x example) string {
	path, _, _ := strings.Cut(x.path, "?")
	if x.status >= 300 || x.status < 200 || path == "/healthz" || path == "/health" {
		return ""
	}
	ep := f.endpoint(x)
	if ep == nil {
		return fmt.Sprintf("no endpoint that is understood answers %s %s", x.method, path)
	}
	e := f.names.entity(ep.Entity)
	if want := f.status(ep.Action); want != x.status {
		return fmt.Sprintf("such a request is answered with status %d, not %d", want, x.status)
	}
	for _, key := range sortedKeys(x.body) {
		if ep.Action != "set" && e.field(key) == nil {
			return fmt.Sprintf("%q is sent, which is no field of %s that is understood", key, e.Name)
		}
	}
	if ep.Action == "list" {
		return f.listed(x, *e)
	}
	return recorded(x.want, *e)
}

// status is the status with which an action ends well.
func (f *foreseer) status(action string) int {
	switch action {
	case "create":
		return f.m.Created
	case "delete":
		return f.m.Deleted
	default:
		return 200
	}
}

// recorded says which key of an expected record none can have.
func recorded(want map[string]any, e Entity) string {
	for _, key := range sortedKeys(want) {
		if key != "id" && e.field(key) == nil {
			return fmt.Sprintf("%q is expected, which is no field of %s that is understood", key, e.Name)
		}
	}
	return ""
}

// listed says what of an expected list none can have.
func (f *foreseer) listed(x example, e Entity) string {
	for _, key := range sortedKeys(x.want) {
		switch v := x.want[key].(type) {
		case []any:
			for _, item := range v {
				record, ok := item.(map[string]any)
				if why := recorded(record, e); ok && why != "" {
					return why
				}
			}
		case json.Number:
			if !slices.Contains(f.counts(), key) {
				return fmt.Sprintf("%q is expected of a list, which has %s", key, strings.Join(f.counts(), ", "))
			}
		default:
			return fmt.Sprintf("%q is expected of a list, which has %s", key, strings.Join(f.counts(), ", "))
		}
	}
	return ""
}

// counts are the keys of numbers that a list has.
func (f *foreseer) counts() []string {
	if f.m.Page+f.m.Size+f.m.Pages == "" {
		return []string{f.m.Total, "limit", "offset"}
	}
	return slices.DeleteFunc([]string{f.m.Total, f.m.Page, f.m.Size, f.m.Pages}, func(k string) bool { return k == "" })
}
