package openai

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// chatCallDelta is a part of a tool call, or a whole one. Arguments are a JSON string; some servers
// send an object.
type chatCallDelta struct {
	Index    *int
	ID       string
	Name     string
	Args     string
	Whole    bool // the arguments came as an object
	Function bool // there was a function member
	more     map[string]json.RawMessage
}

// UnmarshalJSON keeps the members that are not known: a provider may want them back (Gemini's
// signatures stand in extra_content).
func (d *chatCallDelta) UnmarshalJSON(raw []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return err
	}
	var f struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	read := func(key string, into any) error {
		value, ok := members[key]
		delete(members, key)
		if !ok {
			return nil
		}
		if err := json.Unmarshal(value, into); err != nil {
			return fmt.Errorf("%s of a tool call: %w", key, err)
		}
		return nil
	}
	var kind any
	for key, into := range map[string]any{"index": &d.Index, "id": &d.ID, "function": &f, "type": &kind} {
		if err := read(key, into); err != nil {
			return err
		}
	}
	d.Name, d.Args = f.Name, arguments(f.Arguments)
	d.Whole = len(f.Arguments) > 0 && f.Arguments[0] == '{'
	d.more = members
	return nil
}

// chatCall is a call that is being put together.
type chatCall struct {
	index    int // -1 when the server gives none
	id, name string
	args     strings.Builder
	whole    bool // its arguments came as an object: nothing can follow
	more     map[string]json.RawMessage
}

// chatCalls puts the calls of an answer together. The rules are:
//
//   - a part with an id goes on with the latest call of that id and index, where both are known; one
//     with another id is a new call, whatever its index: servers give index 0 to all;
//   - a part without id goes on with the latest call of its index; without index, with the latest one;
//   - but a part that names another function is a new call, and so is one that names any and brings
//     arguments when those of the call are complete: servers leave ids empty or repeat them.
type chatCalls struct{ all []*chatCall }

func (c *chatCalls) add(d chatCallDelta) {
	call := c.of(d)
	if call == nil || d.Name != "" && call.name != "" && (d.Name != call.name || d.Args != "" && call.over()) {
		call = &chatCall{index: -1}
		if d.Index != nil {
			call.index = *d.Index
		}
		c.all = append(c.all, call)
	}
	if call.id == "" {
		call.id = d.ID
	}
	if call.name == "" {
		call.name = d.Name
	}
	call.args.WriteString(d.Args)
	call.whole = call.whole || d.Whole
	for key, value := range d.more {
		if call.more == nil {
			call.more = map[string]json.RawMessage{}
		}
		call.more[key] = value
	}
}

// of is the call that a part goes on with; nil when it begins one.
func (c *chatCalls) of(d chatCallDelta) *chatCall {
	for _, call := range slices.Backward(c.all) {
		index := d.Index == nil || call.index == *d.Index || call.index < 0
		id := d.ID == "" || call.id == "" || call.id == d.ID
		if index && id {
			return call
		}
	}
	return nil
}

// over says whether the arguments are a complete object.
func (c *chatCall) over() bool {
	if c.whole {
		return true
	}
	text := c.args.String()
	return strings.HasSuffix(strings.TrimSpace(text), "}") && json.Valid([]byte(text))
}

// blocks are the calls in the order in which they began.
func (c *chatCalls) blocks() ([]agent.Block, error) {
	var out []agent.Block
	for _, call := range c.all {
		b := agent.Block{Kind: agent.UseBlock, ID: call.id, Name: call.name, Input: inputJSON(call.args.String())}
		if len(call.more) > 0 {
			raw, err := marshal(call.more) // sorted by key
			if err != nil {
				return nil, fmt.Errorf("encode call of %s: %w", call.name, err)
			}
			b.Opaque = raw
		}
		out = append(out, b)
	}
	return out, nil
}
