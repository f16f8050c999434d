package planner_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/planner"
)

func TestParseStep(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		line string
		want planner.Step
	}{
		"body and expectation": {
			`POST /tools {"name":"Drill"} -> 201 {"id":"$tool","broken":false}`,
			planner.Step{Method: "POST", Path: "/tools", Body: json.RawMessage(`{"name":"Drill"}`), Status: 201, Expect: json.RawMessage(`{"id":"$tool","broken":false}`)},
		},
		"bare":              {`GET /x -> 404`, planner.Step{Method: "GET", Path: "/x", Status: 404}},
		"query":             {`GET /x?a=1&b=->2 -> 200 []`, planner.Step{Method: "GET", Path: "/x?a=1&b=->2", Status: 200, Expect: json.RawMessage(`[]`)}},
		"arrow in body":     {`POST /x {"a":"b -> 200"} -> 201`, planner.Step{Method: "POST", Path: "/x", Body: json.RawMessage(`{"a":"b -> 200"}`), Status: 201}},
		"arrow expected":    {`GET /x -> 200 {"a":"b -> 300"}`, planner.Step{Method: "GET", Path: "/x", Status: 200, Expect: json.RawMessage(`{"a":"b -> 300"}`)}},
		"text expected":     {`GET /x -> 200 hello world`, planner.Step{Method: "GET", Path: "/x", Status: 200, ExpectText: "hello world"}},
		"headers":           {`GET /x [X-Role: admin] [A: b] -> 200`, planner.Step{Method: "GET", Path: "/x", Header: map[string]string{"X-Role": "admin", "A": "b"}, Status: 200}},
		"array body":        {`PUT /x [1, 2] -> 204`, planner.Step{Method: "PUT", Path: "/x", Body: json.RawMessage(`[1,2]`), Status: 204}},
		"lower-case":        {`delete /x->y -> 204`, planner.Step{Method: "DELETE", Path: "/x->y", Status: 204}},
		"no blank at arrow": {`POST /x {"a":1}->201{"a":1}`, planner.Step{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := planner.ParseStep(c.line)
			if c.want.Method == "" {
				if err == nil {
					t.Fatalf("want an error, got %+v", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseStepRefuses(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"empty": "", "no method": "/x -> 200", "unknown method": "FETCH /x -> 200", "no path": "GET -> 200",
		"url": "GET http://h/x -> 200", "no arrow": "GET /x", "no status": "GET /x ->", "status text": "GET /x -> ok",
		"status range": "GET /x -> 99", "bad body": `POST /x {"a":} -> 200`, "cut body": `POST /x {"a":1`,
		"bad expectation": `GET /x -> 200 {"a":`, "form body": "POST /x a=b -> 200",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s, err := planner.ParseStep(line); err == nil {
				t.Errorf("%q was read as %+v", line, s)
			}
		})
	}
}

func TestParseStepsJoinsLines(t *testing.T) {
	t.Parallel()
	lines, steps, err := planner.ParseSteps("# tools\nPOST /a {\n  \"b\": 1\n}\n-> 201\n\nGET /a\n -> 200 [\n 1]\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`POST /a { "b": 1 } -> 201`, `GET /a -> 200 [ 1]`}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
	if len(steps) != 2 || string(steps[0].Body) != `{"b":1}` || steps[1].Status != 200 {
		t.Errorf("got %+v", steps)
	}
}

func TestParseStepsNamesTheLine(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]int{
		"GET /a -> 200\n\nGET /b\n": 3,
		"HTTP/1.1 200 OK\n":         1,
		"# nothing\n":               1,
	} {
		_, _, err := planner.ParseSteps(block)
		var le *planner.LineError
		if !errors.As(err, &le) || le.Line != want {
			t.Errorf("%q: got %v, want a fault in line %d", block, err, want)
		}
	}
}

func FuzzParseSteps(f *testing.F) {
	f.Add("POST /tools {\"name\":\"Drill\"} -> 201 {\"id\":\"$tool\"}\nGET /x -> 404\n")
	f.Add("GET /a [A: b] -> 200 text\n# c\n")
	f.Fuzz(func(t *testing.T, block string) {
		lines, steps, err := planner.ParseSteps(block)
		if err != nil {
			var le *planner.LineError
			if !errors.As(err, &le) || le.Line < 1 || le.Line > strings.Count(block, "\n")+1 {
				t.Fatalf("fault without a line of the block: %v", err)
			}
			return
		}
		again, _, err := planner.ParseSteps(strings.Join(lines, "\n"))
		if err != nil || !cmp.Equal(lines, again) || len(steps) != len(lines) {
			t.Fatalf("joined lines read differently: %q, %q, %v", lines, again, err)
		}
	})
}
