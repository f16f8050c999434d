package blueprint_test

import (
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// What the prose of a command asks for beyond the command is a demand that no rule covers: it must
// not be claimed as proven because the command is there.
func TestProseOfCommandsAsksForMore(t *testing.T) {
	t.Parallel()
	const head = "---\nname: cook\ntype: cli-tool\n---\n# Cook\n## Data\n- **Recipe**: title (text, required, unique), minutes (integer), rating (decimal), spicy (yes/no), course (one of: starter, main)\n## Commands\n- "
	for line, word := range map[string]string{
		"`cook add TITLE [--minutes N]` adds a recipe and sends an email":         "sends",
		"`cook list` lists the three best rated recipes":                          "three",
		"`cook show TITLE` shows a recipe with a QR code":                         "qr",
		"`cook rm TITLE` asks for confirmation, then removes the recipe":          "asks",
		"`cook search WORDS...` searches fuzzily in the titles":                   "fuzzily",
		"`cook stats` shows the average rating":                                   "average",
		"`cook export FILE` exports the recipes as Markdown":                      "markdown",
		"`cook list` lists the spicy recipes":                                     "spicy",
		"`cook list` lists recipes that are not spicy":                            "spicy",
		"`cook list` lists the starter recipes":                                   "starter",
		"`cook list` lists open recipes":                                          "open",
		"`cook list [--spicy]` lists recipes, optionally only the spicy ones":     "",
		"`cook list [--course COURSE]` lists all recipes or those of a course":    "",
		"`cook list` lists the recipes newest first":                              "",
		"`cook list` lists everything in the collection, sorted by title":         "",
		"`cook add TITLE` adds a new recipe to your collection and prints its id": "",
		"`cook rm TITLE` gets rid of a recipe":                                    "",
		"`cook show TITLE` shows all details of one recipe":                       "",
		"`cook stats` counts the recipes and adds up their minutes":               "",
		"`cook export FILE` writes all recipes to a CSV file":                     "",
	} {
		bp := blueprint.Read(head + line + "\n")
		why := ""
		for _, u := range bp.Unknown {
			why += u.Why
		}
		if word == "" && why != "" || word != "" && !strings.Contains(why, `"`+word+`"`) {
			t.Errorf("%s: got %q, want %q", line, why, word)
		}
	}
}

// The same holds for endpoints; an order that they tell is kept.
func TestProseOfEndpointsAsksForMore(t *testing.T) {
	t.Parallel()
	const head = "---\nname: cook\ntype: rest-api\n---\n# Cook\n## Data\n- **Recipe**: title (text, required), hidden (yes/no)\n- **Step**: recipe (ref Recipe, required), position (integer)\n## Endpoints\n- "
	for line, unknown := range map[string]bool{
		"`GET /recipes` lists all recipes that are not hidden":          true,
		"`GET /recipes?hidden=no` lists recipes, also by hidden or not": false,
		"`GET /recipes/{id}` returns a recipe with its steps":           true,
		"`GET /recipes/{id}` returns a recipe with its title":           false,
		"`GET /recipes` lists the recipes":                              false,
	} {
		if bp := blueprint.Read(head + line + "\n"); len(bp.Unknown) > 0 != unknown {
			t.Errorf("%s: unknown %v", line, bp.Unknown)
		}
	}
	for line, want := range map[string]blueprint.Rule{
		"`GET /recipes/{id}/steps` lists the steps ordered by position": {Entity: "Step", Field: "position"},
		"`GET /steps` lists the steps, newest first":                    {Entity: "Step", Field: "id", Desc: true},
	} {
		bp := blueprint.Read(head + line + "\n")
		if len(bp.Rules) != 1 || len(bp.Unknown) > 0 || bp.Rules[0].Kind != blueprint.RuleSort || bp.Rules[0].Entity != want.Entity || bp.Rules[0].Field != want.Field || bp.Rules[0].Desc != want.Desc {
			t.Errorf("%s: got %+v, unknown %v", line, bp.Rules, bp.Unknown)
		}
	}
}
