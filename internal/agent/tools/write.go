package tools

import (
	"context"
	_ "embed"
	"fmt"
	"os"

	"github.com/seed-c331f47d/builder/internal/agent"
)

//go:embed write.md
var writeWords string

const writeSchema = `{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string","description":"The whole file."}},"required":["path","content"],"additionalProperties":false}`

type writeInput struct {
	Path    string  `json:"path"`
	Content *string `json:"content"`
}

func (t *Toolbox) writeTool() tool {
	return define("write_file", writeWords, writeSchema, false, func(_ context.Context, root *os.Root, in writeInput) (agent.ToolResult, error) {
		return t.write(root, in)
	})
}

func (t *Toolbox) write(root *os.Root, in writeInput) (agent.ToolResult, error) {
	if in.Content == nil {
		return agent.ToolResult{}, fault(CodeEditInvalid, "content is missing; an empty file has the content \"\"")
	}
	if len(*in.Content) > mostFile {
		return agent.ToolResult{}, fault(CodeEditTooLarge, "the content has %d bytes, at most %d", len(*in.Content), mostFile)
	}
	p, err := t.target(root, in.Path)
	if err != nil {
		return agent.ToolResult{}, err
	}
	defer p.close()
	existed, err := p.write([]byte(*in.Content))
	if err != nil {
		return agent.ToolResult{}, err
	}
	did := "wrote new file"
	if existed {
		did = "replaced"
	}
	return changed(p, fmt.Sprintf("%s %s (%s)", did, p.path, count(lineCount(*in.Content), "line"))), nil
}

// target opens the place of a file that is to be written, and makes its folders. Nothing is made
// for a path that may not be written.
func (t *Toolbox) target(root *os.Root, path string) (place, error) {
	clean, err := cleaned(path)
	if err != nil {
		return place{}, err
	}
	if err := t.mayWrite(clean); err != nil {
		return place{}, err
	}
	return walk(root, clean, true)
}
