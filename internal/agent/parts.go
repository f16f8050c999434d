package agent

import "strings"

// Part is one piece of what an attempt was told before its first turn.
type Part struct {
	Name  string `json:"name"`
	Why   string `json:"why"`
	Bytes int64  `json:"bytes"`
}

// Parts lists what stands in the first request of an attempt, in the order in which it stands
// there, and why. Sections are found by their tags; a text that is not of [Brief.Render] is one part.
func (t Task) Parts() []Part {
	var parts []Part
	var tools int64
	for _, d := range t.Tools {
		tools += int64(len(d.Name) + len(d.Description) + len(d.Schema))
	}
	parts = append(parts, Part{"tools", "what the agent can do", tools})
	for i, text := range t.System {
		if i == 0 {
			parts = append(parts, Part{"rules", "the role and how it works", int64(len(text))})
			continue
		}
		parts = append(parts, split(text, "shared by the tasks of the build", sharedReasons())...)
	}
	for _, b := range t.First.Blocks {
		parts = append(parts, split(b.Text, "the task", taskReasons())...)
	}
	return parts
}

// reason says why a section is told.
type reason struct{ name, why string }

func sharedReasons() []reason {
	return []reason{
		{"project", "what is being built"}, {"plan", "where the task stands among the others"},
		{"environment", "which tools and modules there are"}, {"spec", "what is wanted, in the user's words"},
	}
}

func taskReasons() []reason {
	return []reason{
		{"task", "what to do now"}, {"near", "which tasks stand before and behind it"}, {"requirements", "what the task answers for, word for word"}, {"gates", "what it must pass"},
		{"writes", "where it may write"}, {"shared", "what other tasks write too"}, {"tree", "what is there already"},
		{"notes", "what the tasks before it left"}, {"changed", "what is other than when it was done"}, {"person", "what the person who watches the build said"},
		{"last_failure", "why the attempt before it ended"},
	}
}

// split cuts a text into the sections named, in their order; rest is the reason of what is left.
func split(text, rest string, names []reason) []Part {
	var parts []Part
	for _, r := range names {
		if !strings.HasPrefix(text, "<"+r.name+">") && !strings.HasPrefix(text, "<"+r.name+" ") {
			continue
		}
		closing := "</" + r.name + ">\n"
		end := strings.LastIndex(text, closing)
		if end < 0 {
			break
		}
		end += len(closing)
		parts = append(parts, Part{r.name, r.why, int64(end)})
		text = text[end:]
	}
	if text != "" {
		parts = append(parts, Part{"text", rest, int64(len(text))})
	}
	return parts
}
