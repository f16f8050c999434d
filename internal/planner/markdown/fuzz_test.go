package markdown_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(toolshed))
	f.Add([]byte("# A\n## B\n- x:\n  - must y\n    - z\n\n1. `a`\n> - q must\n\n| a | b |\n|--|--|\n| c | d |\n"))
	f.Add([]byte("A\n===\n\n<!-- c -->\n<p>must</p>\n\n    code\n## Acceptance\n```console\n$ a\n! exit 2\n```\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := markdown.Parse("s.md", data)
		if err != nil {
			var ps planner.Problems
			if !errors.As(err, &ps) || len(ps) == 0 {
				t.Fatalf("an error that is no problem: %v", err)
			}
			for _, p := range ps {
				if p.Code == "" || p.Where == "" || p.What == "" || p.Hint == "" {
					t.Fatalf("half a problem: %+v", p)
				}
			}
			return
		}
		total := strings.Count(spec.Text, "\n") + 1
		check := func(what, lines string) {
			first, last, found := strings.Cut(lines, "-")
			if !found {
				last = first
			}
			a, errA := strconv.Atoi(first)
			b, errB := strconv.Atoi(last)
			if errA != nil || errB != nil || a < 1 || b < a || b > total {
				t.Fatalf("%s has lines %q of %d", what, lines, total)
			}
		}
		for i, r := range spec.Requirements {
			check(string(r.ID), r.Source)
			if r.Text == "" || string(r.ID) != fmt.Sprintf("R%d", i+1) {
				t.Fatalf("odd requirement %+v", r)
			}
		}
		for _, s := range spec.Sections {
			check(s.Title, fmt.Sprintf("%d-%d", s.First, s.Last))
		}
		for _, g := range spec.Acceptance {
			check(string(g.ID), g.Source)
		}
		if spec.Project.Name == "" || !spec.Project.Type.Valid() {
			t.Fatalf("project %+v", spec.Project)
		}
	})
}

// No text that asks is lost, wherever it stands: generated documents hold marked items and
// sentences in sections, lists, nested lists, quotes and tables.
func TestNoRequirementIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var doc strings.Builder
		var marks []string
		mark := func() string {
			marks = append(marks, fmt.Sprintf("mark%dx", len(marks)))
			return marks[len(marks)-1]
		}
		doc.WriteString("# Title\n\n")
		for range rapid.IntRange(1, 12).Draw(t, "blocks") {
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				fmt.Fprintf(&doc, "## Part\n\n")
			case 1:
				fmt.Fprintf(&doc, "- %s\n  - %s must\n    - %s\n- %s\n\n", mark(), mark(), mark(), mark())
			case 2:
				fmt.Fprintf(&doc, "A word. It must %s. Another.\nIt shall never\n%s at all.\n\n", mark(), mark())
			case 3:
				fmt.Fprintf(&doc, "> It cannot %s.\n\n", mark())
			case 4:
				fmt.Fprintf(&doc, "| a | b |\n|---|---|\n| c | %s |\n| %s | d |\n\n", mark(), mark())
			case 5:
				fmt.Fprintf(&doc, "It must have:\n\n1. %s\n2. %s\n\n   more %s\n\n", mark(), mark(), mark())
			case 6:
				fmt.Fprintf(&doc, "```\nnot this\n```\n\n* Lead %s:\n  * `GET /%s`\n\n", mark(), mark())
			}
		}
		spec, err := markdown.Parse("s.md", []byte(doc.String()))
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, r := range spec.Requirements {
			all.WriteString(r.Text + "\n")
		}
		for _, m := range marks {
			if !strings.Contains(all.String(), m) {
				t.Fatalf("%s is lost in\n%s\nfound\n%s", m, doc.String(), all.String())
			}
		}
	})
}
