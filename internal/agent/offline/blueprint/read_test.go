package blueprint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

const shed = `---
name: toolshed
type: rest-api
---
# Toolshed

Neighbours lend each other tools.

## Data

- **Tool**: name (text, required, unique), kind (one of: hand, power, garden), price (money), bought on (date), sold on (date), broken (yes/no, default no), state (one of: fine, retired), pages (integer)
- **Loan**: tool (ref Tool, required), borrower (text, required, 2-80 chars), starts (date), ends (date), due (date, required), returned (yes/no, default no)

## Endpoints

- ` + "`GET|POST /tools`, `GET|PATCH|DELETE /tools/{id}`" + `
- ` + "`GET|POST /loans`" + `

## Rules

`

func TestRules(t *testing.T) {
	t.Parallel()
	open := []blueprint.Match{{Field: "returned", Value: "no"}}
	forbid := func(field, value string) blueprint.Rule {
		return blueprint.Rule{Kind: blueprint.RuleForbid, Entity: "Tool", Target: "Loan", Field: field, Value: value, Other: "tool", Status: 409}
	}
	limit := func(n int, field string, where []blueprint.Match) blueprint.Rule {
		return blueprint.Rule{Kind: blueprint.RuleLimit, Entity: "Loan", Field: field, N: n, Where: where, Status: 409}
	}
	keep := func(where []blueprint.Match) blueprint.Rule {
		return blueprint.Rule{Kind: blueprint.RuleDelete, Entity: "Tool", Target: "Loan", Where: where, Status: 409}
	}
	order := func(first, second string, strict bool) blueprint.Rule {
		return blueprint.Rule{Kind: blueprint.RuleOrder, Entity: "Loan", Field: first, Other: second, Strict: strict, Status: 400}
	}
	sort := func(field string, desc bool) blueprint.Rule {
		return blueprint.Rule{Kind: blueprint.RuleSort, Entity: "Tool", Field: field, Desc: desc}
	}
	status := func(r blueprint.Rule, s int) blueprint.Rule { r.Status = s; return r }
	for sentence, want := range map[string]blueprint.Rule{
		"A broken tool cannot be lent.":                              forbid("broken", "yes"),
		"Broken tools must not be lent out.":                         forbid("broken", "yes"),
		"No broken tool may be borrowed":                             forbid("broken", "yes"),
		"A tool that is broken can't be lent.":                       forbid("broken", "yes"),
		"A tool marked broken may not be lent":                       forbid("broken", "yes"),
		"Lending a broken tool answers 409":                          forbid("broken", "yes"),
		"Lending a broken tool is refused with 422.":                 status(forbid("broken", "yes"), 422),
		"A retired tool cannot be lent":                              forbid("state", "retired"),
		"A tool whose state is retired cannot be lent":               forbid("state", "retired"),
		"A tool cannot be lent while it is broken":                   forbid("broken", "yes"),
		"A tool that is not broken cannot be lent":                   forbid("broken", "no"),
		"A tool that is lent cannot be lent again":                   limit(1, "tool", open),
		"A tool can only be lent once at a time":                     limit(1, "tool", open),
		"At most 3 open loans per borrower.":                         limit(3, "borrower", open),
		"A borrower may have at most three open loans at a time":     limit(3, "borrower", open),
		"A borrower cannot have more than 3 outstanding loans":       limit(3, "borrower", open),
		"No more than 5 loans per borrower":                          limit(5, "borrower", nil),
		"Only one unreturned loan per tool (409)":                    limit(1, "tool", open),
		"Deleting a tool that is lent answers 409":                   keep(open),
		"A tool with open loans cannot be deleted":                   keep(open),
		"A tool cannot be deleted while it is lent":                  keep(open),
		"A tool that has loans cannot be removed":                    keep(nil),
		"A tool that is still in use cannot be deleted":              keep(nil),
		"Deleting a tool with open loans is refused with status 422": status(keep(open), 422),
		"Deleting a tool deletes its loans":                          {Kind: blueprint.RuleCascade, Entity: "Tool", Target: "Loan"},
		"When a tool is deleted, its loans are deleted too":          {Kind: blueprint.RuleCascade, Entity: "Tool", Target: "Loan"},
		"Ends must not be before starts":                             order("starts", "ends", false),
		"A loan ends after it starts":                                order("starts", "ends", true),
		"Ends is never before starts":                                order("starts", "ends", false),
		"The due date of a loan must be after starts":                order("starts", "due", true),
		"Starts must be on or before due":                            order("starts", "due", false),
		"Tools are sorted by name":                                   sort("name", false),
		"Tools are listed by price, highest first":                   sort("price", true),
		"Tools come newest first":                                    sort("id", true),
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read(shed + "- " + sentence + "\n")
			for _, u := range bp.Unknown {
				t.Errorf("unknown: %s", u.Why)
			}
			if len(bp.Rules) != 1 {
				t.Fatalf("got %d rules", len(bp.Rules))
			}
			got := bp.Rules[0]
			got.Text, got.Line = "", 0
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// What every program does anyway is understood and gives no rule.
func TestGiven(t *testing.T) {
	t.Parallel()
	for _, sentence := range []string{
		"All data survives a restart.", "Data is kept in an embedded database below the data folder", "Errors are JSON.",
		"Unknown ids answer 404; invalid input answers 400 with errors by field.", "On SIGTERM the service finishes running requests and stops",
		"Lists answer with `items` and `total`", "The project has tests and a README", "Unknown fields are refused with 400",
		"Bodies over 1 MiB are refused with 413", "`GET /healthz` answers 200", "Money is kept in cents", "Dates are written YYYY-MM-DD",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read(shed + "- " + sentence + "\n")
			if len(bp.Unknown) > 0 || len(bp.Rules) > 0 {
				t.Errorf("got %+v, %+v", bp.Unknown, bp.Rules)
			}
		})
	}
}

// A sentence with a word that matters and is not understood is a requirement that needs a model.
func TestUnknownSentences(t *testing.T) {
	t.Parallel()
	for _, sentence := range []string{
		"A purple tool cannot be lent.", "A broken tool cannot be painted.", "A broken tool cannot be lent on Sundays.",
		"At most 3 loans per moon.", "At most many loans per borrower.", "At most 3 sad loans per borrower.",
		"Deleting a tool that is blue answers 409", "Ends must not be before tomorrow", "Tools are sorted by weight",
		"Send an email when a loan is late", "Data survives a restart and a flood", "Only admins may delete tools",
		"A fine of 2.50 is due per late day", "Requests are logged to a remote server", "Answers are cached for 60 seconds",
		"A broken tool can be lent unless it is retired", "Errors are XML.", "Prices are shown in dollars",
		"The total price of all tools is shown at /stats", "At most 10 requests per second", "A loan is extended twice at most",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read(shed + "- " + sentence + "\n")
			line := strings.Count(shed, "\n") + 1
			if ok, why := bp.Understands(line, line); ok || why == "" {
				t.Errorf("understood, with the rules %+v", bp.Rules)
			}
			if ok, _ := bp.Understands(1, line-1); !ok {
				t.Error("the lines before it are not understood either")
			}
		})
	}
}

func TestFieldSentences(t *testing.T) {
	t.Parallel()
	for sentence, want := range map[string]string{
		"The price of a tool must not be negative": "price min 0",
		"No two tools have the same kind":          "kind unique hand/power/garden",
		"A tool must have a price":                 "price required",
		"A tool's pages must be between 1 and 5":   "pages min 1 max 5",
		"The kind is required":                     "kind required hand/power/garden",
		"Pages must be at least 2":                 "pages min 2",
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read(shed + "- " + sentence + "\n")
			if len(bp.Unknown) > 0 {
				t.Fatalf("unknown: %+v", bp.Unknown)
			}
			key, rest, _ := strings.Cut(want, " ")
			for _, f := range bp.Entities[0].Fields {
				if f.Key == key && describe(f) != rest {
					t.Errorf("got %q, want %q", describe(f), rest)
				}
			}
		})
	}
}

// describe writes what is said about a field, but its kind.
func describe(f blueprint.Field) string {
	var parts []string
	for name, set := range map[string]bool{"required": f.Required} {
		if set {
			parts = append(parts, name)
		}
	}
	if f.Unique {
		parts = append(parts, "unique")
	}
	if f.MinLen != nil {
		parts = append(parts, fmt.Sprint("minlen ", *f.MinLen))
	}
	if f.MaxLen != nil {
		parts = append(parts, fmt.Sprint("maxlen ", *f.MaxLen))
	}
	if f.Min != nil {
		parts = append(parts, "min "+*f.Min)
	}
	if f.Max != nil {
		parts = append(parts, "max "+*f.Max)
	}
	if f.Default != "" {
		parts = append(parts, "default "+f.Default)
	}
	if len(f.Choices) > 0 {
		parts = append(parts, strings.Join(f.Choices, "/"))
	}
	return strings.Join(parts, " ")
}

func TestFields(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"name (text, required, unique)":            "text required unique",
		"kind (one of: a, b, default b, required)": "choice default b a/b",
		"kind (one of a/b or c)":                   "choice a/b/c",
		"rating (1-5)":                             "integer min 1 max 5",
		"rating (integer between 1 and 5)":         "integer min 1 max 5",
		"weight (number, greater than 0)":          "decimal min 0",
		"name (string, required, max 60)":          "text required maxlen 60",
		"size (enum(small, large), default small)": "choice default small small/large",
		"note (optional text up to 80 chars)":      "text maxlen 80",
		"rating (integer, between 1 and 5)":        "integer min 1 max 5",
		"price (money, positive)":                  "money min 0.01",
		"price (money, >= 0, at most 99.50)":       "money min 0 max 99.50",
		"size (decimal, min -1.5)":                 "decimal min -1.5",
		"code (exactly 5 characters)":              "text minlen 5 maxlen 5",
		"code (text, at most 12 chars)":            "text maxlen 12",
		"mail (e-mail, required)":                  "email required",
		"site (url)":                               "url",
		"on (date, default today)":                 "date default today",
		"at (datetime)":                            "datetime",
		"done (boolean, default false)":            "bool default no",
		"done (yes/no, default maybe)":             "",
		"other (ref Thing)":                        "ref",
		"other (reference to a Thing, required)":   "ref required",
		"other (Thing)":                            "ref",
		"other (ref Nothing)":                      "",
		"tags (list of text)":                      "list of text",
		"sizes (list of integers)":                 "list of integer",
		"colour (shade of grey)":                   "",
		"name (text, 80-2 chars)":                  "",
		"pages (integer, 5-1)":                     "",
		"name":                                     "text",
		"due":                                      "",
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read("# x\n## Data\n- **Thing**: label (text), " + field + "\n")
			if want == "" {
				if len(bp.Unknown) == 0 {
					t.Errorf("understood as %+v", bp.Entities[0].Fields)
				}
				return
			}
			if len(bp.Unknown) > 0 || len(bp.Entities) != 1 || len(bp.Entities[0].Fields) != 2 {
				t.Fatalf("got %+v, unknown %+v", bp.Entities, bp.Unknown)
			}
			f := bp.Entities[0].Fields[1]
			got := string(f.Kind)
			if f.List {
				got = "list of " + got
			}
			if got = strings.TrimSpace(got + " " + describe(f)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestPluralsFollowThePaths(t *testing.T) {
	t.Parallel()
	for name, plural := range map[string]string{
		"Person": "people", "Leaf": "leaves", "Analysis": "analyses", "Sheep": "sheep", "City": "cities", "Box": "boxes", "Bus": "buses",
		"Octopus": "octopodes", "Cephalopus": "cephalopi", "Antenna": "antennae", "Index": "indexes", "Matrix": "matrices", "Work order": "work-orders", "Day": "days", "Quiz": "quizzes",
		"Staff member": "staff-members", "Criterion": "criteria", "Fireman": "firemen", "Grandchild": "grandchildren", "Photo": "photos",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read("# x\n## Data\n- **" + name + "**: label (text)\n## Endpoints\n- `GET|POST /" + plural + "`\n")
			if len(bp.Unknown) > 0 || len(bp.Endpoints) != 2 || bp.Endpoints[0].Entity != name {
				t.Fatalf("got %+v, unknown %+v", bp.Endpoints, bp.Unknown)
			}
			if got := strings.ReplaceAll(bp.Entities[0].Plural, " ", "-"); got != plural {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestUnknownEndpoints(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"`GET /moons`", "`POST /tools/{id}/paint`", "`GET /tools/{id}/colour`", "`GET /tools?weight=3`", "`DELETE /tools`", "`GET /stats`",
		"`GET /tools` lists tools as XML", "`POST /tools` creates a tool and mails its owner",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read(strings.Replace(shed, "## Rules", "- "+line+"\n\n## Rules", 1))
			if len(bp.Unknown) != 1 {
				t.Errorf("got %+v", bp.Unknown)
			}
		})
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	bp := blueprint.Read(strings.Replace(shed, "## Rules", "- `POST /loans/{id}/return` marks the loan returned\n- `GET|POST /tools/:id/loans`\n\n## Rules", 1))
	if len(bp.Unknown) > 0 {
		t.Fatalf("unknown: %+v", bp.Unknown)
	}
	last := bp.Endpoints[len(bp.Endpoints)-3:]
	if d := cmp.Diff([]blueprint.Match{{Field: "returned", Value: "yes"}}, last[0].Set); d != "" {
		t.Error(d)
	}
	if last[1].Parent != "tool" || last[1].Action != "list" || last[2].Action != "create" || last[2].Entity != "Loan" {
		t.Errorf("got %+v", last[1:])
	}
}

func FuzzRead(f *testing.F) {
	f.Add(shed + "- At most 3 open loans per borrower.\n")
	f.Add("---\nname: x\n---\n# a\n## Data\n- **A**: b (one of: c\n### D\n| e | f |\n|--|--|\n| g | ref A |\n```http\nPOST /a {\"b\":1} -> 201\n")
	f.Add("## Endpoints\n- `GET|/ /a/{`\n## Commands\n- `x add`\n")
	f.Fuzz(func(t *testing.T, spec string) {
		bp := blueprint.Read(spec)
		lines := strings.Count(strings.ReplaceAll(spec, "\r\n", "\n"), "\n") + strings.Count(spec, "\r") + 2
		for _, u := range bp.Unknown {
			if u.Line < 1 || u.Line > lines || u.Why == "" {
				t.Errorf("unknown without a place or a reason: %+v", u)
			}
		}
		if d := cmp.Diff(bp, blueprint.Read(spec)); d != "" {
			t.Errorf("read twice, the spec differs: %s", d)
		}
	})
}

// People say the same thing about a field in many ways.
func TestFieldPhrasings(t *testing.T) {
	t.Parallel()
	six := 6
	zero, one, five := "0", "1", "5"
	cases := map[string]blueprint.Field{
		"code (text, must be given, exactly 6 chars)":             {Kind: blueprint.Text, Required: true, MinLen: &six, MaxLen: &six},
		"code (text, max. 6 characters)":                          {Kind: blueprint.Text, MaxLen: &six},
		"cost (price in euros, non-negative)":                     {Kind: blueprint.Money, Min: &zero},
		"stars (between 1 and 5)":                                 {Kind: blueprint.Integer, Min: &one, Max: &five},
		"state (one of: new, old (default: old))":                 {Kind: blueprint.Choice, Choices: []string{"new", "old"}, Default: "old"},
		"state (one of: new, old, lost (default: new), optional)": {Kind: blueprint.Choice, Choices: []string{"new", "old", "lost"}, Default: "new"},
		"state (new / old)":                                       {Kind: blueprint.Choice, Choices: []string{"new", "old"}},
		"state (new, old or lost; default new)":                   {Kind: blueprint.Choice, Choices: []string{"new", "old", "lost"}, Default: "new"},
		"state (new or old)":                                      {Kind: blueprint.Choice, Choices: []string{"new", "old"}},
		"count (integer (default: 5))":                            {Kind: blueprint.Integer, Default: "5"},
		"code (text, pattern `[A-Z]{2}-[0-9]*`)":                  {Kind: blueprint.Text, Pattern: "^(?:[A-Z]{2}-[0-9]*)$"},
		"code (text, matches ^x+$)":                               {Kind: blueprint.Text, Pattern: "^x+$"},
		"code (unique, exactly 15 digits)":                        {Kind: blueprint.Text, Unique: true, Pattern: "^[0-9]{15}$"},
		"code (text, 2-4 uppercase letters)":                      {Kind: blueprint.Text, Pattern: "^[A-Z]{2,4}$"},
	}
	for text, want := range cases {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read("# x\n## Data\n- **Thing**: name (text), " + text + "\n")
			if len(bp.Unknown) > 0 || len(bp.Entities) != 1 || len(bp.Entities[0].Fields) != 2 {
				t.Fatalf("got %+v, unknown %+v", bp.Entities, bp.Unknown)
			}
			got := bp.Entities[0].Fields[1]
			want.Name, want.Key, want.Line = got.Name, got.Key, got.Line
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// The head of a table says what its cells answer.
func TestTablesWithAHead(t *testing.T) {
	t.Parallel()
	bp := blueprint.Read("# x\n## Data\n### Thing\n| Field | Type | Required | Default | Description |\n|---|---|---|---|---|\n| name | text | yes | - | what it is called |\n| size | integer | no | 5 | |\n")
	if len(bp.Unknown) > 0 || len(bp.Entities) != 1 || len(bp.Entities[0].Fields) != 2 {
		t.Fatalf("got %+v, unknown %+v", bp.Entities, bp.Unknown)
	}
	if f := bp.Entities[0].Fields; !f[0].Required || f[1].Required || f[1].Default != "5" {
		t.Errorf("got %+v", f)
	}
	bp = blueprint.Read("# x\n## Data\n### Thing\n| Field | Type | Description |\n|---|---|---|\n| name | text | must begin with a vowel |\n")
	if len(bp.Unknown) != 1 {
		t.Errorf("a demand in a description is not read over: %+v", bp.Unknown)
	}
}

// A flag of the program that no rule knows would be refused by it.
func TestUnknownRunningFlags(t *testing.T) {
	t.Parallel()
	bp := blueprint.Read("---\nname: x\ntype: rest-api\n---\n# x\n## Data\n- **Thing**: name (text)\n## Endpoints\n- `GET /things?` lists things\n## Running\n`x serve --addr HOST:PORT --tls-cert FILE`\n")
	if len(bp.Unknown) != 1 || !strings.Contains(bp.Unknown[0].Why, "--tls-cert") {
		t.Errorf("got %+v", bp.Unknown)
	}
}

// Parameters may stand in the prose behind a list.
func TestQuotedParameters(t *testing.T) {
	t.Parallel()
	list := func(prose string) *blueprint.Blueprint {
		return blueprint.Read("---\ntype: rest-api\n---\n# x\n## Data\n- **Thing**: name (text), kind (one of: a, b)\n## Endpoints\n- `GET /things` lists things; " + prose + "\n")
	}
	if bp := list("filters `?kind=a`, sorting `?sort=name`"); len(bp.Unknown) > 0 || !slices.Equal(bp.Endpoints[0].Query, []string{"kind", "sort"}) {
		t.Errorf("got %+v, unknown %+v", bp.Endpoints, bp.Unknown)
	}
	if bp := list("filters `?weight=3`"); len(bp.Unknown) != 1 {
		t.Errorf("got %+v", bp.Unknown)
	}
}

// A state alone may name the records, and a record's own state may keep it from being deleted.
func TestRulesAboutStates(t *testing.T) {
	t.Parallel()
	spec := "---\nname: x\ntype: TYPE\n---\n# x\n## Data\n- **Person**: name (text, required), admin (yes/no)\n- **Task**: title (text, required), done (yes/no), assignee (ref Person)\n## Rules\n- An admin cannot be assigned.\n- A done task cannot be deleted.\n"
	bp := blueprint.Read(strings.Replace(spec, "TYPE", "rest-api", 1))
	if len(bp.Unknown) > 0 || len(bp.Rules) != 2 {
		t.Fatalf("got %+v, unknown %+v", bp.Rules, bp.Unknown)
	}
	if r := bp.Rules[0]; r.Kind != blueprint.RuleForbid || r.Entity != "Person" || r.Target != "Task" || r.Field != "admin" || r.Other != "assignee" {
		t.Errorf("got %+v", r)
	}
	if r := bp.Rules[1]; r.Kind != blueprint.RuleDelete || r.Entity != "Task" || r.Target != "" || r.Field != "done" || r.Value != "yes" {
		t.Errorf("got %+v", r)
	}
	// The commands of a tool do not look at the state of what they delete.
	if bp := blueprint.Read(strings.Replace(spec, "TYPE", "cli-tool", 1)); len(bp.Unknown) != 1 || !strings.Contains(bp.Unknown[0].Why, "done task") {
		t.Errorf("got unknown %+v", bp.Unknown)
	}
}

// Parameters may compare: a bound before or behind the name, a date without a name.
func TestComparingParameters(t *testing.T) {
	t.Parallel()
	for param, want := range map[string]*blueprint.Range{
		"min_price":    {Field: "price", Compare: ">="},
		"price_max":    {Field: "price", Compare: "<="},
		"born_before":  {Field: "born", Compare: "<"},
		"after":        {Field: "born", Compare: ">"},
		"price[gte]":   {Field: "price", Compare: ">="},
		"min_name":     nil,
		"before_lunch": nil,
		"min":          nil,
	} {
		t.Run(param, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read("---\ntype: rest-api\n---\n# x\n## Data\n- **Cow**: name (text), price (money), born (date)\n## Endpoints\n- `GET /cows?" + param + "=1` lists cows\n")
			if want == nil {
				if len(bp.Unknown) != 1 {
					t.Errorf("got %+v", bp.Endpoints)
				}
				return
			}
			want.Param = param
			if len(bp.Unknown) > 0 || len(bp.Endpoints) != 1 || !slices.Equal(bp.Endpoints[0].Ranges, []blueprint.Range{*want}) {
				t.Errorf("got %+v, unknown %+v", bp.Endpoints, bp.Unknown)
			}
		})
	}
}
