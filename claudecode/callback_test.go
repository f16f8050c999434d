package claudecode_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/claudecode"
)

func allowAll(context.Context, claudecode.PermissionRequest) (claudecode.Permission, error) {
	return claudecode.Allow(), nil
}

const suggestion = `{"type":"addRules","rules":[{"toolName":"Bash","ruleContent":"git *"}],"behavior":"allow","destination":"session"}`

var fakeAsk = script("ask", func(f *fake) {
	f.initialize()
	f.echo(f.ask("q1", object{"subtype": "can_use_tool", "tool_name": "Bash", "input": object{"command": "ls"}, "tool_use_id": "toolu_9",
		"decision_reason": "because", "permission_suggestions": []any{json.RawMessage(suggestion)}}))
	f.end()
})

func TestPermission(t *testing.T) {
	t.Parallel()
	type ask = claudecode.PermissionRequest
	for _, c := range []struct {
		name   string
		decide func(ask) (claudecode.Permission, error)
		want   string
	}{
		{"T57 allow", func(ask) (claudecode.Permission, error) { return claudecode.Allow(), nil },
			`"response":{"behavior":"allow","updatedInput":{"command":"ls"}}`},
		{"T57 other input", func(ask) (claudecode.Permission, error) {
			return claudecode.Allow().WithInput(json.RawMessage(`{"command":"pwd"}`)), nil
		}, `"updatedInput":{"command":"pwd"}`},
		{"T55 T57 suggestion", func(r ask) (claudecode.Permission, error) { return claudecode.Allow(r.Suggestions...), nil },
			`"updatedPermissions":[{"behavior":"allow","destination":"session","rules":[{"ruleContent":"git *","toolName":"Bash"}],"type":"addRules"}]`},
		{"T57 deny", func(ask) (claudecode.Permission, error) { return claudecode.Deny("no thanks"), nil },
			`"response":{"behavior":"deny","message":"no thanks"}`},
		{"deny and interrupt", func(ask) (claudecode.Permission, error) { return claudecode.Deny("stop").Interrupting(), nil },
			`{"behavior":"deny","interrupt":true,"message":"stop"}`},
		{"nothing decided denies", func(ask) (claudecode.Permission, error) { return claudecode.Permission{}, nil },
			`"behavior":"deny"`},
		{"T57 error", func(ask) (claudecode.Permission, error) { return claudecode.Allow(), errors.New("callback failed") },
			`"error":"callback failed","request_id":"q1","subtype":"error"`},
		{"T57 panic", func(ask) (claudecode.Permission, error) { panic("oh") }, `"error":"panic: oh"`},
		{"T57 what is asked", func(r ask) (claudecode.Permission, error) {
			return claudecode.Deny(r.ToolName + r.ToolUseID + r.AgentID + r.DecisionReason), nil
		}, `"message":"Bashtoolu_9because"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := options(fakeAsk)
			o.CanUseTool = func(_ context.Context, r ask) (claudecode.Permission, error) { return c.decide(r) }
			if got := answers(t, o); len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
	t.Run("without callback", func(t *testing.T) {
		t.Parallel()
		if got := answers(t, options(fakeAsk)); len(got) != 1 || !strings.Contains(got[0], `"subtype":"error"`) {
			t.Errorf("got %v", got)
		}
	})
}

// answers runs a fake that echoes what it was answered. Stdin is closed once it has said all.
func answers(t *testing.T, o claudecode.Options) []string {
	t.Helper()
	s := start(t, o)
	var ms []claudecode.Message
	for m, err := range s.Messages() {
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
		if m.Head().Subtype == "echo" {
			s.EndInput()
		}
	}
	return echoed(t, ms)
}

// T55: updates keep their shape there and back.
func TestPermissionUpdate(t *testing.T) {
	t.Parallel()
	for _, want := range []string{
		suggestion,
		`{"type":"setMode","mode":"acceptEdits","destination":"session"}`,
		`{"type":"addDirectories","directories":["/a","/b"],"destination":"projectSettings"}`,
	} {
		var u claudecode.PermissionUpdate
		if err := json.Unmarshal([]byte(want), &u); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(u); err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}

var fakeHooks = script("hooks", func(f *fake) {
	f.echo(f.initialize()["hooks"])
	for _, id := range []string{"hook_0", "hook_1", "hook_2", "hook_9"} {
		f.echo(f.ask("q"+id, object{"subtype": "hook_callback", "callback_id": id, "tool_use_id": "toolu_1", "input": object{
			"hook_event_name": "PreToolUse", "session_id": "s", "cwd": "/c", "tool_name": "Write", "tool_input": object{"p": 1}, "brand_new": true}}))
	}
	f.say("over")
	f.end()
})

// T58: hooks are announced and called, and every field of what they return is sent.
func TestHooks(t *testing.T) {
	t.Parallel()
	o := options(fakeHooks)
	stop := false
	inputs := make(chan claudecode.HookInput, 1)
	o.Hooks = []claudecode.Hook{
		{Event: claudecode.PreToolUse, Matcher: "Write|Edit", Timeout: 90 * time.Second, Run: func(ctx context.Context, in claudecode.HookInput) (claudecode.HookOutput, error) {
			if _, bound := ctx.Deadline(); !bound {
				return claudecode.HookOutput{}, errors.New("no deadline")
			}
			inputs <- in
			return claudecode.DenyTool("not now"), nil
		}},
		{Event: claudecode.Stop, Run: func(context.Context, claudecode.HookInput) (claudecode.HookOutput, error) {
			return claudecode.HookOutput{Continue: &stop, StopReason: "a", SuppressOutput: true, Decision: "block", Reason: "b", SystemMessage: "c", Async: true, AsyncTimeout: 5,
				Specific: &claudecode.HookSpecific{AdditionalContext: "d", UpdatedInput: json.RawMessage(`{"e":1}`), UpdatedToolOutput: json.RawMessage(`"f"`), UpdatedMCPToolOutput: json.RawMessage(`"g"`), PermissionDecision: "ask", PermissionDecisionReason: "h"}}, nil
		}},
		{Event: "BrandNew", Run: func(context.Context, claudecode.HookInput) (claudecode.HookOutput, error) {
			return claudecode.HookOutput{}, errors.New("hook failed")
		}},
	}
	s := start(t, o)
	var ms []claudecode.Message
	for m, err := range s.Messages() {
		if err != nil {
			t.Fatal(err)
		}
		if ms = append(ms, m); m.Head().Type == "assistant" {
			s.EndInput()
		}
	}
	got := echoed(t, ms)
	for i, want := range []string{
		`{"BrandNew":[{"hookCallbackIds":["hook_2"],"matcher":null}],"PreToolUse":[{"hookCallbackIds":["hook_0"],"matcher":"Write|Edit","timeout":90}],"Stop":[{"hookCallbackIds":["hook_1"],"matcher":null}]}`,
		`{"request_id":"qhook_0","response":{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"not now"}},"subtype":"success"}`,
		`{"request_id":"qhook_1","response":{"async":true,"asyncTimeout":5,"continue":false,"decision":"block","hookSpecificOutput":{"additionalContext":"d","hookEventName":"Stop","permissionDecision":"ask","permissionDecisionReason":"h","updatedInput":{"e":1},"updatedMCPToolOutput":"g","updatedToolOutput":"f"},"reason":"b","stopReason":"a","suppressOutput":true,"systemMessage":"c"},"subtype":"success"}`,
		`{"error":"hook failed","request_id":"qhook_2","subtype":"error"}`,
		`{"error":"no hook has the id \"hook_9\"","request_id":"qhook_9","subtype":"error"}`,
	} {
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Errorf("answer %d: %s", i, diff)
		}
	}
	if in := <-inputs; in.ToolName != "Write" || in.ToolUseID != "toolu_1" || in.SessionID != "s" || !strings.Contains(string(in.Raw), "brand_new") {
		t.Errorf("got %+v", in)
	}
}

var fakeCancel = script("cancel", func(f *fake) {
	f.initialize()
	f.send(object{"type": "control_request", "request_id": "q1", "request": object{"subtype": "can_use_tool", "tool_name": "Bash", "input": object{}}})
	f.prompt() // it was asked
	f.send(object{"type": "control_cancel_request", "request_id": "q1"}, object{"type": "control_cancel_request", "request_id": "unheard"})
	f.prompt() // the callback has ended
	f.echo(f.ask("q1", object{"subtype": "unheard"}))
	f.end()
})

// T39: what the CLI takes back is cancelled and gets no reply; the id may come again.
func TestCancelRequest(t *testing.T) {
	t.Parallel()
	o := options(fakeCancel)
	asked, ended := make(chan bool), make(chan error)
	o.CanUseTool = func(ctx context.Context, _ claudecode.PermissionRequest) (claudecode.Permission, error) {
		asked <- true
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return claudecode.Allow(), nil
	}
	s := start(t, o)
	<-asked
	if err := s.Send(t.Context(), "was asked"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("got %v", err)
	}
	if err := s.Send(t.Context(), "has ended"); err != nil {
		t.Fatal(err)
	}
	for m, err := range s.Messages() {
		if err != nil {
			t.Fatal(err)
		}
		if got := echoed(t, []claudecode.Message{m}); len(got) != 1 || !strings.Contains(got[0], "unsupported control request subtype: unheard") {
			t.Errorf("got %v", got)
		}
		break
	}
}
