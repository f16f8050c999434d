package tools

import (
	"context"
	_ "embed"
	"os"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

//go:embed note.md
var noteWords string

const noteSchema = `{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}`

const mostNote = 4 << 10 // bytes

type noteInput struct {
	Text string `json:"text"`
}

func noteTool() tool {
	return define("note", noteWords, noteSchema, false, func(_ context.Context, _ *os.Root, in noteInput) (agent.ToolResult, error) {
		text := strings.TrimSpace(in.Text)
		switch {
		case text == "":
			return agent.ToolResult{}, fault(agent.CodeToolInput, "text is empty")
		case len(text) > mostNote:
			return agent.ToolResult{}, fault(CodeNoteTooLong, "the note has %d bytes, at most %d", len(text), mostNote)
		}
		return agent.ToolResult{Text: "noted", Note: text, Touched: []string{}}, nil
	})
}
