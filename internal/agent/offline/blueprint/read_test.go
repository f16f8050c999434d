package blueprint_test

import (
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

const toolshed = "---\nname: toolshed\ntype: rest-api\n---\n# Toolshed\nNeighbours lend each other tools.\n\n## Data\n" +
	"- **Tool**: name (text, required, unique), kind (one of: hand, power, garden), price (money), bought on (date), broken (yes/no, default no), tags (list of text)\n" +
	"- **Loan**: tool (ref Tool, required), borrower (text, required, 2-80 chars), due (date, required), returned (yes/no, default no)\n\n## Endpoints\n" +
	"- `POST /tools` creates a tool; `GET /tools?kind=power&broken=no&sort=price&limit=20` lists with filters, sorting and pages\n" +
	"- `GET|PATCH|DELETE /tools/{id}`; deleting a tool that is lent answers 409\n- `POST /loans` and `GET /loans`\n- `POST /loans/{id}/return` marks the loan returned\n\n## Rules\n- A broken tool cannot be lent.\n- At most 3 open loans per borrower.\n\n" +
	"## Running\n`toolshed serve --addr HOST:PORT --data DIR`\n\n## Acceptance\n```http\nPOST /tools {\"name\":\"Drill\"} -> 201 {\"id\":\"$tool\"}\n```\n"

func TestReadShow(t *testing.T) {
	bp := blueprint.Read(toolshed)
	for _, e := range bp.Entities {
		t.Logf("%s/%s", e.Name, e.Plural)
		for _, f := range e.Fields {
			t.Logf("   %+v", f)
		}
	}
	for _, e := range bp.Endpoints {
		t.Logf("%+v", e)
	}
	for _, e := range bp.Rules {
		t.Logf("%+v", e)
	}
	t.Logf("%q", bp.Running)
	for _, e := range bp.Unknown {
		t.Errorf("%+v", e)
	}
}
