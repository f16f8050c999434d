package planner_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/planner"
)

func TestParseSession(t *testing.T) {
	t.Parallel()
	got, err := planner.ParseSession(strings.Join([]string{
		"# a day at the shelf", "",
		"$ shelf add Emma --pages 474", "added 1", "",
		"$ shelf show nothing", "! exit 1", `no book "nothing"`,
		"$ shelf list", "TITLE", "", "Emma  ", "", "",
		"$ shelf import - <<EOF", "a,b", "", "EOF", "imported 1",
		"$ shelf price", `\$ 12`, `\! low`, "! exit 3",
		`$ shelf add "Big Book" \`, "> --pages 2",
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []planner.Exchange{
		{Command: "shelf add Emma --pages 474", Output: "added 1", Line: 3},
		{Command: "shelf show nothing", Output: `no book "nothing"`, Exit: 1, Line: 6},
		{Command: "shelf list", Output: "TITLE\n\nEmma", Line: 9},
		{Command: "shelf import -", Stdin: "a,b\n\n", Output: "imported 1", Line: 15},
		{Command: "shelf price", Output: "$ 12\n! low", Exit: 3, Line: 20},
		{Command: `shelf add "Big Book" --pages 2`, Line: 24},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseSessionRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"empty":              {"", 1},
		"output first":       {"\nhello\n$ a", 2},
		"no command":         {"$ a\n$ \n", 2},
		"exit without code":  {"$ a\n! exit\n", 2},
		"exit out of range":  {"$ a\n! exit 256\n", 2},
		"two exits":          {"$ a\n! exit 1\n! exit 1\n", 3},
		"open here-document": {"$ a <<EOF\nb\n", 1},
		"only input":         {"$ <<EOF\nb\nEOF", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := planner.ParseSession(c.text)
			var le *planner.LineError
			if !errors.As(err, &le) || le.Line != c.line {
				t.Errorf("got %v, want a fault in line %d", err, c.line)
			}
		})
	}
}

func FuzzParseSession(f *testing.F) {
	f.Add("$ a <<EOF\nb\nEOF\nc\n! exit 2\n$ d \\\n> e\n")
	f.Fuzz(func(t *testing.T, text string) {
		xs, err := planner.ParseSession(text)
		lines := strings.Count(text, "\n") + 1
		if err != nil {
			var le *planner.LineError
			if !errors.As(err, &le) || le.Line < 1 || le.Line > lines {
				t.Fatalf("fault without a line of the session: %v", err)
			}
			return
		}
		for _, x := range xs {
			if x.Command == "" || x.Line < 1 || x.Line > lines || x.Exit < 0 || x.Exit > 255 {
				t.Fatalf("odd exchange %+v", x)
			}
		}
	})
}

func TestWords(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		`a  b`:                {"a", "b"},
		`a "b c" 'd "e' f\ g`: {"a", "b c", `d "e`, "f g"},
		`a "" ''`:             {"a", "", ""},
		`"\d\"\\"`:            {`\d"\`},
		` `:                   nil,
		`a "b`:                nil,
		`a \`:                 nil,
	} {
		got, err := planner.Words(line)
		if bad := strings.HasPrefix(line, "a ") && want == nil; bad != (err != nil) {
			t.Errorf("%q: error %v", line, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", line, d)
		}
	}
}
