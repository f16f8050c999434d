package agent

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Names of the loop's own tools; a Toolbox is never given calls of them.
const (
	FinishTool  = "finish"
	BlockedTool = "blocked"
)

const (
	finishSchema  = `{"type":"object","properties":{"summary":{"type":"string","description":"What was done, for people, in one to three sentences."}},"required":["summary"],"additionalProperties":false}`
	blockedSchema = `{"type":"object","properties":{"reason":{"type":"string","description":"Why it cannot be done, in one sentence."},"evidence":{"type":"string","description":"What shows it."},"question":{"type":"string","description":"A question to a person, when only an answer lets you go on."}},"required":["reason","evidence"],"additionalProperties":false}`
)

// LoopTools defines the loop's own tools. They go after the toolbox's in [Task.Tools].
func LoopTools() []ToolDef {
	return []ToolDef{
		{Name: FinishTool, Description: prompt(FinishTool), Schema: json.RawMessage(finishSchema)},
		{Name: BlockedTool, Description: prompt(BlockedTool), Schema: json.RawMessage(blockedSchema)},
	}
}

// finishInput is lenient: a summary proves nothing, so its lack is not worth a turn.
type finishInput struct {
	Summary string `json:"summary"`
}

type blockedInput struct {
	Reason   string `json:"reason"`
	Evidence string `json:"evidence"`
	Question string `json:"question"`
}

// check says what is missing.
func (in blockedInput) check() error {
	if strings.TrimSpace(in.Reason) == "" || strings.TrimSpace(in.Evidence) == "" {
		return fmt.Errorf(`%s: "reason" and "evidence" are both required and must not be empty`, CodeToolInput)
	}
	return nil
}
