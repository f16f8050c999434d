package anthropic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/packages/param"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// nothing stands for a message without content, which the API refuses.
const nothing = "(nothing)"

// encode makes the SDK's parameters of a neutral request. The same request gives the same bytes:
// schemas, tool inputs and opaque blocks go as they are, and no Go map is involved.
func encode(req agent.Request) (sdk.MessageNewParams, error) {
	p := sdk.MessageNewParams{Model: req.Model, MaxTokens: req.MaxTokens}
	p.OutputConfig.Effort = sdk.OutputConfigEffort(req.Effort)
	if req.Thinking {
		p.Thinking = sdk.ThinkingConfigParamUnion{OfAdaptive: &sdk.ThinkingConfigAdaptiveParam{}}
	}
	if len(req.Schema) > 0 {
		format, err := json.Marshal(outputFormat{"json_schema", req.Schema})
		if err != nil {
			return p, fmt.Errorf("encode schema: %w", err)
		}
		p.OutputConfig.Format = param.Override[sdk.JSONOutputFormatParam](json.RawMessage(format))
	}
	for _, text := range req.System {
		if strings.TrimSpace(text) != "" {
			p.System = append(p.System, sdk.TextBlockParam{Text: text})
		}
	}
	for _, def := range req.Tools {
		if !json.Valid(def.Schema) {
			return p, fmt.Errorf("encode tool %s: its schema is no JSON", def.Name)
		}
		p.Tools = append(p.Tools, sdk.ToolUnionParam{OfTool: &sdk.ToolParam{
			Name: def.Name, Description: sdk.String(def.Description),
			InputSchema: param.Override[sdk.ToolInputSchemaParam](def.Schema),
		}})
	}
	for _, m := range req.Messages {
		p.Messages = append(p.Messages, encodeMessage(m))
	}
	mark(&p)
	return p, nil
}

// streamed is the body that asks for a streamed answer. The SDK's own way to add a member reads the whole body once more.
func streamed(params sdk.MessageNewParams) ([]byte, error) {
	body, err := params.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return append(bytes.TrimSuffix(body, []byte{'}'}), `,"stream":true}`...), nil // max_tokens stands there in any case
}

// outputFormat is the wire form of structured output.
type outputFormat struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

func encodeMessage(m agent.Message) sdk.MessageParam {
	var blocks []sdk.ContentBlockParamUnion
	for _, b := range m.Blocks {
		if block, ok := encodeBlock(b); ok {
			blocks = append(blocks, block)
		}
	}
	if len(blocks) == 0 {
		blocks = append(blocks, sdk.NewTextBlock(nothing))
	}
	if m.Role == agent.Assistant {
		return sdk.NewAssistantMessage(blocks...)
	}
	return sdk.NewUserMessage(blocks...)
}

// encodeBlock leaves out what the API refuses: texts without a visible character, and thinking
// that it did not write itself.
func encodeBlock(b agent.Block) (block sdk.ContentBlockParamUnion, ok bool) {
	switch b.Kind {
	case agent.TextBlock:
		return sdk.NewTextBlock(b.Text), strings.TrimSpace(b.Text) != ""
	case agent.ThinkingBlock:
		return param.Override[sdk.ContentBlockParamUnion](b.Opaque), json.Valid(b.Opaque)
	case agent.UseBlock:
		return sdk.ContentBlockParamUnion{OfToolUse: &sdk.ToolUseBlockParam{ID: b.ID, Name: wireName(b.Name), Input: wireInput(b.Input)}}, true
	case agent.ResultBlock:
		result := &sdk.ToolResultBlockParam{ToolUseID: b.ID}
		if strings.TrimSpace(b.Text) != "" {
			result.Content = []sdk.ToolResultBlockParamContentUnion{{OfText: &sdk.TextBlockParam{Text: b.Text}}}
		}
		if b.Error {
			result.IsError = sdk.Bool(true)
		}
		return sdk.ContentBlockParamUnion{OfToolResult: result}, true
	}
	return block, false
}

// wireInput is a call's input as the API takes it back: an object. What the model wrote and could
// not be parsed is not repeated; its result says so.
func wireInput(input json.RawMessage) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(input, &object) != nil || object == nil {
		return json.RawMessage(`{}`)
	}
	return input
}

// wireName is a call's name as the API takes it back, also when the model made it up.
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
