package conversation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// The rules are: a program that cuts a long conversation asks before for its sum, in text alone. Where
// it wants that between <summary> tags it keeps nothing else, so that the task is said again, word for
// word; what is not said to be written is written anew.

var recapWords = lazy(`(?i)respond with text only|call no tools? in this answer`)

// recapAsked says whether the last that was said asks for the sum of the conversation, and in which
// words.
func recapAsked(messages []agent.Message) (string, bool) {
	for _, m := range slices.Backward(messages) {
		if m.Role == agent.Assistant {
			break
		}
		for _, text := range slices.Backward(heard(m)) {
			if _, _, task := section(text, "task"); task {
				return "", false
			}
			if recapWords().MatchString(text) {
				return text, true
			}
		}
	}
	return "", false
}

// recap is the sum of the conversation.
func (e engineer) recap(asked string) []agent.Block {
	var b strings.Builder
	u, _ := e.work.unit(e.brief.name())
	done := len(u.Files) - len(e.missing(u))
	fmt.Fprintf(&b, "Of %d files, %d stand as the rules write them; the work was handed in %d times.\n", len(u.Files), done, e.script.finished)
	if e.script.feedback != "" {
		b.WriteString("What was answered last:\n" + clip(e.script.feedback, mostEvidence) + "\n")
	}
	if strings.Contains(asked, "<summary>") {
		return []agent.Block{say("<summary>\n" + e.brief.again + b.String() + "</summary>")}
	}
	return []agent.Block{say(b.String())}
}
