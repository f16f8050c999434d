package gen_test

import (
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
)

// A step that no rule can satisfy is named with its line, so that the build says why it is red.
func TestUnknownSteps(t *testing.T) {
	t.Parallel()
	for step, why := range map[string]string{
		`POST /tools {"name":"Drill"} -> 201 {"id":"$a","name":"Drill"}`:     "",
		`POST /tools {"name":"Drill"} -> 202`:                                "",
		`GET /tools -> 200 {"items":[{"name":"Drill"}],"total":1,"limit":5}`: "",
		`GET /tools/1 -> 404 {"whatever":{"a":1}}`:                           "",
		`PUT /nothing {} -> 405`:                                             "",
		`GET /healthz -> 200 {"status":"ok"}`:                                "",
		`GET /nothing -> 200`:                                                "no endpoint",
		`POST /tools {"colour":"red"} -> 201`:                                `"colour" is sent`,
		`GET /tools/1 -> 200 {"created_at":"now"}`:                           `"created_at" is expected`,
		`GET /tools -> 200 {"items":[{"size":1}]}`:                           `"size" is expected`,
		`GET /tools -> 200 {"items":[],"links":{}}`:                          `"links" is expected of a list`,
		`GET /tools/1 -> 206`:                                                "status 200, not 206",
	} {
		spec := "---\nname: x\ntype: rest-api\n---\n# X\n## Data\n- **Tool**: name (text, required)\n## Endpoints\n- `GET|POST /tools`\n- `GET|PATCH /tools/{id}`\n## Acceptance\n```http\n# first\n" + step + "\n```\n"
		us := gen.Unknown(blueprint.Read(spec))
		switch {
		case why == "" && len(us) > 0:
			t.Errorf("%s: got %v", step, us)
		case why != "" && (len(us) != 1 || !strings.Contains(us[0].Why, why) || us[0].Line != 14):
			t.Errorf("%s: got %v, want %s", step, us, why)
		}
	}
}

// Errors may stand in an object of their own, and by-field errors under the key of sentences.
func TestEnvelopeOfErrors(t *testing.T) {
	t.Parallel()
	const head = "---\nname: x\ntype: rest-api\n---\n# X\n## Data\n- **Tool**: name (text, required)\n## Endpoints\n- `GET|POST /tools`\n- `GET /tools/{id}`\n## Acceptance\n```http\n"
	m := gen.MannerOf(blueprint.Read(head + `GET /tools/9 -> 404 {"error":{"code":"no_such_thing","message":"not found"}}` + "\n" +
		`POST /tools {} -> 422 {"error":{"code":"wrong","details":{"name":"required"}}}` + "\n```\n"))
	if m.Envelope != "error" || m.Error != "message" || m.Errors != "details" || m.Codes[404] != "no_such_thing" || m.Codes[422] != "wrong" || m.Codes[409] != "conflict" || m.Invalid != 422 {
		t.Errorf("got %+v", m)
	}
	if m := gen.MannerOf(blueprint.Read(head + `POST /tools {} -> 400 {"error":{"name":"required"}}` + "\n```\n")); m.Envelope != "" || m.Errors != "error" || m.Error == "error" {
		t.Errorf("got %+v", m)
	}
}
