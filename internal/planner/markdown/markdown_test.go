package markdown_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
)

// toolshed is the example of the spec format.
const toolshed = "---\nname: toolshed\ntype: rest-api\n---\n# Toolshed\nNeighbours lend each other tools.\n\n" +
	"## Data\n- **Tool**: name (text, required, unique), kind (one of: hand, power, garden),\n  price (money)\n" +
	"- **Loan**: tool (ref Tool, required), due (date, required)\n\n" +
	"## Endpoints\n- `POST /tools` creates a tool; `GET /tools?kind=power` lists with filters\n" +
	"- `GET|PATCH|DELETE /tools/{id}`; deleting a tool that is lent answers 409\n\n" +
	"## Rules\n- A broken tool cannot be lent.\n- At most 3 open loans per borrower.\n\n" +
	"## Running\n`toolshed serve --addr HOST:PORT --data DIR`\n\n" +
	"## Acceptance\n```http\nPOST /tools {\"name\":\"Drill\"} -> 201 {\"id\":\"$tool\"}\nGET /tools -> 200 {\"total\":1}\n```\n"

func parse(t *testing.T, text string) *planner.Spec {
	t.Helper()
	spec, err := markdown.Parse("spec.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func texts(spec *planner.Spec) []string {
	var out []string
	for _, r := range spec.Requirements {
		out = append(out, string(r.ID)+" "+r.Source+" "+r.Text)
	}
	return out
}

func TestParseReadsTheFormat(t *testing.T) {
	t.Parallel()
	spec := parse(t, toolshed)
	want := []string{
		"R1 9-10 **Tool**: name (text, required, unique), kind (one of: hand, power, garden), price (money)",
		"R2 11 **Loan**: tool (ref Tool, required), due (date, required)",
		"R3 14 `POST /tools` creates a tool; `GET /tools?kind=power` lists with filters",
		"R4 15 `GET|PATCH|DELETE /tools/{id}`; deleting a tool that is lent answers 409",
		"R5 18 A broken tool cannot be lent.",
		"R6 19 At most 3 open loans per borrower.",
		"R7 22 `toolshed serve --addr HOST:PORT --data DIR`",
	}
	if d := cmp.Diff(want, texts(spec)); d != "" {
		t.Error(d)
	}
	project := planner.Project{Name: "toolshed", Type: planner.RESTAPI, Summary: "Neighbours lend each other tools."}
	if d := cmp.Diff(project, spec.Project); d != "" {
		t.Error(d)
	}
	gates := []planner.Gate{{
		ID: "acceptance-1", Kind: planner.GateHTTP, Source: "26-27",
		Start: []string{"bin/toolshed", "serve", "--addr", "127.0.0.1:{port}", "--data", "{data}"},
		Steps: []string{`POST /tools {"name":"Drill"} -> 201 {"id":"$tool"}`, `GET /tools -> 200 {"total":1}`},
	}}
	if d := cmp.Diff(gates, spec.Acceptance); d != "" {
		t.Error(d)
	}
	first := spec.Sections[1]
	if first.Title != "Data" || first.First != 8 || first.Last != 12 || !strings.HasPrefix(first.Text, "## Data\n- **Tool**") {
		t.Errorf("got section %+v", first)
	}
	if spec.Title != "Toolshed" || spec.Text != toolshed || len(spec.SHA256) != 64 {
		t.Errorf("got title %q, hash %q", spec.Title, spec.SHA256)
	}
}

func TestRequirements(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"an intro asks only in strong words": {
			"# A\nThis answers a need. It must be fast.\n## B\nIt answers 42. It is nice.\n",
			[]string{"R1 2 It must be fast.", "R2 4 It answers 42."},
		},
		"nested items belong to their parent": {
			"# A\n## B\n- colours\n  - red\n  - blue\n- sizes\n",
			[]string{"R1 3-5 colours; red; blue", "R2 6 sizes"},
		},
		"nested items that stand alone": {
			"# A\n## B\n- Loans:\n  - A loan must have a due date\n  - `DELETE /loans/{id}` ends it\n",
			[]string{"R1 3-4 Loans: A loan must have a due date", "R2 3-5 Loans: `DELETE /loans/{id}` ends it"},
		},
		"a lead is repeated where an item needs it": {
			"# A\n## B\nA tool must have:\n\n- a name\n- a price, which cannot be negative\n",
			[]string{"R1 3-5 A tool must have: a name", "R2 6 a price, which cannot be negative"},
		},
		"a sentence over two lines, and no cut at e.g.": {
			"# A\n## B\nNice. A book, e.g. one of\nmine, can be lent. Fine.\n",
			[]string{"R1 3-4 A book, e.g. one of mine, can be lent."},
		},
		"code decides nothing": {
			"# A\n## B\nThe word `must` is code.\n\n```\n- it must not count\n```\n\n- one\n",
			[]string{"R1 9 one"},
		},
		"every sentence under rules": {
			"# A\n## Rules\nBooks are sorted by title. Borrowed ones carry a star.\n",
			[]string{"R1 3 Books are sorted by title.", "R2 3 Borrowed ones carry a star."},
		},
		"what is out of scope": {
			"# A\n## Out of scope\n- users\n### Deeper\n- it must not count\n## B\n- one\n",
			[]string{"R1 7 one"},
		},
		"a table's rows": {
			"# A\n## B\n| field | rule |\n|---|---|\n| name | required |\n| price | `>= 0` |\n",
			[]string{"R1 5 name | required", "R2 6 price | `>= 0`"},
		},
		"task boxes, links and comments": {
			"# A\n## B\n- [ ] do it\n- [docs](https://example.org)\n\n<!-- it must not count -->\n",
			[]string{"R1 3 do it"},
		},
		"link definitions stay text": {
			"# A\n## B\n[x]: it must count\n",
			[]string{"R1 3 [x]: it must count"},
		},
		"prose alone": {
			"A small program. It greets people.\n",
			[]string{"R1 1 A small program.", "R2 1 It greets people."},
		},
		"a title alone":    {"# Todo list\n", []string{"R1 1 Todo list"}},
		"quoted sentences": {"# A\n## B\n> It must count.\n", []string{"R1 3 It must count."}},
		"a sentence that leads into code": {
			"# A\n## B\nIt prints:\n\n```\nhello\nyou\n```\n",
			[]string{"R1 3-7 It prints:"},
		},
		"windows line ends":                         {"# A\r\n## B\r\n- one\r\n  two\r\n", []string{"R1 3-4 one two"}},
		"behind front matter and a byte order mark": {"\ufeff---\nname: a\n---\n# A\n## B\n- one\n", []string{"R1 6 one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(c.want, texts(parse(t, c.text))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestProject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		name string
		is   planner.ProjectType
	}{
		"front matter wins":         {"---\nname: zoo\ntype: library\n---\n# Shelf\n## Commands\n- `shelf add`\n", "zoo", planner.Library},
		"commands name the program": {"# The Book Shelf\n## 2. Commands\n- `shelf add TITLE` adds\n", "shelf", planner.CLITool},
		"running comes first":       {"# A\n## HTTP endpoints\n- `GET /x`\n## Running\n`./toolshed serve`\n", "toolshed", planner.RESTAPI},
		"other tools name nothing":  {"# Tiny Shop Specification\n## Pages\n- home\n## Endpoints\n## Running\n`npm start`\n", "tiny-shop", planner.FullStack},
		"roles mean enterprise":     {"# 9 Lives: a clinic\n## Roles\n- vet\n## Pages\n- a\n", "lives", planner.Enterprise},
		"nothing known":             {"# 機械\n- one\n", "app", planner.Other},
		"error pages are no page":   {"# X\n## Error pages\n- one\n", "x", planner.Other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parse(t, c.text).Project
			if got.Name != c.name || got.Type != c.is {
				t.Errorf("got %s %s, want %s %s", got.Name, got.Type, c.name, c.is)
			}
		})
	}
}

func TestAcceptance(t *testing.T) {
	t.Parallel()
	spec := parse(t, "# Shelf\n## Commands\n```console\n$ npm install\n```\n## Acceptance\n### Adding\n"+
		"```console\n$ shelf add Emma\nadded 1\n\n$ shelf show x\n! exit 1\n```\n- nested\n\n  ```HTTP\n  GET /x -> 404\n  ```\n")
	want := []planner.Gate{
		{ID: "acceptance-1", Kind: planner.GateTranscript, Title: "Adding", Source: "9-13", Session: "$ shelf add Emma\nadded 1\n\n$ shelf show x\n! exit 1\n"},
		{ID: "acceptance-2", Kind: planner.GateHTTP, Title: "Adding", Source: "18", Steps: []string{"GET /x -> 404"}},
	}
	if d := cmp.Diff(want, spec.Acceptance); d != "" {
		t.Error(d)
	}
}

func TestAcceptanceWithoutItsSection(t *testing.T) {
	t.Parallel()
	spec := parse(t, "# A\n## Endpoints\n```http\nGET /x -> 404\n```\n```http\nGET /x HTTP/1.1\n```\n")
	if len(spec.Acceptance) != 1 || spec.Acceptance[0].Source != "4" {
		t.Errorf("got %+v", spec.Acceptance)
	}
}

func TestMalformedAcceptanceNamesEveryLine(t *testing.T) {
	t.Parallel()
	_, err := markdown.Parse("s.md", []byte("# A\n## Acceptance\n```http\nGET /x -> 404\nGET /y\n```\n```console\n$ a\n! exit x\n```\n```http\n```\n"))
	var ps planner.Problems
	if !errors.As(err, &ps) || len(ps) != 3 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"s.md:5", "s.md:9", "s.md:11"} {
		if ps[i].Where != want || ps[i].Code != "E_SPEC_ACCEPTANCE" || ps[i].Hint == "" {
			t.Errorf("got %+v, want %s", ps[i], want)
		}
	}
}

// A session that cannot fail would prove nothing, whatever is planned: it is told before anything is
// sent. A pipe into the program can fail, though its first command cannot.
func TestSessionThatCannotFailIsRefused(t *testing.T) {
	t.Parallel()
	_, err := markdown.Parse("s.md", []byte("# A\n## Acceptance\n```console\n$ echo ready\nready\n```\n"))
	var ps planner.Problems
	if !errors.As(err, &ps) || len(ps) != 1 || ps[0].Code != "E_SPEC_ACCEPTANCE" || ps[0].Where != "s.md:4" {
		t.Errorf("got %v", err)
	}
	spec := parse(t, "# A\n## Acceptance\n```console\n$ printf 'x' | shelf add\nadded 1\n```\n")
	if len(spec.Acceptance) != 1 {
		t.Errorf("got %+v", spec.Acceptance)
	}
}

func TestStartCommand(t *testing.T) {
	t.Parallel()
	for running, want := range map[string][]string{
		"`shed serve --addr HOST:PORT --data DIR`":           {"bin/x", "serve", "--addr", "127.0.0.1:{port}", "--data", "{data}"},
		"`shed --addr=:8080 [--db FILE]`":                    {"bin/x", "--addr=127.0.0.1:{port}", "--db", "{data}/data.db"},
		"`shed serve --port 8080 --data ./data`":             {"bin/x", "serve", "--port", "{port}", "--data", "{data}"},
		"First `shed init`.\n\n```sh\n$ shed -p <PORT>\n```": {"bin/x", "-p", "{port}"},
		"`shed serve --data --addr HOST:PORT`":               {"bin/x", "serve", "--data", "--addr", "127.0.0.1:{port}"},
		"`shed serve`":                                       nil,
		"`shed serve --addr HOST:PORT | tee log`":            nil,
		"`PORT=80 shed`":                                     nil,
	} {
		spec := parse(t, "---\nname: x\n---\n# X\n## Running\n"+running+"\n## Acceptance\n```http\nGET / -> 200\n```\n")
		if d := cmp.Diff(want, spec.Acceptance[0].Start); d != "" {
			t.Errorf("%s: %s", running, d)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data  string
		code  string
		where string
	}{
		"empty":               {"", "E_SPEC_EMPTY", "s.md"},
		"blank with mark":     {"\ufeff \n\t", "E_SPEC_EMPTY", "s.md"},
		"asks for nothing":    {"---\nname: a\n---\n", "E_SPEC_EMPTY", "s.md"},
		"latin 1":             {"caf\xe9", "E_SPEC_ENCODING", "s.md: byte 3"},
		"utf-16":              {"\xff\xfe#\x00", "E_SPEC_ENCODING", "s.md: byte 0"},
		"surrogate":           {"a\xed\xa0\x80", "E_SPEC_ENCODING", "s.md: byte 1"},
		"nul":                 {"# A\n- a\x00b\n", "E_SPEC_CONTROL_CHARS", "s.md:2"},
		"escape":              {"# A\n\n- a\x1b[0m\n", "E_SPEC_CONTROL_CHARS", "s.md:3"},
		"c1":                  {"# A\u009b\n", "E_SPEC_CONTROL_CHARS", "s.md:1"},
		"bidi override":       {"# A\n- \u202eb\n", "E_SPEC_CONTROL_CHARS", "s.md:2"},
		"bidi isolate":        {"# A\n- \u2066b\n", "E_SPEC_CONTROL_CHARS", "s.md:2"},
		"too large":           {strings.Repeat("a", markdown.MaxBytes+1), "E_SPEC_TOO_LARGE", "s.md"},
		"too many":            {strings.Repeat("- a\n", markdown.MaxRequirements+1), "E_SPEC_TOO_LARGE", "s.md:10001"},
		"deep quotes":         {"# A\n" + strings.Repeat(">", 1<<20), "E_SPEC_TOO_COMPLEX", "s.md:2"},
		"deep lists":          {"# A\n" + strings.Repeat("- ", 1<<20), "E_SPEC_TOO_COMPLEX", "s.md:2"},
		"deep numbered lists": {"# A\n" + strings.Repeat("1. ", 1<<20) + "a", "E_SPEC_TOO_COMPLEX", "s.md:2"},
		"deep by indentation": {"# A\n" + strings.Repeat(" ", 200) + "- a\n", "E_SPEC_TOO_COMPLEX", "s.md:2"},
		"front not closed":    {"---\nname: a\n# A\n", "E_SPEC_FRONT_MATTER", "s.md:1"},
		"front unknown key":   {"---\nname: a\ntitel: b\n---\n# A\n", "E_SPEC_FRONT_MATTER", "s.md:3"},
		"front duplicate key": {"---\nname: a\nname: b\n---\n# A\n", "E_SPEC_FRONT_MATTER", "s.md:3"},
		"front bad yaml":      {"---\nname: [a\n---\n# A\n", "E_SPEC_FRONT_MATTER", "s.md:2"},
		"front bad name":      {"---\nname: ../x\n---\n# A\n", "E_SPEC_FRONT_MATTER", "s.md:1"},
		"front bad type":      {"---\ntype: game\n---\n# A\n", "E_SPEC_FRONT_MATTER", "s.md:1"},
		"front is a list":     {"---\n- a\n---\n# A\n", "E_SPEC_FRONT_MATTER", "s.md:2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := markdown.Parse("s.md", []byte(c.data))
			var ps planner.Problems
			if !errors.As(err, &ps) || len(ps) != 1 {
				t.Fatalf("got %v, want one problem", err)
			}
			if ps[0].Code != c.code || ps[0].Where != c.where || ps[0].Hint == "" || strings.Contains(ps[0].What, "\n") {
				t.Errorf("got %+v, want %s at %s", ps[0], c.code, c.where)
			}
		})
	}
}

func TestRuleAcrossThePageIsNoFrontMatter(t *testing.T) {
	t.Parallel()
	if got := parse(t, "---\n\n# A\n- one\n").Title; got != "A" {
		t.Errorf("got title %q", got)
	}
}
