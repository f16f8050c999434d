package blueprint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

func shelfEntities() []blueprint.Entity {
	return []blueprint.Entity{
		{Name: "Book", Plural: "books", Fields: []blueprint.Field{
			{Name: "title", Key: "title", Kind: blueprint.Text, Required: true},
			{Name: "author", Key: "author", Kind: blueprint.Text},
			{Name: "bought on", Key: "bought_on", Kind: blueprint.Date},
			{Name: "pages", Key: "pages", Kind: blueprint.Integer},
			{Name: "read", Key: "read", Kind: blueprint.Bool},
			{Name: "tags", Key: "tags", Kind: blueprint.Text, List: true},
		}},
		{Name: "Loan", Plural: "loans", Fields: []blueprint.Field{
			{Name: "book", Key: "book", Kind: blueprint.Ref, Ref: "Book", Required: true},
			{Name: "borrower", Key: "borrower", Kind: blueprint.Text, Required: true},
			{Name: "returned", Key: "returned", Kind: blueprint.Bool},
		}},
	}
}

func TestReadCommands(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]blueprint.Command{
		"- `shelf add TITLE [-a, --author A] [--bought DATE] [--tag T]...` adds a book": {
			Name: "add", Entity: "Book", Action: blueprint.ActCreate, Text: "adds a book",
			Args: []blueprint.Arg{{Name: "title", Use: blueprint.UseField, Field: "title"}},
			Flags: []blueprint.Arg{
				{Name: "author", Short: "a", Use: blueprint.UseField, Field: "author", Value: "A", Optional: true},
				{Name: "bought", Use: blueprint.UseField, Field: "bought_on", Value: "DATE", Optional: true},
				{Name: "tag", Use: blueprint.UseField, Field: "tags", Value: "T", Optional: true, Many: true},
			},
		},
		"- `shelf list [--unread] [--sort title|pages] [--min-pages N]`": {
			Name: "list", Entity: "Book", Action: blueprint.ActList,
			Flags: []blueprint.Arg{
				{Name: "unread", Use: blueprint.UseField, Field: "read", Equals: "no", Optional: true, Bool: true},
				{Name: "sort", Use: blueprint.UseSort, Value: "title|pages", Optional: true},
				{Name: "min-pages", Use: blueprint.UseField, Field: "pages", Compare: ">=", Value: "N", Optional: true},
			},
		},
		"- `shelf lend ID --to NAME` lends a book": {
			Name: "lend", Entity: "Loan", Action: blueprint.ActCreate, Text: "lends a book",
			Args:  []blueprint.Arg{{Name: "id", Use: blueprint.UseField, Field: "book"}},
			Flags: []blueprint.Arg{{Name: "to", Use: blueprint.UseField, Field: "borrower", Value: "NAME"}},
		},
		"- `shelf buy ID --on DATE` notes when a book was bought": {
			Name: "buy", Entity: "Book", Action: blueprint.ActUpdate, Text: "notes when a book was bought",
			Args:  []blueprint.Arg{{Name: "id", Use: blueprint.UseID}},
			Flags: []blueprint.Arg{{Name: "on", Use: blueprint.UseField, Field: "bought_on", Value: "DATE"}},
		},
		"- `shelf return LOAN` ends a loan": {
			Name: "return", Entity: "Loan", Action: blueprint.ActSet, Text: "ends a loan",
			Args: []blueprint.Arg{{Name: "loan", Use: blueprint.UseID}},
			Set:  []blueprint.Match{{Field: "returned", Value: "yes"}},
		},
		"- `shelf book remove ID...` removes books": {
			Name: "book remove", Entity: "Book", Action: blueprint.ActDelete, Text: "removes books",
			Args: []blueprint.Arg{{Name: "id", Use: blueprint.UseID, Many: true}},
		},
	} {
		got, unknown := blueprint.ReadCommands(line, 7, "shelf", shelfEntities())
		want.Line = 7
		if diff := cmp.Diff([]blueprint.Command{want}, got); diff != "" || len(unknown) > 0 {
			t.Errorf("%s: %v %s", line, unknown, diff)
		}
	}
}

func TestReadCommandsSaysWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"- `shelf frobnicate TITLE` does wonders",
		"- `shelf add TITLE --colour C` paints",
		"- `shelf add TITLE --pages DATE --when DATE --day DATE` adds a book",
		"- `shelf list --overdue` lists what is late",
		"- `shelf show` shows something",
		"- `shelf export` writes it all",
		"- `shelf export FILE` writes it all",
		"- `shelf add --author A` adds a book",
		"- `shelf stats --by FIELD` counts the books per field",
		"- `shelf clear` deletes all books",
	} {
		got, unknown := blueprint.ReadCommands(line, 3, "shelf", shelfEntities())
		if len(unknown) != 1 || unknown[0].Line != 3 || unknown[0].Why == "" {
			t.Errorf("%s: commands %+v, unknown %+v", line, got, unknown)
		}
	}
}

// A verb may name the date that it fills; a date goes to no other kind of field.
func TestVerbsThatStamp(t *testing.T) {
	t.Parallel()
	bp := blueprint.Read("---\nname: p\ntype: cli-tool\n---\n# P\n## Data\n- **Plant**: name (text, required, unique), every (integer, required), watered (date)\n## Commands\n- `p water NAME --on DATE` notes when a plant was watered\n")
	if len(bp.Unknown) > 0 || len(bp.Commands) != 1 {
		t.Fatalf("unknown %+v", bp.Unknown)
	}
	c := bp.Commands[0]
	if c.Action != blueprint.ActUpdate || c.Args[0].Use != blueprint.UseLookup || c.Flags[0].Field != "watered" {
		t.Errorf("got %+v", c)
	}
}

func TestReadSession(t *testing.T) {
	t.Parallel()
	got := blueprint.ReadSession(blueprint.Block{Line: 10, Text: "$ shelf add \"Moby Dick\" --author 'O''Neill'\nadded\n\n$ X=1 shelf show 9\n! exit 1\nno book 9\n$ shelf list | head\n"})
	want := []blueprint.Step{
		{Command: `shelf add "Moby Dick" --author 'O''Neill'`, Argv: []string{"shelf", "add", "Moby Dick", "--author", "ONeill"}, Output: []string{"added"}, Line: 10},
		{Command: "X=1 shelf show 9", Argv: []string{"shelf", "show", "9"}, Env: []string{"X=1"}, Output: []string{"no book 9"}, Exit: 1, Line: 13},
		{Command: "shelf list | head", Line: 16},
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadCommands(f *testing.F) {
	f.Add("- `shelf add TITLE [--author A]...` adds\n| `list` | x |\n```\nshelf show ID\n```")
	f.Add("`shelf [[--a (b|c) -x -- ... <y`")
	f.Fuzz(func(t *testing.T, body string) {
		commands, _ := blueprint.ReadCommands(body, 1, "shelf", shelfEntities())
		for _, c := range commands {
			if c.Name == "" || c.Action == blueprint.ActOther || c.Line < 1 {
				t.Errorf("command without meaning: %+v", c)
			}
			for _, a := range append(c.Args, c.Flags...) {
				if a.Use == "" {
					t.Errorf("argument without use: %+v", c)
				}
			}
		}
	})
}

func FuzzReadSession(f *testing.F) {
	f.Add("$ shelf add 'x\\' \"y\\\"\" z\\ w\n! exit 2\nout\n")
	f.Add("$ \n$ $(x)\n! exit -1\n! exit x\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range blueprint.ReadSession(blueprint.Block{Text: text, Line: 1}) {
			if s.Line < 1 {
				t.Errorf("step without line: %+v", s)
			}
		}
	})
}

func TestConventionsOfToolsAreKnown(t *testing.T) {
	t.Parallel()
	spec := "---\nname: shelf\ntype: cli-tool\n---\n# Shelf\n\n## Data\n\n- **Book**: title (text)\n\n## Rules\n\n"
	for sentence, known := range map[string]bool{
		"Errors go to stderr and exit with code 1.":     true,
		"Unknown ids exit with 1.":                      true,
		"Unknown commands exit with status 2.":          true,
		"Ids are never reused.":                         true,
		"Unknown ids must exit with 3.":                 false,
		"Errors must go to stderr and a file.":          false,
		"Ids must be given in the order of the titles.": false,
	} {
		bp := blueprint.Read(spec + "- " + sentence + "\n")
		if got := len(bp.Unknown) == 0; got != known {
			t.Errorf("%s: known %t, want %t: %v", sentence, got, known, bp.Unknown)
		}
	}
}
