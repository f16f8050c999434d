package clitool

import (
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// A phrase learned from examples must hold for values that no example has.
func TestFitGeneralises(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		examples []example
		other    example
	}{
		"values in the text": {
			[]example{{"added Emma (#1)", facts{"title": "Emma", "id": "1"}}},
			example{"added Moby Dick (#12)", facts{"title": "Moby Dick", "id": "12"}},
		},
		"equal values told apart by a second example": {
			[]example{{"1 has 1", facts{"id": "1", "pages": "1"}}, {"2 has 9", facts{"id": "2", "pages": "9"}}},
			example{"3 has 7", facts{"id": "3", "pages": "7"}},
		},
		"value that may be missing": {
			[]example{{"Emma by Austen", facts{"title": "Emma", "author": "Austen"}}, {"Momo", facts{"title": "Momo", "author": ""}}},
			example{"Dune by Herbert", facts{"title": "Dune", "author": "Herbert"}},
		},
		"two values that may be missing": {
			[]example{
				{"Emma, by Austen, due May", facts{"title": "Emma", "author": "Austen", "due": "May"}},
				{"Momo, due June", facts{"title": "Momo", "author": "", "due": "June"}},
				{"Dune, by Herbert", facts{"title": "Dune", "author": "Herbert", "due": ""}},
			},
			example{"Nothing", facts{"title": "Nothing", "author": "", "due": ""}},
		},
		"yes and no in other words": {
			[]example{{"[ ] Emma", facts{"title": "Emma", "read": "no"}}, {"[x] Momo", facts{"title": "Momo", "read": "yes"}}},
			example{"[x] Dune", facts{"title": "Dune", "read": "yes"}},
		},
		"one and many": {
			[]example{{"1 book", facts{"count": "1"}}, {"3 books", facts{"count": "3"}}},
			example{"0 books", facts{"count": "0"}},
		},
		"one branch with a value": {
			[]example{{"Emma is back", facts{"title": "Emma", "due": "2026-05-01", "returned": "yes"}}, {"Momo due 2026-06-01", facts{"title": "Momo", "due": "2026-06-01", "returned": "no"}}},
			example{"Dune due 2027-01-31", facts{"title": "Dune", "due": "2027-01-31", "returned": "no"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, ok := fit(c.examples)
			if !ok {
				t.Fatal("no phrase fits")
			}
			if got := p.render(c.other.facts); got != c.other.line {
				t.Errorf("got %q, want %q", got, c.other.line)
			}
		})
	}
}

// Where only the examples' own values would explain the examples, nothing is learned.
func TestFitRefusesToMemorise(t *testing.T) {
	t.Parallel()
	p, ok := fit([]example{
		{"Emma is lovely", facts{"title": "Emma"}},
		{"Momo is strange", facts{"title": "Momo"}},
	})
	if ok {
		t.Errorf("learned %v from examples that agree on nothing", p)
	}
}

func TestUnknownNamesTheStep(t *testing.T) {
	t.Parallel()
	bp := blueprint.Read("---\nname: shelf\ntype: cli-tool\n---\n# Shelf\n\n## Data\n\n- **Book**: title (text, required)\n\n## Commands\n\n- `shelf add TITLE` adds a book\n\n## Acceptance\n\n```console\n$ shelf add Emma\nlovely\n$ shelf add Momo\nstrange\n```\n")
	unknown := Unknown(bp)
	if len(unknown) == 0 || unknown[0].Line != 18 {
		t.Errorf("got %+v, want the step in line 18", unknown)
	}
}

func FuzzLearn(f *testing.F) {
	f.Add("$ shelf add Emma\nadded Emma (#1)\n$ shelf list\n1 Emma\n")
	f.Add("$ shelf add \"\"\n! exit 1\nx: title\n$ shelf rm 1 2 3\n")
	f.Add("$ shelf list\nA  B\n1  ß\n\n$ shelf add é --n 1\n")
	f.Fuzz(func(t *testing.T, session string) {
		bp := &blueprint.Blueprint{
			Name: "shelf", Type: "cli-tool",
			Entities: []blueprint.Entity{{Name: "Book", Plural: "books", Fields: []blueprint.Field{{Name: "title", Key: "title", Kind: blueprint.Text, Required: true}, {Name: "n", Key: "n", Kind: blueprint.Integer}}}},
		}
		bp.Commands, _ = blueprint.ReadCommands("- `shelf add TITLE --n N`\n- `shelf list`\n- `shelf rm ID...`\n", 1, "shelf", bp.Entities)
		bp.Acceptance = []blueprint.Block{{Lang: "console", Text: session}}
		if len(bp.Commands) != 3 {
			t.Fatalf("read %d commands", len(bp.Commands))
		}
		Unknown(bp)
	})
}
