package meter

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// What Chat Completions and Responses have in common.

// openaiRoute knows POST to a path that ends in call, and listing models, below any base path.
func openaiRoute(req *http.Request, call string) route {
	p, plain := plainPath(req)
	switch {
	case !plain:
		return refused
	case req.Method == http.MethodPost && strings.HasSuffix(p, call):
		return metered
	case reads(req) && (strings.HasSuffix(p, "/models") || strings.HasSuffix(path.Dir(p), "/models")):
		return free
	}
	return refused
}

// openaiQuestion reads what every request body has. Prompts are cached without being asked, so a
// hold reckons with cache writes wherever the model has a price for them.
func openaiQuestion(body []byte) (question, map[string]member, error) {
	top, err := readObject(body)
	if err != nil {
		return question{}, nil, unmetered("read body: %s", err)
	}
	q := question{body: body, opaque: -1, cache: budget.Cache5m}
	if json.Unmarshal(top["model"].raw, &q.model) != nil || q.model == "" {
		return question{}, nil, unmetered("it names no model")
	}
	if tier := top["service_tier"]; !tier.null() && !slices.Contains([]string{`"default"`, `"auto"`, `"standard"`}, string(tier.raw)) {
		return question{}, nil, unmetered("no price is known for service_tier %s", clean(string(tier.raw)))
	}
	return q, top, nil
}

// limited finds the limit of output under one of the keys, or leaves room for one under the last of
// them: a call without a limit is bounded by nothing.
func (q *question) limited(top map[string]member, keys ...string) error {
	last := keys[len(keys)-1]
	for _, key := range keys {
		m, named := top[key]
		switch {
		case !named:
		case m.null():
			last = key
		case q.limit != 0:
			return unmetered("%s and another limit of output contradict each other", key)
		default:
			n, at, err := m.count()
			if err != nil || n < 1 {
				return unmetered("%s is not a whole number of at least 1", key)
			}
			q.maxTokens, q.limit, q.maxAt = n, n, at
		}
	}
	if q.limit != 0 {
		return nil
	}
	if m, named := top[last]; named {
		q.maxAt = [2]int{m.begin, m.begin + len(m.raw)}
		return nil
	}
	text := `"` + last + `":`
	at := q.insert(text + "0,")
	q.maxAt = [2]int{at + len(text), at + len(text) + 1}
	return nil
}

// insert puts text behind the opening brace, before everything that is there, and returns where.
// There is a member already: the model.
func (q *question) insert(text string) int {
	at := strings.IndexByte(string(q.body), '{') + 1
	q.body = slices.Concat(q.body[:at], []byte(text), q.body[at:])
	return at
}

// openaiTools counts tools, and refuses those that the provider runs: what they cost cannot be bounded.
func (q *question) openaiTools(m member, known ...string) error {
	if m.null() {
		return nil
	}
	tools, ok := objectsOf(m.raw)
	if !ok {
		return unmetered("tools cannot be read")
	}
	q.tools += int64(len(tools))
	for _, t := range tools {
		kind := t.text("type")
		if kind == "namespace" { // a name for some tools together
			if err := q.openaiTools(member{raw: t["tools"]}, known...); err != nil {
				return err
			}
			continue
		}
		if !slices.Contains(known, kind) {
			return unmetered("what the tool %q costs cannot be bounded", clean(kind))
		}
	}
	return nil
}

// refuseAny returns an error when one of the keys has a value.
func refuseAny(top map[string]member, keys ...string) error {
	for _, key := range keys {
		switch m := top[key]; string(m.raw) {
		case "", "null", "[]", "{}", "false":
		default:
			return unmetered("what %s costs cannot be bounded", key)
		}
	}
	return nil
}

// openaiFailure reads the bodies of errors: {"error":{"message","type","code"}}, the same in a list
// (Gemini), {"error":"text"} (Ollama), {"object":"error","message"} (vLLM). The code is the kind
// where there is one in words, which tells more than the type, and else the number.
func openaiFailure(body []byte) (kind, message string, shaped bool) {
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && len(list) > 0 {
		body = list[0]
	}
	var top block
	if json.Unmarshal(body, &top) != nil {
		return "", "", false
	}
	raw := top["error"]
	if top.text("object") == "error" && raw == nil {
		raw = body
	}
	return errorObject(raw)
}

// errorObject reads the value of an error member; null is none.
func errorObject(raw json.RawMessage) (kind, message string, shaped bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		return "error", text, true
	}
	var e block
	if json.Unmarshal(raw, &e) != nil || e == nil {
		return "", "", false
	}
	kind = "error"
	for _, key := range []string{"code", "type", "status"} {
		if s := e.text(key); s != "" {
			kind = s
			break
		}
	}
	if n, _, err := (member{raw: e["code"]}).count(); err == nil && kind == "error" {
		kind = strconv.FormatInt(n, 10)
	}
	if message = e.text("message"); message == "" && kind == "error" {
		return "", "", false
	}
	return kind, message, true
}

// priority says whether a tier is dearer than the price that is known.
func priority(tier string) bool { return tier == "priority" || tier == "fast" }
