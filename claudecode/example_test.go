package claudecode_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/seed-c331f47d/builder/claudecode"
)

// The environment of the CLI is named variable by variable.
func ExampleQuery() {
	o := claudecode.Options{Env: claudecode.Environ("HOME", "PATH", "ANTHROPIC_API_KEY"), Tools: []string{"Read"}}
	for msg, err := range claudecode.Query(context.Background(), "What is 2+2?", o) {
		if err != nil {
			log.Fatal(err)
		}
		switch m := msg.(type) {
		case *claudecode.Assistant:
			fmt.Println(m.Message.Text())
		case *claudecode.Result:
			fmt.Printf("Cost: $%.4f\n", m.TotalCostUSD)
		}
	}
}

// A tool of this program, in a session of several turns.
func ExampleStart() {
	ctx := context.Background()
	add := claudecode.Tool{
		Name: "add", Description: "Adds two numbers.",
		InputSchema: json.RawMessage(`{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"]}`),
		Handler: func(_ context.Context, c claudecode.ToolCall) (claudecode.ToolResult, error) {
			var in struct{ A, B float64 }
			if err := json.Unmarshal(c.Input, &in); err != nil {
				return claudecode.ToolResult{}, err
			}
			return claudecode.TextResult(fmt.Sprint(in.A + in.B)), nil
		},
	}
	s, err := claudecode.Start(ctx, claudecode.Options{
		Env:          claudecode.Environ("HOME", "PATH", "ANTHROPIC_API_KEY"),
		SessionID:    claudecode.NewID(),
		Servers:      []*claudecode.Server{{Name: "calc", Tools: []claudecode.Tool{add}}},
		AllowedTools: []string{"mcp__calc__add"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for _, question := range []string{"What is 2+3?", "And twice that?"} {
		result, err := s.Ask(ctx, question)
		if errors.Is(err, claudecode.ErrRateLimited) {
			log.Fatal("come back later: ", err)
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Text)
	}
}
