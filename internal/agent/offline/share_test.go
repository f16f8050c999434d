package offline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/offline"
)

// cachedTalk plays turns of a script, billed as a provider with a prompt cache bills the requests
// that the adapter really sends.
type cachedTalk struct {
	biller *anthropic.Client
	script *agenttest.Model
	usages []agent.Usage
}

func (c *cachedTalk) Complete(ctx context.Context, req agent.Request) (agent.Response, error) {
	billed, err := c.biller.Complete(ctx, req)
	if err != nil {
		return agent.Response{}, err
	}
	resp, err := c.script.Complete(ctx, req)
	resp.Usage = billed.Usage
	c.usages = append(c.usages, billed.Usage)
	return resp, err
}

// After the first call of a task at least 85 % of its input tokens are read from the cache, by a
// provider that looks back 20 blocks, caches no prefix below its minimum and forgets after 5 minutes.
func TestShareOfCacheReads(t *testing.T) {
	t.Parallel()
	for _, calls := range []int{1, 12} { // at most, in a turn
		t.Run(fmt.Sprintf("up to %d calls a turn", calls), func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
			h := offline.Handler(offline.Options{Author: small, Cache: true, Now: func() time.Time { now = now.Add(40 * time.Second); return now }})
			biller, err := anthropic.New(anthropic.Config{BaseURL: "http://127.0.0.1", HTTPClient: &http.Client{Transport: offline.NewTransport(h)}})
			if err != nil {
				t.Fatal(err)
			}
			talk := &cachedTalk{biller: biller, script: thirtyTurns(calls)}
			brief := agent.Brief{Role: agent.Engineer, Spec: strings.Repeat("A loan has a borrower and a due date. ", 200), TaskID: "one", Title: "One", Goal: "Build it."}
			system, first := brief.Render()
			loop := agent.Loop{Model: talk, Tools: results(calls), Verify: &agenttest.Verifier{}}
			res, err := loop.Run(t.Context(), agent.Task{
				ID: "one", Model: "offline", System: system, First: first, MaxTokens: 8000,
				Tools: append([]agent.ToolDef{{Name: "run", Description: "Runs a command.", Schema: []byte(`{"type":"object"}`)}}, agent.LoopTools()...),
			})
			if err != nil || res.Outcome != agent.Accepted || res.Turns != 30 {
				t.Fatalf("got %+v, %v", res, err)
			}
			var read, all int64
			for _, u := range talk.usages[1:] {
				read += u.CacheRead
				all += u.Input + u.CacheRead + u.CacheWrite5m + u.CacheWrite1h
			}
			if 100*read < 85*all {
				t.Errorf("%d of %d input tokens were cache reads: %d %%", read, all, 100*read/all)
			}
			t.Logf("%d %% of %d input tokens were cache reads", 100*read/all, all)
		})
	}
}

// thirtyTurns makes 1 to most calls a turn, and finishes in the thirtieth.
func thirtyTurns(most int) *agenttest.Model {
	rng := rand.New(rand.NewPCG(uint64(most), 1))
	var turns []agenttest.Turn
	for n := range 29 {
		var made []agent.ToolCall
		for i := range 1 + rng.IntN(most) {
			made = append(made, agenttest.Run(fmt.Sprintf("cat %d.%d %s", n, i, strings.Repeat("x", rng.IntN(800)))))
		}
		turns = append(turns, agenttest.Use(made...))
	}
	return agenttest.NewModel(append(turns, agenttest.Use(agenttest.Finish("done")))...)
}

// results answers calls with texts of many sizes.
func results(seed int) agent.Toolbox {
	rng := rand.New(rand.NewPCG(uint64(seed), 2))
	state := 0
	return &agenttest.Toolbox{
		State: func() string { state++; return fmt.Sprint(state) },
		Answer: func(agent.ToolCall) (agent.ToolResult, error) {
			return agent.ToolResult{Text: strings.Repeat("line of output\n", rng.IntN(120))}, nil
		},
	}
}
