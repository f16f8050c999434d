package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/tools"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

func TestRunConfines(t *testing.T) {
	t.Parallel()
	h := newHands(t, func(c *tools.Config) {
		c.Profile = sandbox.Profile{Env: map[string]string{"PATH": "/go/bin"}, Write: []string{"/cache"}, Read: []string{"/go"}}
		c.Limits = sandbox.Limits{Time: time.Minute, Memory: 5}
	})
	h.put(t, "sub/f", "")
	h.do(t, "run", args{"command": "go test; rm -rf /", "dir": "sub", "timeout_seconds": 7})
	want := sandbox.Command{
		Argv: []string{"sh", "-c", "go test; rm -rf /"}, Dir: filepath.Join(h.root, "sub"), Env: map[string]string{"PATH": "/go/bin"},
		Policy: sandbox.Policy{Write: []string{"/cache", h.root}, Read: []string{"/go"}}, Limits: sandbox.Limits{Time: 7 * time.Second, Memory: 5},
	}
	if diff := cmp.Diff(want, h.runner.got); diff != "" {
		t.Error(diff)
	}
	h.do(t, "run", args{"argv": []string{"go", "vet", "./..."}, "timeout_seconds": 3600})
	if got := h.runner.got; strings.Join(got.Argv, " ") != "go vet ./..." || got.Dir != h.root || got.Limits.Time != time.Minute || got.Policy.Network {
		t.Errorf("got %+v", got)
	}
	online := newHands(t, func(c *tools.Config) { c.Network = true })
	online.do(t, "run", args{"command": "x"})
	if got := online.runner.got; !got.Policy.Network || got.Limits.Time != sandbox.DefaultLimits().Time {
		t.Errorf("got %+v", got)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []args{
		{}, {"command": ""}, {"argv": []string{}}, {"argv": []string{""}}, {"command": "a\x00b"}, {"argv": []string{"a", "b\x00"}},
		{"command": strings.Repeat("x", 128<<10)}, {"command": "a", "argv": []string{"b"}},
	} {
		h := newHands(t)
		wantCode(t, h.do(t, "run", in), tools.CodeCmdInvalid)
		if h.runner.got.Argv != nil {
			t.Errorf("%v was run", in)
		}
	}
	h := newHands(t)
	wantCode(t, h.do(t, "run", args{"command": "ls", "dir": "none"}), tools.CodePathNotFound)
	wantCode(t, h.do(t, "run", args{"command": []string{"ls"}}), agent.CodeToolInput)
}

func TestRunReports(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		out   sandbox.Output
		want  string
		error bool
	}{
		{"silent", sandbox.Output{}, "exit 0\n", false},
		{"both", sandbox.Output{Stdout: []byte("out"), Stderr: []byte("err\n"), Exit: 2}, "exit 2\nout\n[stderr]\nerr\n", true},
		{"stderr only", sandbox.Output{Stderr: []byte("warn")}, "exit 0\n[stderr]\nwarn", false},
		{"not UTF-8", sandbox.Output{Stdout: []byte("a\xffb\x1b[0m")}, "exit 0\na\uFFFDb\x1b[0m", false},
		{"time", sandbox.Output{Exit: -1, TimedOut: true, Signal: "killed", Stdout: []byte("so far")}, "E_CMD_TIMEOUT: ended after 5m0s\nso far", true},
		{"time, exit 0", sandbox.Output{TimedOut: true}, "E_CMD_TIMEOUT: ended after 5m0s\n", true},
		{"processes", sandbox.Output{Exit: -1, Exceeded: "processes", Signal: "killed"}, "E_CMD_PIDS: ended, it started too many processes\n", true},
		{"killed", sandbox.Output{Exit: -1, Signal: "killed"}, "E_CMD_KILLED: signal \"killed\"\n", true},
		{"dropped", sandbox.Output{Dropped: 77, Stdout: []byte("x")}, "exit 0\n[77 bytes of output were dropped]\nx", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHands(t)
			h.runner.out = tt.out
			got := h.do(t, "run", args{"command": "x"})
			if got.Text != tt.want || got.Error != tt.error {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
}

func TestRunKeepsHeadAndTail(t *testing.T) {
	t.Parallel()
	h := newHands(t)
	h.runner.out = sandbox.Output{
		Stdout: []byte("first\n" + strings.Repeat("middle\n", 100_000) + "last\n"),
		Stderr: []byte("begin\n" + strings.Repeat("noise\n", 100_000) + "end\n"),
	}
	res := h.do(t, "run", args{"command": "x"})
	got := res.Text
	if strings.Count(res.Full, "middle\n") != 100_000 || strings.Count(res.Full, "noise\n") != 100_000 {
		t.Errorf("the full output has %d bytes", len(res.Full))
	}
	h.runner.out = sandbox.Output{Stdout: []byte("short\n")}
	if res := h.do(t, "run", args{"command": "y"}); res.Full != "" {
		t.Errorf("a short output is kept twice: %q", res.Full)
	}
	if len(got) > 17<<10 {
		t.Errorf("%d bytes", len(got))
	}
	for _, want := range []string{"first\n", "last\n", "begin\n", "end\n", "bytes left out"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestRunMachineFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("no namespaces")
	call := agent.ToolCall{Name: "run", Input: json.RawMessage(`{"command":"x"}`)}
	h := newHands(t)
	h.runner.err = broken
	if _, err := h.Call(t.Context(), call); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	// What a cancelled command printed is no answer: it must not be recorded as one.
	stop := errors.New("stop asked for")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	h = newHands(t)
	h.runner.out = sandbox.Output{Exit: -1, Signal: "killed"}
	if out, err := h.Call(ctx, call); !errors.Is(err, stop) {
		t.Errorf("got %+v, %v", out, err)
	}
}
