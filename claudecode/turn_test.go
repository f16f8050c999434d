package claudecode_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/claudecode"
)

// ends are fakes that end in different ways after a turn has begun.
var ends = []struct {
	name  string
	play  func(*fake)
	kind  error  // found in the last error
	says  string // in it; "" for a good end
	exits bool   // an ExitError is found
}{
	{"T40 exit after an error result", func(f *fake) {
		f.result("", object{"subtype": "error_max_turns", "is_error": true, "errors": []string{"Reached maximum number of turns (1)"}})
		os.Exit(1)
	}, claudecode.ErrMaxTurns, "Reached maximum number of turns (1)", true},
	{"T40 error of the API, by the last assistant line", func(f *fake) {
		f.print(`{"type":"assistant","error":"billing_error","message":{"model":"<synthetic>","content":[{"type":"text","text":"Credit balance is too low"}]}}`)
		f.result("Credit balance is too low", object{"is_error": true, "api_error_status": 400})
		os.Exit(1)
	}, claudecode.ErrBilling, "Credit balance", true},
	{"T42 exit without result", func(*fake) { os.Exit(2) }, claudecode.ErrNoResult, "exited with 2, ended without a result", true},
	{"T42 clean exit without result", func(*fake) {}, claudecode.ErrNoResult, "exited with 0", true},
	{"T42 exit after a success", func(f *fake) {
		f.result("fine", nil)
		os.Exit(4)
	}, nil, "exited with 4", true},
	{"T42 error, then a success", func(f *fake) {
		f.result("", object{"subtype": "error_during_execution", "is_error": true})
		f.begin()
		f.result("fine", nil)
		os.Exit(4)
	}, nil, "exited with 4", true},
	{"T42 exit in the turn after an error", func(f *fake) {
		f.result("", object{"subtype": "error_during_execution", "is_error": true, "errors": []string{"old"}})
		f.begin()
		os.Exit(4)
	}, nil, "exited with 4", true},
	{"T42 other system messages change nothing", func(f *fake) {
		f.result("", object{"subtype": "error_during_execution", "is_error": true, "errors": []string{"old"}})
		f.print(`{"type":"system","subtype":"session_state_changed"}`)
		os.Exit(1)
	}, nil, "old", true},
	{"exit code 0 after an error result is a good end of the process", func(f *fake) {
		f.result("", object{"subtype": "error_during_execution", "is_error": true})
	}, nil, "", false},
	{"good", func(f *fake) { f.result("fine", nil) }, nil, "", false},
}

var endNames = func() (names []string) {
	for _, e := range ends {
		names = append(names, script("end: "+e.name, func(f *fake) {
			f.initialize()
			f.prompt()
			f.begin()
			e.play(f)
		}))
	}
	return names
}()

func TestEnds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("many processes, which meet nothing that others do not")
	}
	for i, c := range ends {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, options(endNames[i]))
			if err := s.Send(t.Context(), "go"); err != nil {
				t.Fatal(err)
			}
			_, err := collect(s)
			var exit *claudecode.ExitError
			switch {
			case c.says == "":
				if err != nil {
					t.Errorf("got %v", err)
				}
			case err == nil || !strings.Contains(err.Error(), c.says) || c.kind != nil && !errors.Is(err, c.kind) || errors.As(err, &exit) != c.exits:
				t.Errorf("got %v, want %q and %v", err, c.says, c.kind)
			}
		})
	}
}

// inFlight is a fake whose subagent is still at work at the first result; CLOSED names what makes it end.
func inFlight(task, ended string) func(*fake) {
	return func(f *fake) {
		f.initialize()
		f.prompt()
		f.begin()
		f.print(`{"type":"system","subtype":"task_started","task_id":"k","task_type":"` + task + `"}`)
		f.result("first", nil)
		f.echo("after the first result")
		if ended == "" {
			f.end() // nothing is waited for
			return
		}
		f.echo(f.ask("q1", object{"subtype": "can_use_tool", "tool_name": "Bash", "input": object{}})["subtype"])
		f.print(ended)
		f.begin()
		f.result("second", object{"origin": object{"kind": "task-notification"}})
		f.end()
	}
}

var (
	fakeNotified = script("notified", inFlight("local_agent", `{"type":"system","subtype":"task_notification","task_id":"k","status":"completed"}`))
	fakePatched  = script("patched", inFlight("local_workflow", `{"type":"system","subtype":"task_updated","task_id":"k","patch":{"status":"failed"}}`))
	fakeShell    = script("shell", inFlight("local_bash", ""))
)

// T35, T36: a subagent that still works keeps stdin open until the result after it; a shell does not.
func TestQueryWithTasks(t *testing.T) {
	t.Parallel()
	for fake, want := range map[string]string{fakeNotified: "first second", fakePatched: "first second", fakeShell: "first"} {
		t.Run(fake, func(t *testing.T) {
			t.Parallel()
			o := options(fake)
			taken := make(chan bool)
			o.CanUseTool = func(context.Context, claudecode.PermissionRequest) (claudecode.Permission, error) {
				<-taken // the first result has been dealt with
				return claudecode.Allow(), nil
			}
			var got []string
			for m, err := range claudecode.Query(t.Context(), "go", o) {
				if err != nil {
					t.Fatal(err)
				}
				if r, ok := m.(*claudecode.Result); ok {
					got = append(got, r.Text)
				}
				if m.Head().Subtype == "echo" && len(got) == 1 {
					select {
					case <-taken:
					default:
						close(taken)
					}
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("got results %v, want %s", got, want)
			}
		})
	}
}

// A caller that wants no more ends the process.
func TestQueryStopsEarly(t *testing.T) {
	t.Parallel()
	o := options(fakeNotified)
	o.CanUseTool = allowAll
	for m, err := range claudecode.Query(t.Context(), "go", o) {
		if err != nil || m == nil {
			t.Error(err)
		}
		break
	}
	for _, err := range claudecode.Query(t.Context(), "go", claudecode.Options{CLI: "/nowhere/claude"}) {
		var absent *claudecode.NotFoundError
		if !errors.As(err, &absent) {
			t.Errorf("got %v", err)
		}
	}
}
