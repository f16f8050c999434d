package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// question is a request body as far as the gateway looks at it.
type question struct {
	hash   string // the same for the same question
	model  string
	stream bool
	frame  string      // hash of all but the conversation
	turns  []turnPrint // the conversation, message by message
}

// turnPrint stands for a message.
type turnPrint [sha256.Size]byte

// beside are members of a body that ask nothing: two requests that differ in them alone ask the same.
// How the answer comes is no such member, since an answer is kept as it came.
var beside = []string{"metadata", "client_metadata", "user", "safety_identifier", "prompt_cache_key", "cache_control"}

// billingMark begins a text that Claude Code puts before its system prompt, another with every run.
const billingMark = "x-anthropic-billing-header:"

// questionOf reads a body that was posted to a path. One that cannot be read is a question of its own;
// the meter refuses it.
func questionOf(path string, body []byte) question {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var top map[string]any
	if dec.Decode(&top) != nil {
		sum := sha256.Sum256(body)
		return question{hash: hex.EncodeToString(sum[:])}
	}
	for _, key := range beside {
		delete(top, key)
	}
	plain(top)
	var q question
	q.model, _ = top["model"].(string)
	q.stream, _ = top["stream"].(bool)
	var turns []any
	for _, key := range []string{"messages", "input"} {
		if list, ok := top[key].([]any); ok {
			turns = list
			delete(top, key)
		}
	}
	for _, t := range turns {
		q.turns = append(q.turns, sha256.Sum256(encode(t)))
	}
	h := sha256.New()
	h.Write([]byte(path + "\n"))
	h.Write(encode(top))
	for _, t := range q.turns {
		h.Write(t[:])
	}
	q.hash = hex.EncodeToString(h.Sum(nil))
	for _, key := range []string{"stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens"} {
		delete(top, key)
	}
	sum := sha256.Sum256(append([]byte(path+"\n"), encode(top)...))
	q.frame = hex.EncodeToString(sum[:])
	return q
}

// plain takes cache marks out of a value, and texts that are another with every run.
func plain(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "cache_control")
		if list, ok := v["system"].([]any); ok {
			v["system"] = slices.DeleteFunc(list, billing)
		}
		for _, inner := range v {
			plain(inner)
		}
	case []any:
		for _, inner := range v {
			plain(inner)
		}
	}
}

func billing(v any) bool {
	block, _ := v.(map[string]any)
	text, _ := block["text"].(string)
	return strings.HasPrefix(text, billingMark)
}

// encode writes a decoded value with its keys in order.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil // what was decoded encodes
	}
	return raw
}
