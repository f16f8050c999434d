package tools

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

//go:embed read.md
var readWords string

const readSchema = `{"type":"object","properties":{"path":{"type":"string"},"offset":{"type":"integer","minimum":1},"limit":{"type":"integer","minimum":1},"numbers":{"type":"boolean"}},"required":["path"],"additionalProperties":false}`

type readInput struct {
	Path    string `json:"path"`
	Offset  int    `json:"offset"`
	Limit   int    `json:"limit"`
	Numbers bool   `json:"numbers"`
}

func (t *Toolbox) readTool() tool {
	return define("read_file", readWords, readSchema, true, func(_ context.Context, root *os.Root, in readInput) (agent.ToolResult, error) {
		return says(t.read(root, in))
	})
}

func (t *Toolbox) read(root *os.Root, in readInput) (string, error) {
	p, err := walk(root, in.Path, false)
	if err != nil {
		return "", err
	}
	defer p.close()
	content, _, err := p.read(mostRead, CodeFileTooLarge)
	if err != nil {
		return "", err
	}
	if binary(content) {
		return "", fault(CodeFileBinary, "%q is no text; it has %s", p.path, count(len(content), "byte"))
	}
	return page(valid(content), in), nil
}

// page shows the lines asked for, as many as fit, and says how to go on.
func page(text string, in readInput) string {
	total := lineCount(text)
	if total == 0 {
		return "[the file is empty]"
	}
	from, to := max(in.Offset, 1), total
	if from > total {
		return fmt.Sprintf("[the file has %s, there is no line %d]", count(total, "line"), from)
	}
	if in.Limit > 0 && in.Limit < total {
		to = min(total, from+in.Limit-1)
	}
	var b strings.Builder
	n, shown := 0, 0
	for line := range strings.Lines(text) {
		if n++; n < from || n > to {
			continue
		}
		if in.Numbers {
			line = fmt.Sprintf("%6d\t%s", n, line)
		}
		if b.Len() > 0 && b.Len()+len(line) > mostShown {
			break
		}
		b.WriteString(shorten(line, mostShown))
		shown = n
	}
	if shown == total {
		return b.String()
	}
	return fmt.Sprintf("%s\n[lines %d to %d of %d; go on with offset %d]", strings.TrimSuffix(b.String(), "\n"), from, shown, total, shown+1)
}
