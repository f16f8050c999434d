package planfile

import (
	"bytes"
	"fmt"
	"reflect"

	"gopkg.in/yaml.v3"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// SchemaURL is where editors find the schema of plan files.
const SchemaURL = "https://github.com/seed-c331f47d/builder/raw/main/docs/plan.schema.json"

// header stands at the top of every written plan.
const header = `# yaml-language-server: $schema=` + SchemaURL + `
#
# A plan says everything a build will do. Edit it, then run: builder build --plan FILE -o DIR
# Gates decide when a task is done; writes are the files a task may touch; needs order the tasks.
# The hash of the spec keeps plan and spec together: after a change of the spec, plan anew.
`

// Encode writes a plan as YAML that [Decode] reads back to the same plan.
func Encode(p *planner.Plan) ([]byte, error) {
	root, err := nodeOf(reflect.ValueOf(p).Elem())
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	var b bytes.Buffer
	b.WriteString(header)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return b.Bytes(), nil
}

// Hash gives the plan's identity, the SHA-256 of its canonical JSON in lower-case hex.
func Hash(p *planner.Plan) (string, error) { return p.Hash() }
