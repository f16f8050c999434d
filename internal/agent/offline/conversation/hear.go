package conversation

import (
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// The rules are:
//   - What a program adds for its own sake (whole <system-reminder> blocks) is not heard.
//   - The task is the last one that a user's message states, wherever that message stands: programs
//     put reminders before it, and words of their own after it when a session goes on. The
//     conversation about it begins where it was first stated.
//   - A spec in a system part ends in that part: later texts cannot move its end. Else it stands in
//     the message that states the task, or in an earlier one.

// told is what was said to the model: the spec, what stands before it, and what follows it.
type told struct {
	before, spec, rest string
	hasSpec            bool
	aloud              bool   // the spec stands in a message, not in a system part
	task               string // the message that states the task; what is told in all when none does
	from               int    // the index of the message that begins the conversation about the task
}

// hear reads what req tells.
func hear(req agent.Request) told {
	t := hearSystem(req.System)
	at, from := stated(req.Messages, !t.hasSpec)
	message := strings.Join(until(req.Messages, at), "\n")
	if t.hasSpec {
		t.rest += "\n" + message
		t.task, t.from = message, from
		if at < 0 {
			t.task = t.rest
		}
		return t
	}
	t = split(message)
	for i := at - 1; i >= 0 && !t.hasSpec; i-- {
		if earlier := split(strings.Join(heard(req.Messages[i]), "\n")); earlier.hasSpec {
			t = told{spec: earlier.spec, hasSpec: true, before: earlier.before, rest: message}
		}
	}
	t.task, t.from, t.aloud = t.rest, from, t.hasSpec
	if at >= 0 {
		t.task = aside(message)
	}
	t.before = strings.Join(append(append([]string{}, req.System...), t.before), "\n")
	return t
}

// hearSystem looks for the spec in the system parts.
func hearSystem(parts []string) told {
	for i, part := range parts {
		if t := split(part); t.hasSpec {
			t.before = strings.Join(append(append([]string{}, parts[:i]...), t.before), "\n")
			t.rest = strings.Join(append([]string{t.rest}, parts[i+1:]...), "\n")
			return t
		}
	}
	return told{}
}

// stated finds the message that states the task, -1 without one, and the one that begins the
// conversation about it. aloud says that the spec may stand in the messages.
func stated(messages []agent.Message, aloud bool) (at, from int) {
	at, id := -1, ""
	for i, m := range messages {
		if m.Role == agent.Assistant {
			continue
		}
		text := strings.Join(heard(m), "\n")
		if aloud {
			text = aside(text)
		}
		attrs, _, ok := section(text, "task")
		if !ok {
			continue
		}
		if at < 0 || attr(attrs, "id") != id {
			from, id = i, attr(attrs, "id")
		}
		at = i
	}
	return at, from
}

// until are the texts of the message at; of all that was said before the first answer for -1.
func until(messages []agent.Message, at int) []string {
	if at >= 0 {
		return heard(messages[at])
	}
	var texts []string
	for _, m := range messages {
		if m.Role == agent.Assistant {
			break
		}
		texts = append(texts, heard(m)...)
	}
	return texts
}

// split takes a text apart at its spec.
func split(text string) told {
	p, ok := locate(text, "spec")
	if !ok {
		return told{rest: text}
	}
	return told{
		before: text[:p.open], spec: strings.TrimRight(strings.TrimPrefix(text[p.body:p.shut], "\n"), "\n"),
		rest: text[p.after:], hasSpec: true,
	}
}

// aside is text without its spec.
func aside(text string) string {
	t := split(text)
	if !t.hasSpec {
		return text
	}
	return t.before + t.rest
}

// heard are the text blocks of m but for those that a program adds for its own sake.
func heard(m agent.Message) []string {
	return slices.DeleteFunc(words(m), func(s string) bool {
		s = strings.TrimSpace(s)
		return strings.HasPrefix(s, "<system-reminder>") && strings.HasSuffix(s, "</system-reminder>")
	})
}

// words are the text blocks of m.
func words(m agent.Message) []string {
	var ws []string
	for _, b := range m.Blocks {
		if b.Kind == agent.TextBlock {
			ws = append(ws, b.Text)
		}
	}
	return ws
}
