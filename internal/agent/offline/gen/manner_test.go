package gen_test

import (
	"fmt"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
)

func TestMannerOf(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		steps string
		got   func(gen.Manner) any
		want  any
	}{
		"nothing shown":     {``, func(m gen.Manner) any { return m.Created }, 201},
		"id as a number":    {`POST /tools {"name":"a"} -> 201 {"id":1}`, func(m gen.Manner) any { return m.IDNumber }, true},
		"id as text":        {`POST /tools {"name":"a"} -> 201 {"id":"1"}`, func(m gen.Manner) any { return m.IDNumber }, false},
		"money as a number": {`GET /tools/1 -> 200 {"price":79.9}`, func(m gen.Manner) any { return m.MoneyNumber }, true},
		"created":           {`POST /tools {"name":"a"} -> 200`, func(m gen.Manner) any { return m.Created }, 200},
		"deleted":           {`DELETE /tools/1 -> 200`, func(m gen.Manner) any { return m.Deleted }, 200},
		"bare list":         {`GET /tools -> 200 [{"name":"a"}]`, func(m gen.Manner) any { return m.Items }, ""},
		"items":             {`GET /tools -> 200 {"data":[],"count":0}`, func(m gen.Manner) any { return m.Items + " " + m.Total }, "data count"},
		"items by plural":   {`GET /tools -> 200 {"tools":[]}`, func(m gen.Manner) any { return m.Items }, "*"},
		"errors":            {`POST /tools {} -> 422 {"fields":{"name":"is missing"}}`, func(m gen.Manner) any { return m.Errors + " " + m.Words[gen.FaultRequired] }, "fields is missing"},
		"invalid status":    {`POST /tools {} -> 422`, func(m gen.Manner) any { return m.Invalid }, 422},
		"bound put in":      {`POST /loans {"tool":"$t","borrower":"x","due":"2026-01-01"} -> 400 {"errors":{"borrower":"at least 2 letters"}}`, func(m gen.Manner) any { return m.Words[gen.FaultShort] }, "at least %v letters"},
		"unknown reference": {`POST /loans {"tool":"9","borrower":"xx","due":"2026-01-01"} -> 404`, func(m gen.Manner) any { return m.RefStatus }, 404},
		"taken": {"POST /tools {\"name\":\"a\"} -> 201\nPOST /tools {\"name\":\"a\"} -> 400 {\"errors\":{\"name\":\"is taken\"}}",
			func(m gen.Manner) any { return m.Words[gen.FaultUnique] }, "is taken"},
		"sentence":                  {`GET /tools/9 -> 404 {"message":"none"}`, func(m gen.Manner) any { return m.Error }, "message"},
		"rule is no fault":          {`POST /loans {"tool":"$t","borrower":"xx","due":"2026-01-01"} -> 409`, func(m gen.Manner) any { return m.Invalid }, 400},
		"fault in a sentence":       {`POST /tools {} -> 400 {"message":"name is missing"}`, func(m gen.Manner) any { return fmt.Sprint(m.Error, m.Flat, m.Between, m.Words[gen.FaultRequired]) }, "messagetrue is missing"},
		"other faults in sentences": {`POST /tools {} -> 400 {"message":"name is missing"}`, func(m gen.Manner) any { return m.Words[gen.FaultUnknown] }, "is unknown"},
		"by field wins":             {"POST /tools {} -> 400 {\"error\":\"name: gone\"}\nPOST /tools {} -> 400 {\"errors\":{\"name\":\"gone\"}}", func(m gen.Manner) any { return m.Flat }, false},
		"two faults say nothing":    {`POST /loans {"tool":"$t"} -> 400 {"error":"borrower is missing"}`, func(m gen.Manner) any { return m.Flat }, false},
		"text may be null":          {`GET /tools/1 -> 200 {"kind":null}`, func(m gen.Manner) any { return m.NullText }, true},
		"sentence of a taken value": {"POST /tools {\"name\":\"Drill\"} -> 201\nPOST /tools {\"name\":\"Drill\"} -> 409 {\"error\":\"a tool of this name exists\"}",
			func(m gen.Manner) any { return m.Taken["Tool.name"] }, "a tool of this name exists"},
		"pages": {`GET /tools -> 200 {"items":[],"page":1,"per_page":20,"total":0,"total_pages":0}`,
			func(m gen.Manner) any { return m.Total + " " + m.Page + " " + m.Size + " " + m.Pages }, "total page per_page total_pages"},
		"text may be empty": {`GET /tools/1 -> 200 {"kind":""}`, func(m gen.Manner) any { return m.NullText }, false},
		"words of a rule": {`POST /loans {"tool":"$t","borrower":"xx","due":"2026-01-01"} -> 409 {"error":"this tool is broken"}`,
			func(m gen.Manner) any { return m.Rules["A broken tool cannot be lent."] }, "this tool is broken"},
		"words with a value": {`POST /loans {"tool":"$t","borrower":"xx","due":"2026-01-01"} -> 409 {"error":"xx cannot have a broken tool"}`,
			func(m gen.Manner) any { return len(m.Rules) }, 0},
		"broken example": {`POST /tools {"name" -> 201 {"id":1`, func(m gen.Manner) any { return m.IDNumber }, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bp := toolshed()
			for _, e := range []struct{ method, path, entity, action string }{
				{"POST", "/tools", "Tool", "create"}, {"GET", "/tools", "Tool", "list"}, {"GET", "/tools/{id}", "Tool", "get"},
				{"DELETE", "/tools/{id}", "Tool", "delete"}, {"POST", "/loans", "Loan", "create"},
			} {
				bp.Endpoints = append(bp.Endpoints, blueprint.Endpoint{Method: e.method, Path: e.path, Entity: e.entity, Action: e.action})
			}
			bp.Acceptance = []blueprint.Block{{Lang: "http", Text: c.steps}}
			if got := c.got(gen.MannerOf(bp)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
