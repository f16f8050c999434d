package claudecode_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/claudecode"
)

// These tests run the real CLI against a server on loopback that answers by script. CLAUDE_CLI names it, as in
//
//	npm install --prefix /tmp/claude-cli @anthropic-ai/claude-code
//	CLAUDE_CLI=/tmp/claude-cli/node_modules/@anthropic-ai/claude-code-linux-x64/claude go test ./claudecode -run Real

// stub answers model calls: a call whose newest message says "use NAME JSON" gets that tool call, "hang" nothing more than a
// beginning, "cut" an answer without its end, "status CODE BODY" an error, any other the text of its newest message.
type stub struct {
	mu     sync.Mutex
	bodies []string
	hung   chan struct{} // gets one for each call that hangs
}

func (st *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/v1/messages") {
		return
	}
	st.mu.Lock()
	st.bodies = append(st.bodies, string(raw))
	n := len(st.bodies)
	st.mu.Unlock()
	var body struct {
		Model    string
		Stream   bool
		Messages []struct{ Content json.RawMessage }
	}
	json.Unmarshal(raw, &body)
	last := lastText(body.Messages[len(body.Messages)-1].Content)
	last, _, _ = strings.Cut(last, "\n\n<system-reminder>") // newer CLIs tell what is left of the window
	verb, rest, _ := strings.Cut(last, " ")
	if verb == "status" {
		code, reason, _ := strings.Cut(rest, " ")
		status, _ := strconv.Atoi(code)
		w.Header().Set("content-type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"type":"error","error":{"type":"invalid_request_error","message":%q}}`, reason)
		return
	}
	w.Header().Set("content-type", "text/event-stream")
	w.Header().Set("request-id", fmt.Sprint("req_", n))
	event := func(kind string, v object) {
		v["type"] = kind
		data, _ := json.Marshal(v)
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, data)
		w.(http.Flusher).Flush()
	}
	event("message_start", object{"message": object{"id": fmt.Sprint("msg_", n), "type": "message", "role": "assistant", "model": body.Model, "content": []any{}, "stop_reason": nil,
		"usage": object{"input_tokens": 10, "output_tokens": 1}}})
	stop := "end_turn"
	switch verb {
	case "hang":
		event("content_block_start", object{"index": 0, "content_block": object{"type": "text", "text": ""}})
		event("content_block_delta", object{"index": 0, "delta": object{"type": "text_delta", "text": "well"}})
		st.hung <- struct{}{}
		<-r.Context().Done()
		return
	case "use":
		name, input, _ := strings.Cut(rest, " ")
		stop = "tool_use"
		event("content_block_start", object{"index": 0, "content_block": object{"type": "tool_use", "id": fmt.Sprint("toolu_", n), "name": name, "input": object{}}})
		event("content_block_delta", object{"index": 0, "delta": object{"type": "input_json_delta", "partial_json": input}})
	default:
		event("content_block_start", object{"index": 0, "content_block": object{"type": "text", "text": ""}})
		event("content_block_delta", object{"index": 0, "delta": object{"type": "text_delta", "text": "heard: " + last}})
	}
	event("content_block_stop", object{"index": 0})
	if verb == "cut" {
		return
	}
	event("message_delta", object{"delta": object{"stop_reason": stop, "stop_sequence": nil}, "usage": object{"output_tokens": 20}})
	event("message_stop", object{})
}

// lastText is the text of the last block.
func lastText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var blocks []struct {
		Text    string
		Content json.RawMessage
	}
	json.Unmarshal(raw, &blocks)
	for len(blocks) > 1 && strings.HasPrefix(blocks[len(blocks)-1].Text, "<system-reminder>") {
		blocks = blocks[:len(blocks)-1]
	}
	if len(blocks) == 0 {
		return ""
	}
	b := blocks[len(blocks)-1]
	if b.Text != "" {
		return b.Text
	}
	return lastText(b.Content)
}

func (st *stub) count() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.bodies)
}

func (st *stub) last() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.bodies[len(st.bodies)-1]
}

// real gives options for the real CLI in folders of its own.
func real(t *testing.T) (claudecode.Options, *stub) {
	t.Helper()
	cli := os.Getenv("CLAUDE_CLI")
	if cli == "" {
		t.Skip("CLAUDE_CLI names no real CLI")
	}
	st := &stub{hung: make(chan struct{}, 16)}
	server := httptest.NewServer(st)
	t.Cleanup(server.Close)
	home, dir := t.TempDir(), t.TempDir()
	return claudecode.Options{
		CLI: cli, Dir: dir, Model: "claude-sonnet-4-5", SettingSources: []string{}, StrictMCP: true,
		System: claudecode.SystemPrompt{Text: "You are terse."}, Tools: []string{"Bash", "Read"},
		Env: map[string]string{
			"HOME": home, "CLAUDE_CONFIG_DIR": filepath.Join(home, "config"), "PATH": os.Getenv("PATH"), "TMPDIR": home,
			"ANTHROPIC_BASE_URL": server.URL, "ANTHROPIC_API_KEY": "dummy", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "0",
		},
		Stderr: func(line string) { t.Log("stderr:", line) },
		Trace:  func(d claudecode.Direction, line []byte) { t.Logf("%s %.400s", d, line) },
	}, st
}

// turn sends and collects a turn.
func turn(t *testing.T, s *claudecode.Session, text string) (ms []claudecode.Message, r *claudecode.Result) {
	t.Helper()
	if err := s.Send(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	for m, err := range s.Receive(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	return ms, ms[len(ms)-1].(*claudecode.Result)
}

func TestRealText(t *testing.T) {
	t.Parallel()
	o, st := real(t)
	o.SessionID = claudecode.NewID()
	o.System.Append = "And kind."
	begin := time.Now()
	s := start(t, o)
	t.Log("start took", time.Since(begin))
	ms, r := turn(t, s, "hello")
	init, ok := ms[0].(*claudecode.Init)
	if !ok || init.SessionID != o.SessionID || init.Model != o.Model {
		t.Errorf("got init %s", ms[0].Head().Raw)
	}
	t.Log("version", init.Version)
	if r.Err() != nil || r.Text != "heard: hello" {
		t.Errorf("got %s", r.Raw)
	}
	if body := st.last(); !strings.Contains(body, "You are terse.") || !strings.Contains(body, "And kind.") {
		t.Errorf("the prompt is not in the request: %.2000s", body)
	}
	for _, m := range ms {
		if m.Head().Misfit != nil {
			t.Error(m.Head().Misfit)
		}
	}
	if spent, err := s.Spent(t.Context()); err != nil || spent.TotalCostUSD <= 0 {
		t.Errorf("got %+v, %v", spent, err)
	}
	if err := s.Close(); err != nil || s.Err() != nil {
		t.Errorf("close: %v, %v", err, s.Err())
	}

	// the same session again, by its id
	o.Resume, o.SessionID = o.SessionID, ""
	s = start(t, o)
	_, r = turn(t, s, "again")
	if r.SessionID != o.Resume || r.Err() != nil || !strings.Contains(st.last(), "heard: hello") {
		t.Errorf("got %s", r.Raw)
	}
}

func TestRealTool(t *testing.T) {
	t.Parallel()
	o, _ := real(t)
	calls := make(chan claudecode.ToolCall, 4)
	o.Servers = []*claudecode.Server{adder(calls)}
	o.AllowedTools = []string{"mcp__calc__add"}
	s := start(t, o)
	_, r := turn(t, s, `use mcp__calc__add {"a":2,"b":3}`)
	if r.Err() != nil || strings.TrimSpace(r.Text) != "heard: 5" {
		t.Errorf("got %s", r.Raw)
	}
	if c := <-calls; c.ToolUseID == "" {
		t.Errorf("got %+v", c)
	}
}

func TestRealPermission(t *testing.T) {
	t.Parallel()
	o, _ := real(t)
	asked := make(chan string, 4)
	hooked := make(chan claudecode.HookInput, 4)
	o.CanUseTool = func(_ context.Context, r claudecode.PermissionRequest) (claudecode.Permission, error) {
		asked <- string(r.Input)
		if strings.Contains(string(r.Input), "secret") {
			return claudecode.Deny("not that one"), nil
		}
		return claudecode.Allow().WithInput(json.RawMessage(`{"command":"mkdir changed && ls"}`)), nil
	}
	o.Hooks = []claudecode.Hook{{Event: claudecode.PreToolUse, Run: func(_ context.Context, in claudecode.HookInput) (claudecode.HookOutput, error) {
		hooked <- in
		return claudecode.HookOutput{}, nil
	}}}
	s := start(t, o)
	_, r := turn(t, s, `use Bash {"command":"mkdir secret"}`)
	if r.Err() != nil || r.Text != "heard: not that one" || len(r.PermissionDenials) != 1 {
		t.Errorf("got %s", r.Raw)
	}
	if in := <-hooked; in.ToolName != "Bash" || in.ToolUseID == "" || in.CWD == "" {
		t.Errorf("got %+v", in)
	}
	_, r = turn(t, s, `use Bash {"command":"mkdir asked"}`)
	if r.Err() != nil || r.Text != "heard: changed" {
		t.Errorf("got %s", r.Raw)
	}
	if err := s.SetPermissionMode(t.Context(), claudecode.ModeAcceptEdits); err != nil {
		t.Error(err)
	}
}

func TestRealInterrupt(t *testing.T) {
	t.Parallel()
	o, st := real(t)
	s := start(t, o)
	if err := s.Send(t.Context(), "hang"); err != nil {
		t.Fatal(err)
	}
	<-st.hung
	if err := s.Interrupt(t.Context()); err != nil {
		t.Fatal(err)
	}
	var r *claudecode.Result
	for m, err := range s.Receive(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		r, _ = m.(*claudecode.Result)
	}
	if !errors.Is(r.Err(), claudecode.ErrInterrupted) {
		t.Errorf("got %s", r.Raw)
	}
	if _, r = turn(t, s, "go on"); r.Err() != nil || r.Text != "heard: go on" {
		t.Errorf("got %s", r.Raw)
	}
}

func TestRealResumeNothing(t *testing.T) {
	t.Parallel()
	o, _ := real(t)
	o.Resume = claudecode.NewID()
	_, err := claudecode.Start(t.Context(), o)
	var exit *claudecode.ExitError
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "No conversation found") {
		t.Errorf("got %v", err)
	}
}

func TestRealFaults(t *testing.T) {
	t.Parallel()
	o, st := real(t)
	for _, c := range []struct {
		prompt string
		kind   error
	}{
		{"cut", claudecode.ErrTruncated},
		{"status 429 too many", claudecode.ErrRateLimited},
		{"status 529 busy", claudecode.ErrOverloaded},
		{"status 401 who", claudecode.ErrAuthentication},
		{"status 404 model: nope", claudecode.ErrModel},
		{"status 400 prompt is too long: 300000 tokens > 200000 maximum", claudecode.ErrContextOverrun},
		{"status 400 Your credit balance is too low to access the Anthropic API", claudecode.ErrBilling},
		{"status 500 broken", nil},
	} {
		s := start(t, o)
		r, err := s.Ask(t.Context(), c.prompt)
		if c.prompt == "cut" && err == nil && strings.Contains(st.last(), "\"cut\"") {
			if st.count() != 2 {
				t.Errorf("an answer that was cut off was taken for a whole one")
			}
			s.Close()
			continue // newer CLIs ask for the rest
		}
		var failed *claudecode.ResultError
		if !errors.As(err, &failed) || failed.Kind != c.kind {
			t.Errorf("%s: got %v, want %v; %s", c.prompt, err, c.kind, r.Raw)
		}
		t.Logf("%s: %v", c.prompt, err)
		s.Close()
	}
}

// Close of a turn that runs interrupts it, and says so to nobody as an error. A CLI that sees the end of its input before the
// signal goes without a last word, at times.
func TestRealClose(t *testing.T) {
	t.Parallel()
	var last string
	for range 4 {
		o, st := real(t)
		s := start(t, o)
		if err := s.Send(t.Context(), "hang"); err != nil {
			t.Fatal(err)
		}
		<-st.hung
		begin := time.Now()
		if err := s.Close(); err != nil || s.Err() != nil {
			t.Errorf("got %v, %v", err, s.Err())
		}
		t.Log("close took", time.Since(begin))
		if pid := pidOf(t, s); alive(pid) {
			t.Errorf("%d is left", pid)
		}
		ms, err := collect(s)
		if err != nil {
			t.Fatal(err)
		}
		if last = kinds(ms); strings.Contains(last, "result/") {
			return
		}
	}
	t.Errorf("four turns were not interrupted: %s", last)
}
