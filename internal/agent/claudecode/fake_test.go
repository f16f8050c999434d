package claudecode_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// fakeCLI speaks as the CLI does, as far as the engine can tell: its protocol on the streams, its calls over HTTP,
// its transcript in its folder, and two of its tools.
func fakeCLI(args []string) int {
	f := &fake{in: bufio.NewReader(os.Stdin), out: json.NewEncoder(os.Stdout), waiting: map[string]chan json.RawMessage{}, cancel: make(chan struct{})}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "--session-id":
			f.session = value
		case "--resume":
			f.session, f.resumed = value, true
		case "--model":
			f.model = value
		case "--max-turns":
			fmt.Sscan(value, &f.most)
		}
	}
	f.transcript = filepath.Join(os.Getenv("CLAUDE_CONFIG_DIR"), "projects", f.session+".jsonl")
	raw, err := os.ReadFile(f.transcript)
	switch {
	case f.resumed && err != nil:
		f.emit(object{"type": "result", "subtype": "error_during_execution", "is_error": true, "errors": []string{"No conversation found with session ID: " + f.session}})
		fmt.Fprintln(os.Stderr, "No conversation found with session ID:", f.session)
		return 1
	case !f.resumed && err == nil:
		fmt.Fprintln(os.Stderr, "Error: Session ID", f.session, "is already in use.")
		return 1
	}
	for line := range bytes.Lines(raw) {
		var m object
		if json.Unmarshal(line, &m) == nil {
			f.messages = append(f.messages, m)
		}
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		<-interrupts
		if stdinEnded() {
			return // it came first
		}
		f.stop()
		f.emit(object{"type": "result", "subtype": "error_during_execution", "is_error": true, "terminal_reason": "aborted_tools"})
		os.Exit(1)
	}()
	return f.serve()
}

type object = map[string]any

type fake struct {
	in         *bufio.Reader
	session    string
	resumed    bool
	model      string
	most       int
	transcript string
	started    initialize
	messages   []object
	turns      int

	mu      sync.Mutex
	out     *json.Encoder
	waiting map[string]chan json.RawMessage
	n       int
	lost    bool          // stdin has ended
	cancel  chan struct{} // closed to interrupt the turn
	command *exec.Cmd
}

func (f *fake) emit(o object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o["session_id"], o["uuid"] = f.session, fmt.Sprint("u", f.n)
	f.n++
	f.out.Encode(o)
}

// serve reads lines until the end of stdin.
func (f *fake) serve() int {
	prompts, exit := make(chan string, 16), make(chan int, 1)
	go func() {
		code := 0
		for p := range prompts {
			code = f.turn(p)
		}
		exit <- code
	}()
	for {
		line, err := f.in.ReadBytes('\n')
		if err != nil {
			close(prompts)
			f.lose()
			return <-exit
		}
		var m struct {
			Type    string
			ID      string `json:"request_id"`
			Request initialize
			Message struct {
				Content []struct{ Text string }
			}
			Response struct {
				ID       string `json:"request_id"`
				Response json.RawMessage
			}
		}
		json.Unmarshal(line, &m)
		switch m.Type {
		case "control_request":
			go f.control(m.ID, m.Request)
		case "control_response":
			f.mu.Lock()
			ch := f.waiting[m.Response.ID]
			f.mu.Unlock()
			if ch != nil {
				ch <- m.Response.Response
			}
		case "user":
			prompts <- m.Message.Content[0].Text
		}
	}
}

// stdinEnded says whether the host has closed its end.
func stdinEnded() bool {
	fds := []unix.PollFd{{Fd: 0, Events: unix.POLLIN}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&unix.POLLHUP != 0
}

// lose takes what the host was asked as lost, as the CLI does at the end of stdin; the turn goes on.
func (f *fake) lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = true
	for _, ch := range f.waiting {
		select {
		case ch <- nil:
		default:
		}
	}
}

type initialize struct {
	Subtype, SystemPrompt string
	Hooks                 map[string][]struct {
		IDs []string `json:"hookCallbackIds"`
	}
}

func (f *fake) control(id string, r initialize) {
	switch r.Subtype {
	case "initialize":
		f.started = r
		f.mcp("initialize", object{"protocolVersion": "2025-11-25"})
		f.mcp("tools/list", object{})
	case "interrupt":
		defer f.stop()
	}
	f.emit(object{"type": "control_response", "response": object{"subtype": "success", "request_id": id, "response": object{}}})
}

// stop ends the turn and its command.
func (f *fake) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.command != nil {
		syscall.Kill(-f.command.Process.Pid, syscall.SIGKILL)
	}
	select {
	case <-f.cancel:
	default:
		close(f.cancel)
	}
}

// ask asks the host.
func (f *fake) ask(request object) json.RawMessage {
	f.mu.Lock()
	id := fmt.Sprint("cli-", f.n)
	f.n++
	ch := make(chan json.RawMessage, 1)
	f.waiting[id] = ch
	if f.lost {
		ch <- nil
	}
	f.mu.Unlock()
	f.emit(object{"type": "control_request", "request_id": id, "request": request})
	return <-ch
}

func (f *fake) mcp(method string, params object) json.RawMessage {
	raw := f.ask(object{"subtype": "mcp_message", "server_name": "builder", "message": object{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}})
	var reply struct {
		Reply struct{ Result json.RawMessage } `json:"mcp_response"`
	}
	json.Unmarshal(raw, &reply)
	return reply.Reply.Result
}

// say adds a message to the conversation and its transcript.
func (f *fake) say(role string, content any) {
	m := object{"role": role, "content": content}
	f.messages = append(f.messages, m)
	os.MkdirAll(filepath.Dir(f.transcript), 0o700)
	w, err := os.OpenFile(f.transcript, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		json.NewEncoder(w).Encode(m)
		w.Close()
	}
}

// turn is one turn of the model with all its calls; it gives the exit code that follows.
func (f *fake) turn(prompt string) int {
	f.cancel = make(chan struct{})
	if n := len(f.messages); n > 0 && f.messages[n-1]["role"] == "assistant" && strings.Contains(fmt.Sprint(f.messages[n-1]["content"]), "tool_use") {
		f.messages[n-1]["content"] = textOf(f.messages[n-1]["content"]) // a call that was never answered
	}
	f.say("user", []object{{"type": "text", "text": prompt}})
	f.emit(object{"type": "system", "subtype": "init", "model": f.model, "tools": []string{"Bash"}})
	for {
		if f.turns++; f.most > 0 && f.turns > f.most {
			f.emit(object{"type": "result", "subtype": "error_max_turns", "is_error": true, "terminal_reason": "max_turns"})
			return 1
		}
		a, failed := f.call()
		if failed != nil {
			f.emit(failed)
			return 1
		}
		f.say("assistant", a.content)
		for _, b := range a.content {
			f.emit(object{"type": "assistant", "message": object{"id": a.id, "role": "assistant", "model": a.model, "content": []object{b}}})
		}
		f.emit(object{"type": "stream_event", "event": object{"type": "message_stop"}})
		results := []object{}
		for _, b := range a.content {
			if b["type"] == "tool_use" {
				results = append(results, f.use(b)...)
			}
		}
		select {
		case <-f.cancel:
			f.emit(object{"type": "result", "subtype": "error_during_execution", "is_error": true, "terminal_reason": "aborted_tools"})
			return 1
		default:
		}
		if len(results) == 0 {
			r := object{"type": "result", "subtype": "success", "is_error": a.stop == "refusal", "result": textOf(a.content), "stop_reason": a.stop}
			if a.stop == "" {
				r["stop_reason"] = nil
			}
			f.emit(r)
			return 0
		}
		f.say("user", results)
		f.emit(object{"type": "user", "message": object{"role": "user", "content": results}})
	}
}

func textOf(content any) (text string) {
	blocks, _ := content.([]object)
	if list, ok := content.([]any); ok {
		for _, b := range list {
			blocks = append(blocks, b.(object))
		}
	}
	for _, b := range blocks {
		if s, ok := b["text"].(string); ok {
			text += s
		}
	}
	return text
}

// hook calls the hooks of an event and gives what they add.
func (f *fake) hook(event string, call object) (added, denied string) {
	for _, h := range f.started.Hooks[event] {
		raw := f.ask(object{"subtype": "hook_callback", "callback_id": h.IDs[0], "input": object{"hook_event_name": event, "tool_name": call["name"], "tool_input": call["input"]}})
		var out struct {
			Specific struct{ AdditionalContext, PermissionDecision, PermissionDecisionReason string } `json:"hookSpecificOutput"`
		}
		json.Unmarshal(raw, &out)
		added += out.Specific.AdditionalContext
		if out.Specific.PermissionDecision == "deny" {
			denied = out.Specific.PermissionDecisionReason
		}
	}
	return added, denied
}

// use runs a tool, as the hooks will.
func (f *fake) use(call object) []object {
	result := object{"type": "tool_result", "tool_use_id": call["id"]}
	if _, denied := f.hook("PreToolUse", call); denied != "" {
		result["content"], result["is_error"] = denied, true
		return []object{result}
	}
	f.do(call, result)
	event := "PostToolUse"
	if result["is_error"] == true {
		event = "PostToolUseFailure"
	}
	if added, _ := f.hook(event, call); added != "" {
		return []object{result, {"type": "text", "text": added}}
	}
	return []object{result}
}

func (f *fake) do(call, result object) {
	input, _ := call["input"].(object)
	name, _ := call["name"].(string)
	switch {
	case name == "Write":
		os.MkdirAll(filepath.Dir(input["file_path"].(string)), 0o755)
		err := os.WriteFile(input["file_path"].(string), []byte(input["content"].(string)), 0o644)
		result["content"] = fmt.Sprint("written: ", err)
	case name == "Bash":
		cmd := exec.Command("sh", "-c", input["command"].(string))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		f.mu.Lock()
		err := cmd.Start()
		f.command = cmd
		f.mu.Unlock()
		if err == nil {
			err = cmd.Wait()
		}
		f.mu.Lock()
		f.command = nil
		f.mu.Unlock()
		result["content"], result["is_error"] = out.String()+fmt.Sprint(err), err != nil
	case strings.HasPrefix(name, "mcp__builder__"):
		var r struct {
			Content []object
			IsError bool
		}
		json.Unmarshal(f.mcp("tools/call", object{"name": strings.TrimPrefix(name, "mcp__builder__"), "arguments": input, "_meta": object{"claudecode/toolUseId": call["id"]}}), &r)
		result["content"], result["is_error"] = r.Content, r.IsError
	}
}

type answer struct {
	id, model, stop string
	content         []object
}

// call makes one call of the model, or gives the result that its failure is.
func (f *fake) call() (answer, object) {
	body, _ := json.Marshal(object{"model": f.model, "max_tokens": 100, "stream": true, "system": []object{{"type": "text", "text": f.started.SystemPrompt}}, "messages": f.messages})
	ctx, done := context.WithCancel(context.Background())
	defer done()
	go func(stop <-chan struct{}) {
		select {
		case <-stop:
			done()
		case <-ctx.Done():
		}
	}(f.cancel)
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("ANTHROPIC_BASE_URL")+"/v1/messages?beta=true", bytes.NewReader(body))
	req.Header.Set("x-api-key", os.Getenv("ANTHROPIC_API_KEY"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil && ctx.Err() != nil {
		return answer{}, aborted()
	}
	if err != nil {
		return answer{}, object{"type": "result", "subtype": "success", "is_error": true, "result": "Unable to connect to API (ConnectionRefused)", "stop_reason": "stop_sequence"}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(resp.Body)
		return answer{}, object{"type": "result", "subtype": "success", "is_error": true, "api_error_status": resp.StatusCode, "stop_reason": "stop_sequence",
			"result": fmt.Sprintf("API Error: %d %s", resp.StatusCode, raw)}
	}
	a := read(resp.Body)
	if ctx.Err() != nil {
		return answer{}, aborted()
	}
	return a, nil
}

func aborted() object {
	return object{"type": "result", "subtype": "error_during_execution", "is_error": true, "terminal_reason": "aborted_streaming"}
}

// read puts a stream together.
func read(r io.Reader) (a answer) {
	var input string
	for lines := bufio.NewScanner(r); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e struct {
			Type    string
			Message struct{ ID, Model string }
			Block   object `json:"content_block"`
			Delta   struct {
				Text        string
				PartialJSON string `json:"partial_json"`
				StopReason  string `json:"stop_reason"`
			}
		}
		json.Unmarshal([]byte(data), &e)
		last := len(a.content) - 1
		switch e.Type {
		case "message_start":
			a.id, a.model = e.Message.ID, e.Message.Model
		case "content_block_start":
			a.content, input = append(a.content, e.Block), ""
		case "content_block_delta":
			if t, ok := a.content[last]["text"].(string); ok {
				a.content[last]["text"] = t + e.Delta.Text
			}
			input += e.Delta.PartialJSON
		case "content_block_stop":
			if a.content[last]["type"] == "tool_use" {
				var o object
				json.Unmarshal([]byte(input), &o)
				a.content[last]["input"] = o
			}
		case "message_delta":
			a.stop = e.Delta.StopReason
		}
	}
	return a
}
