package agent

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
)

// Roles an agent can have; each has its prompt in prompts/<role>.md.
const (
	Engineer = "engineer"
	Planner  = "planner"
	Reviewer = "reviewer"
	Writer   = "writer"
)

//go:embed prompts/*.md
var prompts embed.FS

// prompt reads an embedded prompt; it is a programmer's mistake to name one that is not there.
func prompt(name string) string {
	text, err := prompts.ReadFile("prompts/" + name + ".md")
	if err != nil {
		panic(fmt.Sprintf("read prompt %s: %v", name, err))
	}
	return strings.TrimSpace(string(text))
}

// rolePrompt is the prompt of a role. Roles come from plans, which are untrusted: an unknown one
// works as an engineer.
func rolePrompt(role string) string {
	switch role {
	case Planner, Reviewer, Writer:
		return prompt(role)
	default:
		return prompt(Engineer)
	}
}

// PromptVersion names the words this program tells models: the first 12 hex digits of a SHA-256
// over all prompt files, names and contents.
func PromptVersion() string {
	h := sha256.New()
	names, err := fs.Glob(prompts, "prompts/*.md") // sorted
	if err != nil {
		panic(fmt.Sprintf("list prompts: %v", err))
	}
	for _, name := range names {
		text, err := prompts.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("read %s: %v", name, err))
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
