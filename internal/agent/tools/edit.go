package tools

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

//go:embed edit.md
var editWords string

const editSchema = `{"type":"object","properties":{"path":{"type":"string"},"old":{"type":"string"},"new":{"type":"string"}},"required":["path","old","new"],"additionalProperties":false}`

type editInput struct {
	Path string  `json:"path"`
	Old  string  `json:"old"`
	New  *string `json:"new"`
}

func (t *Toolbox) editTool() tool {
	return define("edit_file", editWords, editSchema, false, func(_ context.Context, root *os.Root, in editInput) (agent.ToolResult, error) {
		return t.edit(root, in)
	})
}

func (t *Toolbox) edit(root *os.Root, in editInput) (agent.ToolResult, error) {
	clean, err := cleaned(in.Path)
	if err != nil {
		return agent.ToolResult{}, err
	}
	if err := t.mayWrite(clean); err != nil {
		return agent.ToolResult{}, err
	}
	p, err := walk(root, clean, false)
	if err != nil {
		return agent.ToolResult{}, err
	}
	defer p.close()
	content, _, err := p.read(mostFile, CodeEditTooLarge)
	if err != nil {
		return agent.ToolResult{}, err
	}
	if binary(content) {
		return agent.ToolResult{}, fault(CodeFileBinary, "%q is no text", p.path)
	}
	edited, line, err := replaceOnce(string(content), in)
	if err != nil {
		return agent.ToolResult{}, err
	}
	if _, err := p.write([]byte(edited)); err != nil {
		return agent.ToolResult{}, err
	}
	return changed(p, fmt.Sprintf("edited %s at line %d", p.path, line)), nil
}

// replaceOnce replaces the one place where in.Old stands and returns its line.
func replaceOnce(text string, in editInput) (edited string, line int, err error) {
	switch {
	case in.New == nil:
		return "", 0, fault(CodeEditInvalid, "new is missing; to delete text it is \"\"")
	case in.Old == "":
		return "", 0, fault(CodeEditInvalid, "old is empty; write_file writes whole files")
	case in.Old == *in.New:
		return "", 0, fault(CodeEditInvalid, "old and new are the same")
	case len(text)-len(in.Old)+len(*in.New) > mostFile:
		return "", 0, fault(CodeEditTooLarge, "the file would have %d bytes, at most %d", len(text)-len(in.Old)+len(*in.New), mostFile)
	}
	at := strings.Index(text, in.Old)
	if at < 0 {
		return "", 0, fault(CodeEditNoMatch, "old does not occur in %s. %s", clip(in.Path), nearest(text, in.Old))
	}
	if again := strings.Index(text[at+1:], in.Old); again >= 0 {
		n, lines := occurrences(text, in.Old)
		return "", 0, fault(CodeEditAmbiguous, "old occurs %d times in %s, at lines %s; take more lines around the one you mean", n, clip(in.Path), lines)
	}
	return text[:at] + *in.New + text[at+len(in.Old):], lineAt(text, at), nil
}

// occurrences counts where old stands, overlaps included, and lists the first five lines.
func occurrences(text, old string) (n int, lines string) {
	var list []string
	for at := 0; ; {
		i := strings.Index(text[at:], old)
		if i < 0 {
			break
		}
		if n++; n <= 5 {
			list = append(list, fmt.Sprint(lineAt(text, at+i)))
		} else if n > 1000 {
			break
		}
		at += i + 1
	}
	if n > 5 {
		list = append(list, "…")
	}
	return n, strings.Join(list, ", ")
}

// lineAt is the line of byte at, counted from 1.
func lineAt(text string, at int) int { return 1 + strings.Count(text[:at], "\n") }
