package conversation

import (
	"encoding/json"
	"errors"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// PlanSchema is the title of the JSON schema of a plan draft, the one structured question that has
// an answer.
const PlanSchema = "builder-plan-draft-1"

// ErrSchema is returned for a structured question other than a plan draft: no rule answers it.
var ErrSchema = errors.New("the offline model answers only the JSON schema titled " + PlanSchema)

// Speaker answers requests by rule.
type Speaker struct {
	Author Author
}

// Answer is the model's next turn: texts and tool calls in order, calls without ids. It depends on
// nothing but req. Its error is [ErrSchema], for a request that can never be answered.
func (s Speaker) Answer(req agent.Request) ([]agent.Block, error) {
	text := hear(req)
	if len(req.Schema) > 0 {
		if schemaTitle(req.Schema) != PlanSchema {
			return nil, ErrSchema
		}
		return []agent.Block{say(string(draft(text, s.Author)))}, nil
	}
	if b, ok := readBrief(text); ok {
		e := s.engineer(b, req, text.from)
		if in, asked := recapAsked(req.Messages); asked {
			return e.recap(in), nil
		}
		return e.next(), nil
	}
	return []agent.Block{say(introduction)}, nil
}

// engineer prepares the answer to an engineer's task, about which is spoken from a message on.
func (s Speaker) engineer(b brief, req agent.Request, from int) engineer {
	ts := offered(req.Tools)
	if !ts.absolute() {
		b.cwd = ""
	}
	return engineer{
		brief:  b,
		work:   s.Author(b.spec),
		tools:  ts,
		script: fold(req.Messages[from:], ts, b.cwd),
		room:   Room(req.MaxTokens) - margin,
	}
}

// schemaTitle reads the title of a JSON schema.
func schemaTitle(schema json.RawMessage) string {
	var s struct {
		Title string `json:"title"`
	}
	if json.Unmarshal(schema, &s) != nil {
		return ""
	}
	return s.Title
}

func say(text string) agent.Block {
	return agent.Block{Kind: agent.TextBlock, Text: text}
}

const introduction = `I am Builder's offline model. I am not a language model: I read the structured parts of a specification by rule and write real Go programs from them (project types cli-tool and rest-api), and I answer the same request always with the same bytes.

I can answer two kinds of requests: a plan draft (a structured question with the JSON schema titled ` + PlanSchema + `) and an engineer's task as Builder words it (with <spec> and <task>, and tools to write files). I cannot answer this one. For it, choose a provider with a language model.`
