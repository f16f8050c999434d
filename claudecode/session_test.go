package claudecode_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/claudecode"
)

var fakeTalk = script("talk", func(f *fake) {
	f.initialize()
	for p := f.prompt(); p != ""; p = f.prompt() {
		f.begin()
		f.say("you said " + p)
		f.result("done: "+p, nil)
	}
})

// T01, T44, T45: several turns in one process, each received up to and with its result.
func TestTurns(t *testing.T) {
	t.Parallel()
	s := start(t, options(fakeTalk))
	for _, text := range []string{"one", "two"} {
		if err := s.Send(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		var ms []claudecode.Message
		for m, err := range s.Receive(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			ms = append(ms, m)
		}
		if got, want := kinds(ms), "system/init assistant result/success"; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		if got := ms[1].(*claudecode.Assistant).Message.Text(); got != "you said "+text {
			t.Errorf("got %q", got)
		}
		r := ms[2].(*claudecode.Result)
		if r.Text != "done: "+text || r.Err() != nil || r.Usage.OutputTokens != 7 || r.TotalCostUSD != 0.5 {
			t.Errorf("got %+v", r)
		}
	}
	if s.ID() != "sid-1" {
		t.Errorf("got id %q", s.ID())
	}
	s.EndInput()
	if rest, err := collect(s); err != nil || len(rest) != 0 {
		t.Errorf("got %v, %v after the end", rest, err)
	}
	if err := s.Send(t.Context(), "more"); !errors.Is(err, claudecode.ErrClosed) {
		t.Errorf("got %v for what is sent after the end", err)
	}
}

// T34: stdin stays open until the result, also with callbacks; then the process ends by itself.
func TestQuery(t *testing.T) {
	t.Parallel()
	var last claudecode.Message
	for m, err := range claudecode.Query(t.Context(), "hi", options(fakeTalk)) {
		if err != nil {
			t.Fatal(err)
		}
		last = m
	}
	if r, ok := last.(*claudecode.Result); !ok || r.Text != "done: hi" {
		t.Errorf("got %v", last)
	}
}

var fakeInjects = script("injects", func(f *fake) {
	f.initialize()
	f.prompt()
	f.begin()
	f.prompt()
	f.result("both in one turn", nil)
	f.end()
})

// What is sent while a tool runs is put into that turn: two messages, one result, and a good end.
func TestInjectedMessage(t *testing.T) {
	t.Parallel()
	s := start(t, options(fakeInjects))
	for range 2 {
		if err := s.Send(t.Context(), "more"); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range s.Receive(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.EndInput()
	if ms, err := collect(s); err != nil || len(ms) != 0 {
		t.Errorf("got %v, %v", ms, err)
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	r, err := start(t, options(fakeTalk)).Ask(t.Context(), "x")
	if err != nil || r.Text != "done: x" {
		t.Errorf("got %v, %v", r, err)
	}
}

// fakeMCP asks tools before it answers initialize, as the real one does.
var fakeMCP = script("mcp", func(f *fake) {
	id, _ := f.request("initialize")
	rpc := func(n string, message object) {
		f.echo(f.ask(n, object{"subtype": "mcp_message", "server_name": "calc", "message": message}))
	}
	rpc("m1", object{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": object{"protocolVersion": "2025-11-25"}})
	f.accept(id, object{})
	rpc("m2", object{"jsonrpc": "2.0", "method": "notifications/initialized"})
	rpc("m3", object{"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
	rpc("m4", object{"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": object{"name": "add", "arguments": object{"a": 2, "b": 3}, "_meta": object{"claudecode/toolUseId": "toolu_1"}}})
	f.end()
})

type sum struct{ A, B float64 }

func adder(calls chan<- claudecode.ToolCall) *claudecode.Server {
	return &claudecode.Server{Name: "calc", Version: "3.1", Tools: []claudecode.Tool{{
		Name: "add", Description: "adds", InputSchema: json.RawMessage(`{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"]}`),
		Handler: func(_ context.Context, c claudecode.ToolCall) (claudecode.ToolResult, error) {
			if calls != nil {
				calls <- c
			}
			var in sum
			if err := json.Unmarshal(c.Input, &in); err != nil {
				return claudecode.ToolResult{}, err
			}
			out, err := json.Marshal(in.A + in.B)
			return claudecode.TextResult(string(out)), err
		},
	}}}
}

// T61, T63: the handshake is served while Start waits for the answer to initialize.
func TestServerDuringStart(t *testing.T) {
	t.Parallel()
	calls := make(chan claudecode.ToolCall, 1)
	o := options(fakeMCP)
	o.Servers = []*claudecode.Server{adder(calls)}
	s := start(t, o)
	call := <-calls
	if call.ToolUseID != "toolu_1" {
		t.Errorf("got tool use id %q", call.ToolUseID)
	}
	var ms []claudecode.Message
	for m, err := range s.Messages() {
		if err != nil {
			t.Fatal(err)
		}
		if ms = append(ms, m); len(ms) == 4 {
			s.EndInput()
		}
	}
	got := echoed(t, ms)
	for i, want := range []string{`"serverInfo":{"name":"calc","version":"3.1"}`, `"result":{}`, `"name":"add"`, `"text":"5"`} {
		if i >= len(got) || !strings.Contains(got[i], want) {
			t.Errorf("answer %d: got %v, want %s", i, got, want)
		}
	}
}
