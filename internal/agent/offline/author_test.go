package offline_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
)

const shed = "---\nname: toolshed\ntype: rest-api\n---\n# Toolshed\nNeighbours lend each other tools.\n\n## Data\n" +
	"- **Tool**: name (text, required, unique), broken (yes/no, default no)\n\n## Endpoints\n" +
	"- `POST /tools` creates a tool; `GET /tools` lists\n- `GET|PATCH|DELETE /tools/{id}`\n\n## Running\n`toolshed serve --addr HOST:PORT --data DIR`\n"

const shelf = "---\nname: shelf\ntype: cli-tool\n---\n# Shelf\nKeeps books.\n\n## Data\n- **Book**: title (text, required), pages (number)\n\n## Commands\n" +
	"- `shelf add TITLE --pages N` adds a book\n- `shelf list` lists the books\n"

type drafted struct {
	Phases []struct {
		Tasks []struct {
			ID    string
			Gates []string
		}
	}
	Gates []struct{ ID string }
}

func (d drafted) tasks() []string {
	var ids []string
	for _, p := range d.Phases {
		for _, t := range p.Tasks {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// said posts a body and returns the text and the calls of the answer.
func said(t *testing.T, body string) (text string, calls []map[string]string) {
	t.Helper()
	status, got, _ := post(t, offline.Handler(offline.Options{}), "/v1/messages", body)
	var m struct {
		Content []struct {
			Type, Text, Name string
			Input            map[string]string
		}
	}
	if err := json.Unmarshal([]byte(got), &m); err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, got, err)
	}
	for _, b := range m.Content {
		if b.Type == "text" {
			text += b.Text
			continue
		}
		b.Input["tool"] = b.Name
		calls = append(calls, b.Input)
	}
	return text, calls
}

func planBody(t *testing.T, spec string) string {
	t.Helper()
	return encode(t, map[string]any{
		"model": "offline", "max_tokens": 32_000,
		"messages":      []any{map[string]any{"role": "user", "content": "<spec path=\"s.md\">\n" + spec + "\n</spec>\n<requirements>\n<requirement id=\"R1\" lines=\"9\">all</requirement>\n</requirements>\n"}},
		"output_config": map[string]any{"format": map[string]any{"type": "json_schema", "schema": map[string]any{"title": "builder-plan-draft-1", "type": "object"}}},
	})
}

// What Builder ships plans and writes programs of both types: every task of its own plan is carried
// out in one turn that ends with finish.
func TestShippedRulesCarryOutTheirOwnPlan(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]string{"rest-api": shed, "cli-tool": shelf} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, _ := said(t, planBody(t, spec))
			var d drafted
			if err := json.Unmarshal([]byte(text), &d); err != nil {
				t.Fatal(err)
			}
			if len(d.tasks()) < 1 || slices.Contains(d.tasks(), "open.needs-model") {
				t.Fatalf("tasks %v", d.tasks())
			}
			written := map[string]bool{}
			for _, id := range d.tasks() {
				body := strings.Replace(taskBody(t, 120_000, false), "app.core", id, 1)
				body = strings.Replace(body, `# Toolshed\n- x\n`, escaped(spec), 1)
				body = strings.Replace(body, `lines=\"2\"`, `lines=\"9\"`, 1)
				_, calls := said(t, body)
				for _, c := range calls {
					written[c["path"]] = true
				}
				if last := calls[len(calls)-1]; last["tool"] != "finish" {
					t.Errorf("task %s ends with %v", id, last)
				}
			}
			for _, path := range []string{"go.mod", "go.sum", "README.md"} {
				if !written[path] {
					t.Errorf("%s was not written", path)
				}
			}
		})
	}
}

// escaped is s as it stands inside a JSON string, as encoding/json writes it.
func escaped(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b[1 : len(b)-1])
}

// Specs from which nothing follows give one task that is blocked, and never a panic.
func TestShippedRulesOnOddSpecs(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{
		"", "\x00\xff", "# Only a title", "---\ntype: full-stack\n---\n# X\n## Pages\n- Home\n", "---\ntype: rest-api\n---\n", "---\ntype: cli-tool\n---\n# X\n## Data\n## Commands\n",
		"---\ntype: [rest-api\n---\n## Data\n- **Tool**: (", strings.Repeat("#", 9000), "```\n```http\n", "## Data\n- **func**: type (text), func (ref func, required)\n## Endpoints\n- `GET`",
	} {
		text, _ := said(t, planBody(t, spec))
		var d drafted
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatalf("%q: %v", spec, err)
		}
		if got := d.tasks(); len(got) != 1 || got[0] != "open.needs-model" {
			t.Errorf("%q: tasks %v", spec, got)
		}
	}
}
