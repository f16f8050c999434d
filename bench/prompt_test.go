package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/tools"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

const (
	mostPrompt    = 3000 // tokens of tools and system, before the task's own material
	bytesPerToken = 3.6  // of English and JSON, roughly
)

// promptRow counts what the first request of an engineer task holds before the task's own material.
// It is no figure of a machine, so it is asserted too.
func promptRow(t *testing.T, _ sizes) []row {
	sent := &keeper{}
	client, err := anthropic.New(anthropic.Config{HTTPClient: &http.Client{Transport: sent}, Key: endpoint.Secret("k")})
	must(t, err)
	system, _ := agent.Brief{Role: agent.Engineer}.Render()
	hands := tools.New(tools.Config{Root: t.TempDir(), Runner: nobody{}})
	_, err = client.Complete(t.Context(), agent.Request{
		Model: "claude-sonnet-5-5", System: system, Tools: append(hands.Defs(), agent.LoopTools()...),
		Messages: []agent.Message{agent.Say(agent.User, "x")}, MaxTokens: 1000,
	})
	if err == nil || len(sent.body) == 0 {
		t.Fatalf("nothing was sent: %v", err)
	}
	var wire struct{ System, Tools json.RawMessage }
	must(t, json.Unmarshal(sent.body, &wire))
	bytes := len(wire.System) + len(wire.Tools)
	tokens := int(float64(bytes) / bytesPerToken)
	if len(wire.System) == 0 || len(wire.Tools) == 0 || tokens > mostPrompt {
		t.Errorf("system %d bytes, tools %d bytes: %d tokens, at most %d", len(wire.System), len(wire.Tools), tokens, mostPrompt)
	}
	return []row{{
		"7 tools and system of an engineer's first request", fmt.Sprintf("%d tokens", tokens),
		fmt.Sprintf("%d bytes on the wire at %.1f a token", bytes, bytesPerToken), fmt.Sprintf("at most %d", mostPrompt),
	}}
}

// keeper keeps what is sent and sends nothing.
type keeper struct{ body []byte }

func (k *keeper) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	k.body = body
	return nil, errors.Join(errors.New("not sent"), err)
}

// nobody runs no command; its presence offers the tool run.
type nobody struct{}

func (nobody) Run(context.Context, sandbox.Command) (sandbox.Output, error) {
	return sandbox.Output{}, errors.New("not run")
}
