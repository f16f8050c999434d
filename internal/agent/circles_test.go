package agent_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// A call that is made again and again is told once; then the agent is stuck. Results may be missing.
func TestCircles(t *testing.T) {
	t.Parallel()
	var c agent.Circles
	call := []agent.ToolCall{{Name: "run", Input: json.RawMessage(`{"command":"make"}`)}}
	var said []string
	for range 5 {
		notice, stuck := c.Watch(call, nil, "")
		said = append(said, fmt.Sprint(strings.Contains(notice, "same call"), stuck))
	}
	if got, want := strings.Join(said, ","), "false false,false false,true false,true true,true true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if notice, stuck := new(agent.Circles).Watch(call, []agent.ToolResult{{Text: "a"}, {Text: "b"}}, "t"); notice != "" || stuck {
		t.Errorf("got %q, %v", notice, stuck)
	}
}
