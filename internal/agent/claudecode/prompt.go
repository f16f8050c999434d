package claudecode

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

//go:embed prompts/*.md
var prompts embed.FS

// words reads an embedded prompt; it is a programmer's mistake to name one that is not there.
func words(name string) string {
	text, err := prompts.ReadFile("prompts/" + name + ".md")
	if err != nil {
		panic(fmt.Sprintf("read prompt %s: %v", name, err))
	}
	return strings.TrimSpace(string(text))
}

// PromptVersion names the words that this package adds to an attempt's: the first 12 hex digits of a SHA-256 over all
// prompt files, names and contents.
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

// system is the system prompt of an attempt. It is the same for all tasks of a build, as far as theirs are.
func system(t agent.Task) string {
	return strings.Join(append(append([]string(nil), t.System...), words("rules")), "\n\n")
}

const (
	sayNote   = "Note from the person who watches this build, given while you work. It tells you how to do your task; the gates stay as they are.\n"
	saySaid   = "What the person who watches this build has said since the task began:\n"
	sayAnswer = "A person answers your question:\n"
)

// said is what a person said since the attempt began, "" for nothing.
func said(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return saySaid + "- " + strings.Join(texts, "\n- ")
}

// noted is one text for each note of a person.
func noted(notes []string) []string {
	texts := make([]string, len(notes))
	for i, n := range notes {
		texts[i] = sayNote + n
	}
	return texts
}

// paragraphs joins what is not empty.
func paragraphs(texts ...string) string {
	var kept []string
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, "\n\n")
}
