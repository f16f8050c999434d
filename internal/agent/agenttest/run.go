package agenttest

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Adapter is what [RunModel] needs of an adapter under test.
type Adapter struct {
	// New makes a model whose provider plays turns in order, and a function that counts the sends
	// that reached the provider. Everything it starts MUST end with the test.
	New func(t *testing.T, turns ...Turn) (m agent.Model, sends func() int)
	// Recording gives the body that a turn has on the wire; the model is then an [agent.Replayer].
	// Nil: it is none.
	Recording func(turn Turn) (contentType string, body []byte)
	// Carries makes of an answer what the adapter's wire has words for. Nil: it has them for all.
	Carries func(resp agent.Response) agent.Response
}

// RunModel is the promise of [agent.Model] in executable form.
func RunModel(t *testing.T, a Adapter) {
	t.Helper()
	t.Run("answers", func(t *testing.T) { t.Parallel(); a.answers(t) })
	t.Run("failures", func(t *testing.T) { t.Parallel(); a.failures(t) })
	t.Run("conversation", func(t *testing.T) { t.Parallel(); a.conversation(t) })
	t.Run("cancel", func(t *testing.T) { t.Parallel(); a.cancel(t) })
	t.Run("concurrent", func(t *testing.T) { t.Parallel(); a.concurrent(t) })
}

// Ask is a request with all that a request can hold.
func Ask() agent.Request {
	return agent.Request{
		Model: "test-model", System: []string{"rules", "shared"}, MaxTokens: 1000,
		Tools: []agent.ToolDef{
			{Name: "write_file", Description: "writes", Schema: json.RawMessage(`{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"]}`)},
			{Name: "run", Description: "runs", Schema: json.RawMessage(`{"type":"object","properties":{"command":{"type":"string"}}}`)},
		},
		Messages: []agent.Message{agent.Say(agent.User, "do it")},
	}
}

// answered are turns that arrive.
func answered() map[string]Turn {
	all := agent.Usage{Input: 11, CacheWrite5m: 22, CacheWrite1h: 33, CacheRead: 44, Output: 55}
	return map[string]Turn{
		"text":              {Text: "hello, wörld <&> \u2028"},
		"everything":        {Thinking: "hm", Text: "so", Calls: []agent.ToolCall{Write("a", "1"), Run("ls")}, Usage: all},
		"calls in order":    Use(Write("1", ""), Write("2", ""), Run("3"), Write("4", "")),
		"raw input":         Use(Call("run", json.RawMessage(`{ "command" : "a\u0041\/b",  "n": 1.50, "big": 12345678901234567890 }`))),
		"empty input":       Use(Call("run", json.RawMessage(`{}`))),
		"nested input":      Use(Call("run", json.RawMessage(`{"a":[{"b":null},[],"ü"]}`))),
		"one byte at once":  {Calls: []agent.ToolCall{Write("päth", strings.Repeat("x\n", 50))}, Fault: &Fault{InputPieces: 1}},
		"unknown in stream": {Text: "x", Calls: []agent.ToolCall{Run("y")}, Fault: &Fault{Unknown: true}},
		"nothing":           {},
		"length":            {Text: "cut", Stop: agent.StopLength},
		"refusal":           {Text: "no", Stop: agent.StopRefusal},
		"window":            {Text: "full", Stop: agent.StopWindow},
	}
}

// answers: what the provider says arrives unchanged, in one send, and a recording of it reads alike.
func (a Adapter) answers(t *testing.T) {
	for name, turn := range answered() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, sends := a.New(t, turn)
			got, err := m.Complete(t.Context(), Ask())
			if err != nil {
				t.Fatal(err)
			}
			want := turn.response(0, "test-model")
			if a.Carries != nil {
				want = a.Carries(want)
			}
			got.ID, want.ID = "", ""
			same(t, got, want)
			if sends() != 1 {
				t.Errorf("%d sends for one call", sends())
			}
			if a.Recording == nil {
				return
			}
			contentType, body := a.Recording(turn)
			again, err := m.(agent.Replayer).Replay(t.Context(), Ask(), contentType, body)
			if err != nil {
				t.Fatal(err)
			}
			again.ID = ""
			same(t, again, want)
			if sends() != 1 {
				t.Error("a replay sent something")
			}
		})
	}
}

// same compares answers; opaque blocks count by being there.
func same(t *testing.T, got, want agent.Response) {
	t.Helper()
	for _, r := range []*agent.Response{&got, &want} {
		r.Message.Blocks = append([]agent.Block(nil), r.Message.Blocks...)
		for i := range r.Message.Blocks {
			if b := &r.Message.Blocks[i]; b.Kind == agent.ThinkingBlock {
				if len(b.Opaque) == 0 {
					t.Error("thinking without the provider's own block")
				}
				b.Opaque = nil
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// failures: what brings no answer is a *agent.Failure with one class, and is sent once.
func (a Adapter) failures(t *testing.T) {
	turns := map[string]Turn{
		"overloaded":  Fail(529, "overloaded_error", "busy"),
		"server":      Fail(500, "api_error", "oops"),
		"auth":        Fail(401, "authentication_error", "bad key"),
		"malformed":   Fail(400, "invalid_request_error", "no"),
		"HTML":        {Fault: &Fault{Status: 502, Body: "<html>bad gateway</html>"}},
		"cut":         {Text: "half", Fault: &Fault{Cut: true}},
		"cut in call": {Calls: []agent.ToolCall{Write("a", "b")}, Fault: &Fault{Cut: true}},
		"reset":       {Text: "half", Fault: &Fault{Reset: true}},
		"mid error":   {Text: "half", Fault: &Fault{MidError: "overloaded_error", Message: "busy"}},
	}
	classes := map[string]agent.Class{"auth": agent.PauseBuild, "malformed": agent.FixRequest}
	for name, turn := range turns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, sends := a.New(t, turn, Say("a second send"))
			got, err := m.Complete(t.Context(), Ask())
			var f *agent.Failure
			if !errors.As(err, &f) {
				t.Fatalf("got %+v, %v, want a failure", got, err)
			}
			want := classes[name]
			if want == "" {
				want = agent.Retry
			}
			if f.Class != want {
				t.Errorf("class %s, want %s (%v)", f.Class, want, f)
			}
			if sends() != 1 {
				t.Errorf("%d sends; a model MUST NOT retry", sends())
			}
		})
	}
}

// conversation: answers and results go back, whatever they hold, and the request stays as it was.
func (a Adapter) conversation(t *testing.T) {
	m, _ := a.New(t,
		Turn{Thinking: "hm", Text: "so", Calls: []agent.ToolCall{Write("a", "1"), Call("run", json.RawMessage(`{"command": "x`)), Call("no such tool", json.RawMessage(`[1]`))}},
		Turn{Stop: agent.StopPause, Text: "wait"}, Say("done"))
	req := Ask()
	for i := range 3 {
		before, err := json.Marshal(req)
		if err != nil {
			t.Fatalf("request %d cannot be kept: %v", i, err)
		}
		resp, err := m.Complete(t.Context(), req)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if after, err := json.Marshal(req); err != nil || string(after) != string(before) {
			t.Errorf("request %d was changed: %s %v", i, after, err)
		}
		req.Messages = append(req.Messages, resp.Message)
		results := agent.Message{Role: agent.User}
		for _, c := range resp.Message.Calls() {
			if !json.Valid(c.Input) {
				t.Errorf("the input of %s is no JSON: %s", c.Name, c.Input)
			}
			results.Blocks = append(results.Blocks, agent.Block{Kind: agent.ResultBlock, ID: c.ID, Text: []string{"", "ok"}[i%2], Error: i == 0})
		}
		if len(results.Blocks) > 0 {
			req.Messages = append(req.Messages, results)
		}
	}
}

// cancel: a call whose context ended is the context's error, not a failure of the provider.
func (a Adapter) cancel(t *testing.T) {
	stop := errors.New("stop asked for")
	m, _ := a.New(t, Say("x"))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	_, err := m.Complete(ctx, Ask())
	var f *agent.Failure
	if errors.As(err, &f) || !errors.Is(err, stop) {
		t.Errorf("got %v, want the cause of the cancel", err)
	}
}

// concurrent: many calls at the same time.
func (a Adapter) concurrent(t *testing.T) {
	const n = 16
	turns := make([]Turn, n)
	for i := range turns {
		turns[i] = Use(Run("x"))
	}
	m, sends := a.New(t, turns...)
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if _, err := m.Complete(t.Context(), Ask()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if sends() != n {
		t.Errorf("%d sends, want %d", sends(), n)
	}
}
