package gen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// refusal reads the names of the keys of errors, the statuses and the words of faults.
func (o *observer) refusal(x example, ep blueprint.Endpoint, e Entity) {
	if ep.Action == "get" || ep.Action == "delete" {
		o.sentence(x)
		if words, _ := x.want[o.m.Error].(string); x.status == 404 && words == e.Spoken+" not found" {
			// The store knows records by the name of their bucket.
			o.m.NameMissing = !slices.ContainsFunc(o.names.Entities, func(e Entity) bool { return e.Bucket != e.Spoken })
		}
		o.rule(x, ep, e)
		return
	}
	byField := map[string]any{}
	for _, key := range sortedKeys(x.want) {
		if faults, ok := x.want[key].(map[string]any); ok {
			o.flat = ""
			if o.once("errors") {
				o.m.Errors = key
			}
			byField = faults
		}
	}
	o.sentence(x)
	faults := o.faultsOf(x, ep, e)
	for _, key := range sortedKeys(byField) {
		words, ok := byField[key].(string)
		fault, known := faults[key]
		if ok && known && o.once("word "+string(fault.kind)) {
			o.m.Words[fault.kind] = fault.general(words)
		}
	}
	if len(byField) == 0 {
		o.told(x, faults)
		o.taken(x, faults, e)
	}
	if len(faults) == 0 {
		o.rule(x, ep, e)
	}
	o.statuses(x, faults)
}

// taken keeps the sentence about a value that another record has; one that holds the value says
// nothing about others.
func (o *observer) taken(x example, faults map[string]seenFault, e Entity) {
	sentence, ok := x.want[o.m.Error].(string)
	if !ok || len(faults) != 1 || len(x.want) != 1 || strings.Contains(sentence, "$") {
		return
	}
	for key, fault := range faults {
		value := fmt.Sprint(x.body[key])
		if fault.kind == FaultUnique && sentence != "" && value != "" && !strings.Contains(strings.ToLower(sentence), strings.ToLower(value)) && o.once("taken "+e.Name+"."+key) {
			o.m.Taken[e.Name+"."+key] = sentence
		}
	}
}

// told reads the words of a fault out of a sentence that begins with the field, such as "name is
// required" or "name: required". Examples with faults by field win over those.
func (o *observer) told(x example, faults map[string]seenFault) {
	if len(faults) != 1 || len(x.want) != 1 || o.seen["errors"] {
		return
	}
	for key, fault := range faults {
		sentence, ok := x.want[o.m.Error].(string)
		rest, begins := strings.CutPrefix(sentence, key)
		words := strings.TrimLeft(rest, ": ")
		between := strings.TrimSuffix(rest, words)
		if !ok || !begins || words == "" || between != " " && between != ": " || o.flat != "" && o.flat != between {
			continue
		}
		o.flat = between
		if o.once("word " + string(fault.kind)) {
			o.m.Words[fault.kind] = fault.general(words)
		}
	}
}

// sentence reads the key of an error's sentence, from an answer that holds nothing else.
func (o *observer) sentence(x example) {
	for _, key := range sortedKeys(x.want) {
		if _, ok := x.want[key].(string); ok && len(x.want) == 1 && o.once("error") {
			o.m.Error = key
		}
	}
}

// statuses reads the status of a request with one kind of fault.
func (o *observer) statuses(x example, faults map[string]seenFault) {
	kinds := map[Fault]bool{}
	for _, f := range faults {
		kinds[f.kind] = true
	}
	switch {
	case len(kinds) == 1 && kinds[FaultUnique]:
		if o.once("unique status") {
			o.m.Unique = x.status
		}
	case len(kinds) == 1 && kinds[FaultRef]:
		if o.once("ref status") {
			o.m.RefStatus = x.status
		}
	case len(kinds) > 0 && !kinds[FaultUnique] && !kinds[FaultRef] && (x.status == 400 || x.status == 422):
		if o.once("invalid status") {
			if o.m.RefStatus == o.m.Invalid && !o.seen["ref status"] {
				o.m.RefStatus = x.status
			}
			o.m.Invalid = x.status
		}
	}
}
