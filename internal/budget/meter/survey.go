package meter

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// block is a part of a message, a system text or a tool definition, as far as it can cost. Keys are
// exact: encoding/json would also take other spellings into struct fields.
type block map[string]json.RawMessage

func (b block) text(key string) string {
	s, _ := textOf(b[key])
	return s
}

// survey looks through tools, system texts and messages for what makes a call dearer than its bytes.
func (q *question) survey(top map[string]member) error {
	if m, ok := top["cache_control"]; ok && !m.null() {
		q.caches(m.raw)
	}
	if err := q.surveyTools(top["tools"]); err != nil {
		return err
	}
	system, ok := blocks(top["system"].raw)
	if !ok || q.surveyBlocks(system) {
		q.fixed = true
	}
	messages, ok := objectsOf(top["messages"].raw)
	if !ok {
		return unmetered("messages cannot be read")
	}
	q.messages = int64(len(messages))
	for i, m := range messages {
		content, ok := blocks(m["content"])
		if !ok || q.surveyBlocks(content) {
			q.opaque = i
		}
	}
	return nil
}

// blocks reads content that is a text, nothing, or a list of blocks.
func blocks(raw json.RawMessage) ([]block, bool) {
	if len(raw) == 0 || raw[0] == '"' || string(raw) == "null" {
		return nil, true
	}
	return objectsOf(raw)
}

// surveyBlocks notes cache marks and says whether a block costs tokens that its bytes do not bound.
func (q *question) surveyBlocks(list []block) (opaque bool) {
	for _, b := range list {
		if mark, ok := b["cache_control"]; ok && string(mark) != "null" {
			q.caches(mark)
		}
		switch b.text("type") {
		case "text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "web_search_tool_result":
		case "tool_result":
			inner, ok := blocks(b["content"])
			if q.surveyBlocks(inner) || !ok {
				opaque = true
			}
		default:
			opaque = true
		}
	}
	return opaque
}

// caches notes a cache mark.
func (q *question) caches(mark json.RawMessage) {
	ttl := "5m"
	if m, ok := objectOf(mark); !ok {
		ttl = "?"
	} else if _, ok := m["ttl"]; ok {
		ttl = m.text("ttl")
	}
	switch {
	case ttl == "5m" && q.cache == budget.CacheNone:
		q.cache = budget.Cache5m
	case ttl == "5m" || q.cache == budget.CacheAny:
	case ttl == "1h":
		q.cache = budget.Cache1h
	default:
		q.cache = budget.CacheAny
	}
}

// clientTools are tools whose definition the provider knows and which we would run.
var clientTools = []string{"bash_", "text_editor_", "memory_", "computer_"}

func (q *question) surveyTools(m member) error {
	if m.null() {
		return nil
	}
	tools, ok := objectsOf(m.raw)
	if !ok {
		return unmetered("tools cannot be read")
	}
	q.tools = int64(len(tools))
	for _, t := range tools {
		q.surveyBlocks([]block{{"type": json.RawMessage(`"text"`), "cache_control": or(t["cache_control"], json.RawMessage("null"))}})
		kind := t.text("type")
		switch known := func(p string) bool { return strings.HasPrefix(kind, p) }; {
		case kind == "" || kind == "custom" || slices.ContainsFunc(clientTools, known):
		case strings.HasPrefix(kind, "web_search_"):
			uses, _, err := member{raw: t["max_uses"]}.count()
			if err != nil || uses < 1 || uses > 100 {
				return unmetered("the tool %s needs max_uses between 1 and 100", clean(kind))
			}
			q.searches += uses
		default:
			return unmetered("what the tool %s costs cannot be bounded", clean(kind))
		}
	}
	return nil
}

// or is raw, or the fallback when there is none.
func or[T ~[]byte](raw, fallback T) T {
	if raw == nil {
		return fallback
	}
	return raw
}
