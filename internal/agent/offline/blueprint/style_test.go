package blueprint_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// The specs of testdata/styles say usual things in the manner of different writers: tables, nested
// lists, blocks of endpoints, regular expressions. All of it is understood.
func TestStylesOfOthers(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/styles/*.md")
	if err != nil || len(paths) < 4 {
		t.Fatalf("found %v, %v", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bp := blueprint.Read(string(text))
		for _, u := range bp.Unknown {
			t.Errorf("%s:%d: %s: %s", path, u.Line, u.Text, u.Why)
		}
		if len(bp.Endpoints)+len(bp.Commands) < 5 || len(bp.Entities) == 0 {
			t.Errorf("%s: read %d endpoints, %d commands, %d entities", path, len(bp.Endpoints), len(bp.Commands), len(bp.Entities))
		}
	}
}

// The verb of a command may mean many things; what the prose says wins over what the verb usually
// does, and no record is made where the prose tells of none.
func TestProseDecidesAboutVerbs(t *testing.T) {
	t.Parallel()
	const data = "---\nname: h\ntype: cli-tool\n---\n# H\n## Data\n- **Habit**: name (text, required, unique), paused (yes/no)\n" +
		"- **Check**: habit (ref Habit, required), date (date, required)\n## Commands\n"
	for line, want := range map[string]string{
		"`h log [--month M]` lists the checks":              "list Check ",
		"`h resume NAME` makes a paused habit active again": "set Habit paused=no",
		"`h pause NAME`": "set Habit paused=yes",
		"`h check NAME --date DATE` records a check":     "create Check ",
		"`h new NAME` makes a new habit":                 "create Habit ",
		"`h freeze NAME` makes the habit cold":           "",
		"`h start NAME [--unpaused]` makes a new habit":  "create Habit ",
		"`h start NAME [--loud]` makes a new habit":      "",
		"`h checks --before-date DATE` lists the checks": "list Check ",
	} {
		bp := blueprint.Read(data + "- " + line + "\n")
		got := ""
		for _, c := range bp.Commands {
			got += c.Action + " " + c.Entity + " "
			for _, m := range c.Set {
				got += m.Field + "=" + m.Value
			}
		}
		if got != want || (want == "") != (len(bp.Unknown) > 0) {
			t.Errorf("%s: got %q, want %q, unknown %v", line, got, want, bp.Unknown)
		}
	}
}

// A rule may name what cannot be made, or who alone may.
func TestRulesThatNameWhatIsMade(t *testing.T) {
	t.Parallel()
	const data = "# x\n## Data\n- **Dog**: name (text), vaccinated (yes/no), size (one of: small, large)\n- **Stay**: dog (ref Dog, required), day (date)\n## Rules\n- "
	rule := func(field, value string) []blueprint.Rule {
		return []blueprint.Rule{{Kind: blueprint.RuleForbid, Entity: "Dog", Target: "Stay", Field: field, Value: value, Other: "dog", Status: 409}}
	}
	for sentence, want := range map[string][]blueprint.Rule{
		"Only vaccinated dogs can be booked":                    rule("vaccinated", "no"),
		"No stays can be booked for large dogs":                 rule("size", "large"),
		"Stays cannot be made for a dog that is not vaccinated": rule("vaccinated", "no"),
		"A large dog cannot have stays":                         rule("size", "large"),
		"Only small dogs can be booked":                         rule("size", "!small"),
		"Stays can only be booked for small dogs":               rule("size", "!small"),
		"A dog must be vaccinated to be booked":                 rule("vaccinated", "no"),
		"A dog must be vaccinated":                              nil,
		"Only happy dogs can be booked":                         nil,
		"No stays can be booked for dogs":                       nil,
	} {
		bp := blueprint.Read(data + sentence + ".\n")
		for i := range bp.Rules {
			bp.Rules[i].Text, bp.Rules[i].Line = "", 0
		}
		if d := cmp.Diff(want, bp.Rules); d != "" || (want == nil) != (len(bp.Unknown) > 0) {
			t.Errorf("%s: %s, unknown %v", sentence, d, bp.Unknown)
		}
	}
}

// A flag of the program that no command has is not dropped silently.
func TestFlagsOfToolsInTheRunningLine(t *testing.T) {
	t.Parallel()
	const head = "---\nname: h\ntype: cli-tool\n---\n# H\n## Data\n- **Habit**: name (text, required)\n## Commands\n- `h add NAME [--loud]` adds a habit\n- `h list [--json]`\n## Running\n"
	for line, unknown := range map[string]int{
		"`h COMMAND --data FILE`":             0,
		"`h COMMAND [--data-dir DIR] --json`": 0,
		"`h COMMAND --verbose`":               1,
		"`h COMMAND [--colour=WHEN]`":         1,
	} {
		bp := blueprint.Read(head + line + "\n")
		n := 0
		for _, u := range bp.Unknown {
			if u.Line == 12 {
				n++
			}
		}
		if n != unknown {
			t.Errorf("%s: unknown %v, want %d", line, bp.Unknown, unknown)
		}
	}
}

// Page sizes may be told for all lists at once.
func TestPageSizesOfAllLists(t *testing.T) {
	t.Parallel()
	const head = "---\nname: h\ntype: rest-api\n---\n# H\n## Data\n- **Habit**: name (text)\n## Endpoints\n- `GET /habits?page=1`\n## Rules\n- "
	for line, want := range map[string][2]int{
		"Lists default to 10 entries per page, at most 100.": {10, 100},
		"Lists have 25 items per page by default.":           {25, 0},
		"The limit is at most 40.":                           {0, 40},
	} {
		bp := blueprint.Read(head + line + "\n")
		if got := [2]int{bp.Endpoints[0].Limit, bp.Endpoints[0].Max}; got != want || len(bp.Unknown) > 0 {
			t.Errorf("%s: got %v, want %v, unknown %v", line, got, want, bp.Unknown)
		}
	}
	if bp := blueprint.Read(head + "At most 5 users see 10 pages.\n"); len(bp.Unknown) == 0 {
		t.Error("a sentence about something else was taken for page sizes")
	}
}
