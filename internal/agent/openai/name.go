package openai

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// nothing stands for a text without content, which many servers refuse.
const nothing = "(nothing)"

// marshal writes v as JSON as it is, without escapes for HTML. The same value gives the same bytes:
// only structs and raw JSON are written, no Go map but sorted ones.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// wireInput is a call's input as servers take it back: an object, in a string. What the model wrote
// and could not be parsed is not repeated; its result says so.
func wireInput(input json.RawMessage) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(input, &object) != nil || object == nil {
		return "{}"
	}
	return string(input)
}

// wireName is a call's name as servers take it back, also when the model made it up.
func wireName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, name)
	if name == "" {
		return "_"
	}
	return name[:min(len(name), 64)]
}

// wireResult is a tool's result as text: these wires have no mark for an error.
func wireResult(b agent.Block) string {
	text := b.Text
	if strings.TrimSpace(text) == "" {
		text = nothing
	}
	if b.Error {
		return "Error: " + text
	}
	return text
}

// system joins the system parts: many servers take one system message only.
func system(req agent.Request, words bool) string {
	var parts []string
	for _, text := range req.System {
		if strings.TrimSpace(text) != "" {
			parts = append(parts, text)
		}
	}
	if words && len(req.Schema) > 0 {
		parts = append(parts, wanted(req.Schema))
	}
	return strings.Join(parts, "\n\n")
}

// inputJSON is a call's input as the model wrote it: the text of a JSON string, or an object where
// servers send one. What is no JSON becomes a JSON string.
func inputJSON(input string) json.RawMessage {
	switch {
	case strings.TrimSpace(input) == "":
		return json.RawMessage(`{}`)
	case json.Valid([]byte(input)):
		return json.RawMessage(input)
	}
	quoted, err := json.Marshal(input)
	if err != nil {
		panic(fmt.Sprintf("quote tool input: %v", err)) // strings always encode
	}
	return quoted
}

// arguments is what a wire has as the arguments of a call: a JSON string, or, against the API's word,
// an object.
func arguments(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// nameCalls gives every call of an answer an id of its own: servers leave them empty or repeat them.
// The ids follow from the answer, so that reading it again gives the same.
func nameCalls(answer string, blocks []agent.Block) error {
	seen := map[string]bool{}
	for i := range blocks {
		b := &blocks[i]
		if b.Kind != agent.UseBlock {
			continue
		}
		if b.Name == "" {
			return incomplete("a tool call without a name")
		}
		for n := 0; b.ID == "" || seen[b.ID]; n++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %s %s", answer, i, n, b.Name, b.Input))
			b.ID = "call_" + hex.EncodeToString(sum[:12])
		}
		seen[b.ID] = true
	}
	return nil
}
