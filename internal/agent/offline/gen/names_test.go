package gen_test

import (
	"go/token"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
)

// Whatever names a spec gives, the Go names are exported identifiers that differ from each other.
func TestNamesAreIdentifiers(t *testing.T) {
	t.Parallel()
	odd := rapid.SampledFrom([]string{
		"type", "Type", "TYPE", "func", "range", "2nd owner", "größe", "name-of", "name of", "nameOf", "ID", "with", "Text", "text", "error",
		"Money", "Input", "Date", "New Tool", "Tool", "Tools", "日本", "url", "a", "x y z", "Unit test", "linux", "Filter tool", "String", "_", "doc",
	})
	name := rapid.OneOf(odd, rapid.StringN(1, 12, 40))
	rapid.Check(t, func(t *rapid.T) {
		bp := &blueprint.Blueprint{Name: name.Draw(t, "program"), Type: "cli-tool"}
		for range rapid.IntRange(1, 4).Draw(t, "entities") {
			e := blueprint.Entity{Name: name.Draw(t, "entity"), Plural: name.Draw(t, "plural")}
			for range rapid.IntRange(1, 5).Draw(t, "fields") {
				e.Fields = append(e.Fields, blueprint.Field{Name: name.Draw(t, "field"), Kind: blueprint.Text})
			}
			bp.Entities = append(bp.Entities, e)
		}
		n := gen.NamesOf(bp)
		types, files := map[string]bool{}, map[string]bool{}
		for _, e := range n.Entities {
			for _, id := range []string{e.Type, "New" + e.Type, "Filter" + e.Type, e.Type + "Keys", "List" + e.Types} {
				if !token.IsIdentifier(id) || !token.IsExported(id) || types[id] {
					t.Fatalf("%q of %q is no identifier of its own", id, e.Name)
				}
				types[id] = true
			}
			if e.Stem == "" || files[e.Stem] {
				t.Fatalf("file %q of %q is there already", e.Stem, e.Name)
			}
			files[e.Stem] = true
			fields := map[string]bool{}
			for _, f := range e.Fields {
				if !token.IsIdentifier(f.Go) || !token.IsExported(f.Go) || fields[f.Go] {
					t.Fatalf("%q of %q is no identifier of its own", f.Go, f.Name)
				}
				fields[f.Go] = true
			}
		}
		if n.Program == "" || !utf8.ValidString(n.Module) {
			t.Fatalf("program %q, module %q", n.Program, n.Module)
		}
	})
}
