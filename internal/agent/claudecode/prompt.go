package claudecode

import (
	"embed"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

//go:embed prompts/*.md
var embedded embed.FS

var prompts = agent.Prompts{FS: embedded}

// words reads one of this package's prompts.
func words(name string) string { return prompts.Text(name) }

// PromptVersion names the words that this package adds to an attempt's; see [agent.Prompts.Version].
func PromptVersion() string { return prompts.Version() }

// system is the system prompt of an attempt. It is the same for all tasks of a build, as far as theirs are.
func system(t agent.Task) string {
	return strings.Join(append(append([]string(nil), t.System...), words("rules")), "\n\n")
}

const saySaid = "What the person who watches this build has said since the task began:\n"

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
		texts[i] = agent.SayNote + n
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
