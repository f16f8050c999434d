package offline

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// contentBlock holds the fields of a content block that are read.
type contentBlock struct {
	Type      string          `json:"type"`
	Text      *string         `json:"text"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	Content   json.RawMessage `json:"content"`
	IsError   bool            `json:"is_error"`
}

// readMessages reads the conversation: it begins and ends with the user, and every tool call is
// answered exactly once, right after the turn that made it.
func (r *reader) readMessages() *failure {
	if len(r.fields.Messages) == 0 {
		return invalid("messages: at least one message is required")
	}
	for i, raw := range r.fields.Messages {
		var m struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		}
		if json.Unmarshal(raw, &m) != nil {
			return invalid("messages.%d: Input should be a valid message", i)
		}
		role := agent.User
		switch m.Role {
		case "user":
		case "system":
			if f := r.readInterjection(i, m.Content); f != nil {
				return f
			}
			continue
		case "assistant":
			role = agent.Assistant
		case "":
			return invalid("messages.%d.role: Field required", i)
		default:
			return invalid("messages.%d.role: Input should be 'user', 'assistant' or 'system', not %.40q", i, m.Role)
		}
		message, f := r.readMessage(i, role, m.Content)
		if f != nil {
			return f
		}
		r.Request.Messages = append(r.Request.Messages, message)
	}
	return r.checkTurns()
}

// readInterjection reads what the system says in the middle of a conversation; to rules it is a part
// of the system text.
func (r *reader) readInterjection(i int, content json.RawMessage) *failure {
	m, f := r.readMessage(i, agent.User, content)
	if f != nil {
		return f
	}
	for _, b := range m.Blocks {
		if b.Kind != agent.TextBlock {
			return invalid("messages.%d: system messages can only hold text", i)
		}
	}
	r.Request.System = append(r.Request.System, m.Words())
	return nil
}

// readMessage reads the blocks of message i.
func (r *reader) readMessage(i int, role agent.Role, content json.RawMessage) (agent.Message, *failure) {
	m := agent.Message{Role: role}
	blocks, f := blockList(content, "content", false)
	if f != nil {
		return m, f.at("messages.%d", i)
	}
	if len(blocks) == 0 {
		return m, invalid("messages.%d: all messages must have non-empty content", i)
	}
	for j, raw := range blocks {
		var b contentBlock
		if json.Unmarshal(raw, &b) != nil {
			return m, invalid("messages.%d.content.%d: Input should be a valid block", i, j)
		}
		block, f := b.read(role)
		if f == nil {
			f = r.addSegment(raw)
		}
		if f != nil {
			return m, f.at("messages.%d.content.%d", i, j)
		}
		if block.Kind != "" {
			m.Blocks = append(m.Blocks, block)
		}
	}
	return m, nil
}

// read translates a block; one that rules have no use for (images, thinking, a provider's own tools)
// becomes a block without a kind.
func (b contentBlock) read(role agent.Role) (agent.Block, *failure) {
	switch b.Type {
	case "text":
		if b.Text == nil {
			return agent.Block{}, invalid("text: Field required")
		}
		if *b.Text == "" {
			return agent.Block{}, invalid("text: text content blocks must be non-empty")
		}
		return agent.Block{Kind: agent.TextBlock, Text: *b.Text}, nil
	case "tool_use":
		switch {
		case role != agent.Assistant:
			return agent.Block{}, invalid("type: tool_use blocks can only be in assistant messages")
		case b.ID == "":
			return agent.Block{}, invalid("id: Field required")
		case b.Name == "":
			return agent.Block{}, invalid("name: Field required")
		case len(b.Input) == 0 || b.Input[0] != '{':
			return agent.Block{}, invalid("input: Input should be a valid dictionary")
		}
		return agent.Block{Kind: agent.UseBlock, ID: b.ID, Name: b.Name, Input: b.Input}, nil
	case "tool_result":
		switch {
		case role != agent.User:
			return agent.Block{}, invalid("type: tool_result blocks can only be in user messages")
		case b.ToolUseID == "":
			return agent.Block{}, invalid("tool_use_id: Field required")
		}
		return agent.Block{Kind: agent.ResultBlock, ID: b.ToolUseID, Text: resultText(b.Content), Error: b.IsError}, nil
	case "image", "document", "search_result", "thinking", "redacted_thinking", "server_tool_use",
		"web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result",
		"text_editor_code_execution_tool_result", "tool_search_tool_result", "container_upload", "mcp_tool_use", "mcp_tool_result", "compaction":
		return agent.Block{}, nil
	case "":
		return agent.Block{}, invalid("type: Field required")
	default:
		return agent.Block{}, invalid("type: Input tag %.60q found using 'type' does not match any of the expected tags", b.Type)
	}
}

// resultText joins the texts of a tool's result.
func resultText(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) == nil {
		return text
	}
	var blocks []contentBlock
	if json.Unmarshal(raw, &blocks) != nil {
		return ""
	}
	var texts []string
	for _, b := range blocks {
		if b.Type == "text" && b.Text != nil {
			texts = append(texts, *b.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// checkTurns checks who speaks first and last, and that calls and results fit.
func (q *question) checkTurns() *failure {
	ms := q.Request.Messages
	if len(ms) == 0 || ms[0].Role != agent.User {
		return invalid("messages: first message must use the \"user\" role")
	}
	if ms[len(ms)-1].Role != agent.User {
		return invalid("This model does not support assistant message prefill. The conversation must end with a user message.")
	}
	open := map[string]bool{} // calls of the last assistant turn -> not yet answered
	for i, m := range ms {
		for _, b := range m.Blocks {
			if b.Kind != agent.ResultBlock {
				continue
			}
			unanswered, known := open[b.ID]
			switch {
			case !known:
				return invalid("messages.%d: unexpected `tool_use_id` found in `tool_result` blocks: %.80s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", i, b.ID)
			case !unanswered:
				return invalid("messages.%d: each tool_use must have a single result. Found multiple `tool_result` blocks with id: %.80s", i, b.ID)
			}
			open[b.ID] = false
		}
		if m.Role == agent.Assistant || i == len(ms)-1 {
			if f := unanswered(ms, i, open); f != nil {
				return f
			}
		}
		if m.Role == agent.Assistant {
			open = map[string]bool{}
			for _, c := range m.Calls() {
				if _, twice := open[c.ID]; twice {
					return invalid("messages.%d: `tool_use` ids must be unique", i)
				}
				open[c.ID] = true
			}
		}
	}
	return nil
}

// unanswered names the first call before message i that has no result.
func unanswered(ms []agent.Message, i int, open map[string]bool) *failure {
	if !slices.Contains(slices.Collect(maps.Values(open)), true) {
		return nil
	}
	for j := i; j >= 0; j-- {
		for _, c := range ms[j].Calls() {
			if open[c.ID] {
				return invalid("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %.80s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", j, c.ID)
			}
		}
	}
	return nil
}
