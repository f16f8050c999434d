package openai

import (
	"encoding/json"
	"fmt"
	"strings"
)

// thought is what servers of Chat Completions say of a model's thinking, under the names they use, and
// want back with the answer: DeepSeek, vLLM, llama.cpp and LM Studio say reasoning_content, Ollama and
// OpenRouter reasoning, OpenRouter also reasoning_details (which may be signed or encrypted).
type thought struct {
	Content   string            `json:"reasoning_content,omitempty"`
	Reasoning string            `json:"reasoning,omitempty"`
	Details   []json.RawMessage `json:"reasoning_details,omitempty"`
}

// empty says whether there is no thought.
func (t thought) empty() bool { return t.Content == "" && t.Reasoning == "" && len(t.Details) == 0 }

// text is what a person can read of it.
func (t thought) text() string {
	if t.Content != "" {
		return t.Content
	}
	return t.Reasoning
}

// thinking gathers the parts of a thought as they are streamed.
type thinking struct {
	content, reasoning strings.Builder
	details            []*detail
}

// detail is one of OpenRouter's details: its texts grow, of all else the last word counts.
type detail struct {
	members map[string]json.RawMessage
	texts   map[string]*strings.Builder
}

// add takes in a part. Parts of one detail, told by index and type, become one; their order stays.
func (t *thinking) add(part thought) {
	t.content.WriteString(part.Content)
	t.reasoning.WriteString(part.Reasoning)
	for _, raw := range part.Details {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil || members == nil {
			continue
		}
		last := len(t.details) - 1
		if last < 0 || !t.details[last].goesOn(members) {
			t.details = append(t.details, &detail{members: map[string]json.RawMessage{}, texts: map[string]*strings.Builder{}})
			last++
		}
		t.details[last].add(members)
	}
}

// goesOn says whether a part belongs to d: both say the same of what they are.
func (d *detail) goesOn(part map[string]json.RawMessage) bool {
	return part["index"] != nil && string(part["index"]) == string(d.members["index"]) && string(part["type"]) == string(d.members["type"])
}

func (d *detail) add(part map[string]json.RawMessage) {
	for key, value := range part {
		var text string
		switch {
		case string(value) == "null":
			if d.members[key] == nil {
				d.members[key] = value
			}
		case (key == "text" || key == "summary" || key == "data") && json.Unmarshal(value, &text) == nil:
			if d.texts[key] == nil {
				d.texts[key] = &strings.Builder{}
			}
			d.texts[key].WriteString(text)
		default:
			d.members[key] = value
		}
	}
}

// thought is all that was gathered.
func (t *thinking) thought() (thought, error) {
	out := thought{Content: t.content.String(), Reasoning: t.reasoning.String()}
	for _, d := range t.details {
		for key, text := range d.texts {
			raw, err := marshal(text.String())
			if err != nil {
				return out, fmt.Errorf("encode thought: %w", err)
			}
			d.members[key] = raw
		}
		raw, err := marshal(d.members) // sorted by key
		if err != nil {
			return out, fmt.Errorf("encode thought: %w", err)
		}
		out.Details = append(out.Details, raw)
	}
	return out, nil
}
