package tools

import (
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

//go:embed list.md
var listWords string

const listSchema = `{"type":"object","properties":{"path":{"type":"string"},"glob":{"type":"string"}},"additionalProperties":false}`

const mostListed = 1000 // files of one listing

type listInput struct {
	Path string `json:"path"`
	Glob string `json:"glob"`
}

func (t *Toolbox) listTool() tool {
	return define("list_files", listWords, listSchema, true, func(ctx context.Context, root *os.Root, in listInput) (agent.ToolResult, error) {
		return says(t.list(ctx, root, in))
	})
}

func (t *Toolbox) list(ctx context.Context, root *os.Root, in listInput) (string, error) {
	if err := checkGlob(in.Glob); err != nil {
		return "", err
	}
	var b strings.Builder
	shown, more := 0, 0
	err := visit(ctx, root, in.Path, func(e entry) error {
		if in.Glob != "" && !matches(in.Glob, e.path) {
			return nil
		}
		line := listLine(e)
		if shown >= mostListed || b.Len()+len(line) > mostShown {
			more++
			return nil
		}
		shown++
		b.WriteString(line)
		return nil
	})
	if err != nil {
		return "", err
	}
	switch {
	case shown == 0:
		return "[no files]", nil
	case more > 0:
		fmt.Fprintf(&b, "[%s more; narrow path or glob]\n", count(more, "file"))
	}
	return b.String(), nil
}

func listLine(e entry) string {
	switch {
	case e.info.Mode()&fs.ModeSymlink != 0:
		return fmt.Sprintf("%s (link)\n", e.path)
	case !e.info.Mode().IsRegular():
		return fmt.Sprintf("%s (special)\n", e.path)
	default:
		return fmt.Sprintf("%s %d\n", e.path, e.info.Size())
	}
}
