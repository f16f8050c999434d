package agenttest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Turn is one scripted answer: first the thinking, then the text, then the calls.
type Turn struct {
	Thinking string
	Text     string
	Calls    []agent.ToolCall
	Stop     agent.StopReason // "" means tool_use with calls, end_turn without
	Usage    agent.Usage      // zero means 100 in, 10 out
	Model    string           // that answers, over the wire; "" is the one that was asked for
	Fault    *Fault           // nil: the answer arrives
}

// Fault is a way in which a turn does not arrive. Of its fields at most one group counts.
type Fault struct {
	// An error response. In process it is a *agent.Failure of Class and Cause.
	Status  int
	Type    string // "overloaded_error", …
	Message string
	Header  http.Header
	Class   agent.Class
	Cause   agent.Cause

	// Over the wire only.
	Body        string          // with Status: the body, instead of an error object
	Cut         bool            // the stream ends cleanly after the last block, without a stop reason
	Reset       bool            // the connection is broken there
	MidError    string          // an error event of this type comes there
	Hold        <-chan struct{} // after the last event the connection stays open until it is closed
	Pause       <-chan struct{} // after the last block the stream stands still until it is closed
	Unknown     bool            // unknown events, deltas and fields stand in between
	InputPieces int             // bytes of tool input per fragment; 0 means 7
	NoUsage     bool            // the answer does not say what it used; of OpenAI's wires only
}

// Say is a turn that only speaks.
func Say(text string) Turn { return Turn{Text: text} }

// Use is a turn of tool calls; their ids are set by whoever plays it.
func Use(calls ...agent.ToolCall) Turn { return Turn{Calls: calls} }

// Fail is a turn that is an error response.
func Fail(status int, errorType, message string) Turn {
	return Turn{Fault: &Fault{Status: status, Type: errorType, Message: message, Class: agent.Retry}}
}

// Call makes a tool call. Input is encoded as JSON, except a json.RawMessage, which is taken as it
// is, valid or not.
func Call(name string, input any) agent.ToolCall {
	if raw, ok := input.(json.RawMessage); ok {
		return agent.ToolCall{Name: name, Input: raw}
	}
	raw, err := json.Marshal(input)
	if err != nil {
		panic(fmt.Sprintf("encode input of %s: %v", name, err))
	}
	return agent.ToolCall{Name: name, Input: raw}
}

// Finish is the call that asks for the gates.
func Finish(summary string) agent.ToolCall {
	return Call(agent.FinishTool, map[string]string{"summary": summary})
}

// Blocked is the call that gives up.
func Blocked(reason, evidence string) agent.ToolCall {
	return Call(agent.BlockedTool, map[string]string{"reason": reason, "evidence": evidence})
}

// Write is the call that writes a file.
func Write(path, content string) agent.ToolCall {
	return Call("write_file", map[string]string{"path": path, "content": content})
}

// Run is the call that runs a shell command.
func Run(command string) agent.ToolCall {
	return Call("run", map[string]string{"command": command})
}

// stop is the turn's stop reason.
func (t Turn) stop() agent.StopReason {
	switch {
	case t.Stop != "":
		return t.Stop
	case len(t.Calls) > 0:
		return agent.StopTools
	default:
		return agent.StopEnd
	}
}

func (t Turn) usage() agent.Usage {
	if t.Usage == (agent.Usage{}) {
		return agent.Usage{Input: 100, Output: 10}
	}
	return t.Usage
}

// callID is the id of call i of the turn with number n; both count from 0.
func callID(c agent.ToolCall, n, i int) string {
	if c.ID != "" {
		return c.ID
	}
	return fmt.Sprintf("toolu_%03d_%02d", n, i)
}
