package clitool

import (
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

const notes = "---\nname: notes\ntype: cli-tool\n---\n# Notes\n## Data\n- **Note**: text (text, required), size (integer, max 5)\n## Commands\n- `notes add TEXT [--size N]` adds a note\n- `notes list` lists the notes\n## Acceptance\n"

// Exit codes are learned from refusals whose words are not shown, too.
func TestExitCodesWithoutWords(t *testing.T) {
	t.Parallel()
	p := newProgram(blueprint.Read(notes + "```console\n$ notes\n! exit 4\n$ notes add\n! exit 4\n$ notes add x --size 9\n! exit 3\n```\n"))
	v, unknown := learn(p)
	if len(unknown) > 0 || v.exits["usage"] != 4 || v.exits["domain"] != 3 {
		t.Errorf("got %v, unknown %+v", v.exits, unknown)
	}
}

// What contradicts itself or is in nobody's words is open, and so is what stands behind it.
func TestSessionsBeyondTheRules(t *testing.T) {
	t.Parallel()
	for name, session := range map[string]string{
		"two codes for one refusal":  "$ notes add x --size 9\n! exit 3\n$ notes add y --size 8\n! exit 4\n",
		"words of the help":          "$ notes\nwrite notes!\n",
		"a total that no rule gives": "$ notes add x\n17 signs\n$ notes add yy\n26 signs\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bp := blueprint.Read(notes + "```console\n$ notes add fine\n" + session + "$ notes list\n```\n")
			if _, unknown := learn(newProgram(bp)); len(unknown) == 0 {
				t.Fatal("nothing is open")
			}
			us, err := Units(bp)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range us[1].Files {
				if strings.HasSuffix(f.Path, "cli_test.go") && (!strings.Contains(f.Content, `{[]string{"add", "fine"}, "", 0}`) || strings.Contains(f.Content, `"list"}, ""`)) {
					t.Errorf("the generated tests do not end before the step: %s", f.Content)
				}
			}
		})
	}
}
