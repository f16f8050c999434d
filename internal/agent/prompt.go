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
var embedded embed.FS

var prompts = Prompts{embedded}

// Prompts are words for models, in the files prompts/*.md of an embedded folder.
type Prompts struct{ embed.FS }

// Text reads a prompt; it is a programmer's mistake to name one that is not there.
func (p Prompts) Text(name string) string {
	text, err := p.ReadFile("prompts/" + name + ".md")
	if err != nil {
		panic(fmt.Sprintf("read prompt %s: %v", name, err))
	}
	return strings.TrimSpace(string(text))
}

// Version names the words: the first 12 hex digits of a SHA-256 over all files, names and contents.
func (p Prompts) Version() string {
	h := sha256.New()
	names, err := fs.Glob(p, "prompts/*.md") // sorted
	if err != nil {
		panic(fmt.Sprintf("list prompts: %v", err))
	}
	for _, name := range names {
		text, err := p.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("read %s: %v", name, err))
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// prompt reads one of this package's.
func prompt(name string) string { return prompts.Text(name) }

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

// PromptVersion names the words this program tells models; see [Prompts.Version].
func PromptVersion() string { return prompts.Version() }
