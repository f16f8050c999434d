package claudecode_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/claudecode"
)

// fakeControl answers every control request, and echoes it. It refuses one that says so.
var fakeControl = script("control", func(f *fake) {
	f.initialize()
	for m := f.line(); m != nil; m = f.line() {
		body := m["request"].(object)
		f.echo(body)
		switch body["subtype"] {
		case "refuse":
			f.send(object{"type": "control_response", "response": object{"subtype": "error", "request_id": m["request_id"], "error": "not I", "error_code": "unsupported_request"}})
		case "mcp_status":
			f.accept(m["request_id"].(string), object{"mcpServers": []any{object{"name": "calc", "status": "connected"}}})
		case "get_usage":
			f.accept(m["request_id"].(string), object{"session": object{"total_cost_usd": 1.5}})
		default:
			f.accept(m["request_id"].(string), object{})
		}
	}
})

// T44: every request says exactly what the CLI wants to hear.
func TestControl(t *testing.T) {
	t.Parallel()
	s := start(t, options(fakeControl))
	type session = *claudecode.Session
	for _, c := range []struct {
		name string
		do   func(context.Context, session) error
		want string
	}{
		{"interrupt", func(ctx context.Context, s session) error { return s.Interrupt(ctx) }, `{"subtype":"interrupt"}`},
		{"mode", func(ctx context.Context, s session) error { return s.SetPermissionMode(ctx, claudecode.ModePlan) }, `{"mode":"plan","subtype":"set_permission_mode"}`},
		{"model", func(ctx context.Context, s session) error { return s.SetModel(ctx, "m") }, `{"model":"m","subtype":"set_model"}`},
		{"no model", func(ctx context.Context, s session) error { return s.SetModel(ctx, "") }, `{"model":null,"subtype":"set_model"}`},
		{"thinking", func(ctx context.Context, s session) error { return s.SetMaxThinkingTokens(ctx, 0) }, `{"max_thinking_tokens":0,"subtype":"set_max_thinking_tokens"}`},
		{"stop task", func(ctx context.Context, s session) error { return s.StopTask(ctx, "k") }, `{"subtype":"stop_task","task_id":"k"}`},
		{"reconnect", func(ctx context.Context, s session) error { return s.ReconnectServer(ctx, "x") }, `{"serverName":"x","subtype":"mcp_reconnect"}`},
		{"toggle", func(ctx context.Context, s session) error { return s.ToggleServer(ctx, "x", false) }, `{"enabled":false,"serverName":"x","subtype":"mcp_toggle"}`},
		{"rewind", func(ctx context.Context, s session) error { _, err := s.RewindFiles(ctx, "u"); return err }, `{"subtype":"rewind_files","user_message_id":"u"}`},
		{"context", func(ctx context.Context, s session) error { _, err := s.ContextUsage(ctx); return err }, `{"subtype":"get_context_usage"}`},
		{"servers", func(ctx context.Context, s session) error {
			got, err := s.MCPStatus(ctx)
			if len(got) != 1 || got[0].Status != "connected" {
				return fmt.Errorf("got %v, %w", got, err)
			}
			return err
		}, `{"subtype":"mcp_status"}`},
		{"spent", func(ctx context.Context, s session) error {
			got, err := s.Spent(ctx)
			if got.TotalCostUSD != 1.5 {
				return fmt.Errorf("got %v, %w", got, err)
			}
			return err
		}, `{"subtype":"get_usage"}`},
		{"refused", func(ctx context.Context, s session) error {
			_, err := s.Control(ctx, "refuse", nil)
			var refused *claudecode.ControlError
			if !errors.As(err, &refused) || refused.Code != "unsupported_request" || refused.Message != "not I" {
				return fmt.Errorf("got %w", err)
			}
			return nil
		}, `{"subtype":"refuse"}`},
	} {
		if err := c.do(t.Context(), s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for m := range s.Receive(t.Context()) {
			if got := echoed(t, []claudecode.Message{m}); got[0] != c.want {
				t.Errorf("%s: got %s, want %s", c.name, got[0], c.want)
			}
			break
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Interrupt(t.Context()); !errors.Is(err, claudecode.ErrClosed) {
		t.Errorf("got %v after the end", err)
	}
}

var fakeMute = script("mute", func(f *fake) { f.end() })

var fakeMuteLater = script("mute-later", func(f *fake) {
	f.initialize()
	f.end()
})

// T33: an answer that does not come is a timeout that says what was waited for.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	o := options(fakeMute)
	o.StartTimeout = time.Millisecond
	_, err := claudecode.Start(t.Context(), o)
	late := func(err error, what string) {
		t.Helper()
		var e *claudecode.TimeoutError
		if !errors.As(err, &e) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want a timeout of %s", err, what)
		}
	}
	late(err, "initialize")
	o = options(fakeMuteLater)
	o.ControlTimeout = time.Millisecond
	s := start(t, o)
	late(s.Interrupt(t.Context()), "interrupt")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if err := s.Interrupt(ctx); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("got %v", err)
	}
	for _, err := range s.Receive(ctx) {
		if err == nil || err.Error() != "enough" {
			t.Errorf("got %v", err)
		}
	}
}

var fakeNoStart = script("no-start", func(f *fake) {
	f.request("initialize")
	fmt.Fprintln(os.Stderr, "Error: Session ID is already in use.")
	os.Exit(1)
})

var fakeNoStart0 = script("no-start-0", func(f *fake) { f.request("initialize") })

var fakeNoResume = script("no-resume", func(f *fake) {
	f.request("initialize")
	f.result("", object{"subtype": "error_during_execution", "is_error": true, "errors": []string{"No conversation found"}})
	os.Exit(1)
})

var fakeDies = script("dies", func(f *fake) {
	f.initialize()
	f.line()
	f.line()
	fmt.Fprintln(os.Stderr, "boom")
	os.Exit(3)
})

// T41: whoever waits when the process ends learns at once how it ended.
func TestPendingRequestsFail(t *testing.T) {
	t.Parallel()
	for fake, want := range map[string]string{fakeNoStart: "exited with 1: Error: Session ID is already in use.", fakeNoStart0: "exited with 0", fakeNoResume: "No conversation found"} {
		_, err := claudecode.Start(t.Context(), options(fake))
		var exit *claudecode.ExitError
		if !errors.As(err, &exit) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", fake, err, want)
		}
		var failed *claudecode.ResultError
		if errors.As(err, &failed) != (fake == fakeNoResume) {
			t.Errorf("%s: got %T", fake, err)
		}
	}
	s := start(t, options(fakeDies))
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Interrupt(t.Context())
		var exit *claudecode.ExitError
		if !errors.As(err, &exit) || exit.Code != 3 || !strings.Contains(err.Error(), "boom") {
			t.Errorf("got %v", err)
		}
	})
	err := s.StopTask(t.Context(), "k")
	var exit *claudecode.ExitError
	if !errors.As(err, &exit) || exit.Stderr != "boom\n" {
		t.Errorf("got %v", err)
	}
	wg.Wait()
	if _, err := collect(s); !errors.As(err, &exit) {
		t.Errorf("messages end with %v", err)
	}
}
