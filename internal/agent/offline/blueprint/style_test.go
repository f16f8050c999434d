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
		"`h check NAME --date DATE` records a check":                 "create Check ",
		"`h new NAME` makes a new habit":                             "create Habit ",
		"`h freeze NAME` makes the habit cold":                       "",
		"`h start NAME [--unpaused]` makes a new habit":              "create Habit ",
		"`h start NAME [--loud]` makes a new habit":                  "",
		"`h checks --before-date DATE` lists the checks of the past": "list Check ",
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
