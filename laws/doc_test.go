package laws

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/laws.md")

const docFile = "../docs/laws.md"

// docs/laws.md shows the table as it is.
func TestDocumentShowsTheTable(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), "<!-- table -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatal("docs/laws.md has no place for the table")
	}
	want := before + "<!-- table -->\n" + table() + "<!-- end -->" + after
	if want == string(raw) {
		return
	}
	if !*update {
		t.Fatal("the table of docs/laws.md is not that of mutations_test.go: go test ./laws -update")
	}
	if err := os.WriteFile(docFile, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// table is a line for each mutation: the law, what its guard keeps, where it stands, what is put in its
// place, and the tests of which one must fail then.
func table() string {
	var b strings.Builder
	b.WriteString("| law | what is kept | guard in | the mutation | then fails |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range mutations {
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s |\n", m.law, m.kept, m.file, change(m), named(m.tests))
	}
	return b.String()
}

// change tells a mutation in a cell: the first line that is other than before.
func change(m mutation) string {
	old, new := strings.Split(strings.TrimSpace(m.old), "\n"), strings.Split(strings.TrimSpace(m.new), "\n")
	i := 0
	for i < len(old) && i < len(new) && old[i] == new[i] {
		i++
	}
	if i == len(old) { // only added to
		i--
	}
	gone := code(old[i])
	if i >= len(new) || strings.TrimSpace(new[i]) == "" {
		return gone + " is taken out"
	}
	return gone + " becomes " + code(new[i])
}

// code shows a line of code in a cell.
func code(line string) string {
	line = strings.TrimSpace(line)
	if r := []rune(line); len(r) > 70 {
		line = string(r[:69]) + "…"
	}
	return "<code>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;").Replace(line) + "</code>"
}

func named(tests string) string {
	names := strings.Split(tests, "|")
	for i, n := range names {
		names[i] = "`" + strings.TrimSuffix(n, "$") + "`"
	}
	return strings.Join(names, ", ")
}
