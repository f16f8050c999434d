package claudecode_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/claudecode"
)

// The test binary started again is the fake CLI: FAKE_CLI names which one.
func TestMain(m *testing.M) {
	if name := os.Getenv("FAKE_CLI"); name != "" {
		play(name)
	}
	if os.Getenv("FAKE_HOST") != "" { // see TestParentKilled
		host()
	}
	if os.Getenv("REAL_HOST") != "" { // see TestRealParentKilled
		realHost()
	}
	goleak.VerifyTestMain(m)
}

// fakes are the scripts of fake CLIs. Each test adds its own to this table, by name.
var fakes = map[string]func(*fake){}

// script adds a fake CLI. It is called when the package is loaded, since the fake runs in a process of its own.
func script(name string, play func(*fake)) string {
	if fakes[name] != nil {
		panic("two fakes named " + name)
	}
	fakes[name] = play
	return name
}

func play(name string) {
	f := &fake{in: bufio.NewReader(os.Stdin)}
	run := fakes[name]
	if run == nil {
		f.die("there is no fake named " + name)
	}
	run(f)
	os.Exit(0)
}

// fake speaks the CLI's side of the protocol.
type fake struct {
	in *bufio.Reader
	n  int
}

func (f *fake) die(why string) {
	fmt.Fprintln(os.Stderr, "fake CLI:", why)
	os.Exit(97)
}

// line reads what was sent; nil at the end of stdin.
func (f *fake) line() map[string]any {
	raw, err := f.in.ReadBytes('\n')
	if err != nil {
		return nil
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		f.die("got no JSON: " + string(raw))
	}
	return m
}

// print writes lines.
func (f *fake) print(lines ...string) {
	for _, l := range lines {
		os.Stdout.WriteString(l + "\n")
	}
}

// send writes values as lines.
func (f *fake) send(values ...any) {
	for _, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			f.die(err.Error())
		}
		f.print(string(raw))
	}
}

type object = map[string]any

// request reads a control request of a subtype.
func (f *fake) request(subtype string) (id string, body object) {
	m := f.line()
	body, _ = m["request"].(object)
	if m["type"] != "control_request" || body["subtype"] != subtype {
		f.die(fmt.Sprintf("want control request %s, got %v", subtype, m))
	}
	id, _ = m["request_id"].(string)
	return id, body
}

// accept answers a control request.
func (f *fake) accept(id string, response object) {
	f.send(object{"type": "control_response", "response": object{"subtype": "success", "request_id": id, "response": response}})
}

// initialize answers the first request and returns its body.
func (f *fake) initialize() object {
	id, body := f.request("initialize")
	f.accept(id, object{"commands": []any{}, "pid": os.Getpid()})
	return body
}

// prompt reads a message of the user; "" at the end of stdin.
func (f *fake) prompt() string {
	m := f.line()
	if m == nil {
		return ""
	}
	if m["type"] != "user" {
		f.die(fmt.Sprintf("want a user message, got %v", m))
	}
	content, _ := m["message"].(object)["content"].([]any)
	text, _ := content[0].(object)["text"].(string)
	return text
}

// begin prints the init line of a turn.
func (f *fake) begin() {
	f.send(object{"type": "system", "subtype": "init", "session_id": "sid-1", "uuid": "u1", "model": "claude-fake", "cwd": cwd(), "tools": []string{"Bash"}})
}

func cwd() string {
	dir, _ := os.Getwd()
	return dir
}

// say prints an assistant line with text.
func (f *fake) say(text string) {
	f.n++
	f.send(object{"type": "assistant", "session_id": "sid-1", "uuid": fmt.Sprint("a", f.n), "parent_tool_use_id": nil, "message": object{
		"id": fmt.Sprint("msg_", f.n), "role": "assistant", "model": "claude-fake", "content": []any{object{"type": "text", "text": text}}, "usage": object{"input_tokens": 3, "output_tokens": 1}}})
}

// result prints the end of a turn, with changes to a good one.
func (f *fake) result(text string, changes object) {
	r := object{"type": "result", "subtype": "success", "is_error": false, "api_error_status": nil, "result": text, "stop_reason": "end_turn", "terminal_reason": "completed",
		"session_id": "sid-1", "uuid": "r1", "num_turns": 1, "total_cost_usd": 0.5, "duration_ms": 12, "usage": object{"input_tokens": 3, "output_tokens": 7}}
	maps.Copy(r, changes)
	f.send(r)
}

// ask sends a control request and waits for its answer.
func (f *fake) ask(id string, request object) object {
	f.send(object{"type": "control_request", "request_id": id, "request": request})
	return f.answer(id)
}

// answer reads the answer to a control request.
func (f *fake) answer(id string) object {
	m := f.line()
	r, _ := m["response"].(object)
	if m["type"] != "control_response" || r["request_id"] != id {
		f.die(fmt.Sprintf("want the answer to %s, got %v", id, m))
	}
	return r
}

// echo prints a value inside a system message, so that the test sees what the fake got.
func (f *fake) echo(v any) {
	f.send(object{"type": "system", "subtype": "echo", "session_id": "sid-1", "got": v})
}

// end reads until stdin ends.
func (f *fake) end() {
	for f.line() != nil {
	}
}

// deaf ignores signals.
func (f *fake) deaf(signals ...os.Signal) { signal.Ignore(signals...) }

// forever waits for a signal that nobody can ignore.
func (f *fake) forever() {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGUSR2)
	<-ch
}

// options start a fake.
func options(name string) claudecode.Options {
	return claudecode.Options{
		CLI: self(), Env: map[string]string{"FAKE_CLI": name},
		StartTimeout: 5 * time.Minute, ControlTimeout: 5 * time.Minute,
	}
}

func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// start starts a fake and closes it after the test.
func start(t *testing.T, o claudecode.Options) *claudecode.Session {
	t.Helper()
	s, err := claudecode.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// collect takes all messages.
func collect(s *claudecode.Session) (ms []claudecode.Message, err error) {
	for m, e := range s.Messages() {
		if e != nil {
			return ms, e
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// kinds says in words what came.
func kinds(ms []claudecode.Message) string {
	var words []string
	for _, m := range ms {
		w := m.Head().Type
		if sub := m.Head().Subtype; sub != "" {
			w += "/" + sub
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// echoed is what a fake echoed, as JSON.
func echoed(t *testing.T, ms []claudecode.Message) (out []string) {
	t.Helper()
	for _, m := range ms {
		if m.Head().Subtype != "echo" {
			continue
		}
		var v struct {
			Got json.RawMessage `json:"got"`
		}
		if err := json.Unmarshal(m.Head().Raw, &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, string(v.Got))
	}
	return out
}
