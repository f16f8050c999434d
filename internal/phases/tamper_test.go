package phases

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Law L5: what an agent does at the place of a gate's own files fails the round, by name.
func TestTampering(t *testing.T) {
	t.Parallel()
	const frozen = "test/check.py"
	plan := &planner.Plan{Gates: []planner.Gate{
		{ID: "one", Frozen: []planner.FrozenFile{{Path: "./" + frozen, Content: "right"}}},
		{ID: "two", Frozen: []planner.FrozenFile{{Path: frozen, Content: "right too"}}},
	}}
	file := func(path, content string) Entry {
		return Entry{Path: path, Mode: ModeFile, Blob: checkpoint.HashOf([]byte(content)), Size: int64(len(content))}
	}
	link := file(frozen, "right")
	link.Mode = ModeSymlink
	for name, c := range map[string]struct {
		base, now Manifest
		bad       string
	}{
		"other files":       {nil, Manifest{file("a.py", "x"), file("test/mine.py", "x"), file("tests", "x")}, ""},
		"the plan's own":    {nil, Manifest{file(frozen, "right")}, ""},
		"its other version": {Manifest{file(frozen, "right")}, Manifest{file(frozen, "right too")}, ""},
		"weakened":          {nil, Manifest{file(frozen, "wrong")}, frozen},
		"edited":            {Manifest{file(frozen, "right")}, Manifest{file(frozen, "wrong")}, frozen},
		"deleted":           {Manifest{file(frozen, "right")}, nil, frozen},
		"a user's, kept":    {Manifest{file(frozen, "old")}, Manifest{file("a.py", "x"), file(frozen, "old")}, ""},
		"a link":            {nil, Manifest{link}, frozen},
		"a folder there":    {nil, Manifest{file(frozen+"/x", "x")}, frozen + "/x"},
		"a file above":      {nil, Manifest{file("test", "x")}, "test"},
		"folder was file":   {Manifest{file("test", "x")}, Manifest{file(frozen, "right")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := (&prover{plan: plan, base: c.base}).tampered(c.now)
			if (v != nil) != (c.bad != "") {
				t.Fatalf("got %+v", v)
			}
			if v != nil && (v.Accepted || v.Signature == "" || !strings.HasPrefix(v.Feedback, "E_GATE_TAMPERED: ") || !slices.Contains(strings.Split(v.Feedback, "\n"), "- "+c.bad)) {
				t.Errorf("got %+v", v)
			}
		})
	}
}
