package conversation

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// The rules are:
//   - A tool is known by what its name says and what its schema takes, never by whose it is: Builder's
//     own tools, those of a CLI agent and those of an MCP server all serve, mixed as they come.
//   - What a tool asks for in words is kept to: absolute paths, reading a file before replacing it.
//   - A finish that another program carries out (mcp__…) is called alone, when all else was answered:
//     what failed beside it would not be in what it judges.

// tool is an offered tool whose inputs are known by role: path, content, old, new, summary, …
type tool struct {
	name     string
	props    map[string]string // role -> the property's offered name
	absolute bool              // the schema asks for absolute paths
	reading  bool              // a file that exists must be read before
}

// toolset is what the model can do with the tools it was offered: it puts the model's own steps into
// the words of whoever offered them. A nil tool was not offered.
type toolset struct {
	write, edit, read, run, finish, blocked *tool
	all                                     string // the names of all that were offered
}

// roles lists the names a property of each role goes by, best first.
var roles = map[string][]string{
	"path":     {"path", "file_path", "filepath", "filename", "file"},
	"content":  {"content", "contents", "file_text", "text"},
	"old":      {"old", "old_string", "old_str", "old_text", "search", "find"},
	"new":      {"new", "new_string", "new_str", "new_text", "replace", "replacement"},
	"summary":  {"summary", "result", "message", "text"},
	"reason":   {"reason", "why", "message"},
	"evidence": {"evidence", "details", "proof"},
	"command":  {"command", "cmd"},
	"purpose":  {"description", "purpose"},
}

// offered reads the tools of a request: write_file(path, content), Write(file_path, content) and
// mcp__builder__write_file(path, content) are one.
func offered(defs []agent.ToolDef) toolset {
	var ts toolset
	names := make([]string, len(defs))
	for i, d := range defs {
		names[i] = d.Name
		base := strings.ToLower(d.Name)
		if i := strings.LastIndex(base, "__"); i >= 0 {
			base = base[i+2:]
		}
		switch {
		case strings.Contains(base, "notebook"):
		case base == "finish":
			ts.finish = first(ts.finish, bind(d, []string{"summary"}))
		case base == "blocked":
			ts.blocked = first(ts.blocked, bind(d, []string{"reason"}, "evidence"))
		case strings.HasPrefix(base, "write") || strings.HasPrefix(base, "create"):
			ts.write = first(ts.write, bind(d, []string{"path", "content"}))
		case strings.HasPrefix(base, "edit") || strings.HasPrefix(base, "str_replace"):
			ts.edit = first(ts.edit, bind(d, []string{"path", "old", "new"}))
		case strings.HasPrefix(base, "read"):
			ts.read = first(ts.read, bind(d, []string{"path"}))
		case base == "run" || base == "bash" || base == "shell":
			ts.run = first(ts.run, bind(d, []string{"command"}, "purpose"))
		}
	}
	if ts.all = strings.Join(names, ", "); ts.all == "" {
		ts.all = "(none)"
	}
	return ts
}

// absolute says whether the tools that write want absolute paths.
func (ts toolset) absolute() bool {
	for _, t := range []*tool{ts.write, ts.edit} {
		if t != nil && t.absolute {
			return true
		}
	}
	return false
}

// apart says whether finish is to be called alone.
func (ts toolset) apart() bool {
	return ts.finish != nil && strings.HasPrefix(ts.finish.name, "mcp__")
}

// first keeps a, the tool offered earlier, if there is one.
func first(a, b *tool) *tool {
	if a != nil {
		return a
	}
	return b
}

// bind matches a tool's properties to the needed roles and the optional ones; nil when one of the
// needed has no property or the tool requires something that is not known.
func bind(d agent.ToolDef, needed []string, optional ...string) *tool {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
		Required   []string                   `json:"required"`
	}
	if json.Unmarshal(d.Schema, &schema) != nil {
		return nil
	}
	t := &tool{name: d.Name, props: map[string]string{}}
	t.absolute = strings.Contains(strings.ToLower(string(d.Schema)), "absolute")
	t.reading = readsFirst().MatchString(d.Description)
	used := map[string]bool{}
	find := func(role string) bool {
		for _, name := range roles[role] {
			if _, ok := schema.Properties[name]; ok && !used[name] {
				t.props[role], used[name] = name, true
				return true
			}
		}
		return false
	}
	for _, role := range needed {
		if !find(role) {
			return nil
		}
	}
	for _, role := range optional {
		find(role)
	}
	for _, name := range schema.Required {
		if !used[name] {
			return nil
		}
	}
	return t
}

var readsFirst = lazy("(?i)must use (?:the|your) `?read`? tool")

// call makes a call of t with the values of the roles it knows; other roles are dropped.
func (t *tool) call(values map[string]string) agent.Block {
	input := map[string]string{}
	for role, v := range values {
		if name, ok := t.props[role]; ok {
			input[name] = v
		}
	}
	return agent.Block{Kind: agent.UseBlock, Name: t.name, Input: compact(input)}
}

// value reads the input of a call of t by role; "" when it is not there.
func (t *tool) value(input json.RawMessage, role string) string {
	var in map[string]any
	if json.Unmarshal(input, &in) != nil {
		return ""
	}
	s, _ := in[t.props[role]].(string)
	return s
}

// compact is v as JSON on one line, with <, > and & as they are and keys sorted.
func compact(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("encode answer: " + err.Error()) // only maps, slices, strings and numbers come here
	}
	return bytes.TrimSpace(b.Bytes())
}
