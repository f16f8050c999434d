package claudecode_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/claudecode"
)

// fakeRPC sends the JSON-RPC messages of the environment, one after the other, and echoes the answers.
var fakeRPC = script("rpc", func(f *fake) {
	f.initialize()
	for line := range strings.SplitSeq(os.Getenv("MESSAGES"), "\n") {
		server, message, _ := strings.Cut(line, " ")
		r := f.ask("q", object{"subtype": "mcp_message", "server_name": server, "message": json.RawMessage(message)})
		if response, ok := r["response"].(object); ok {
			f.echo(response["mcp_response"])
		} else {
			f.echo(r)
		}
	}
	f.say("over")
	f.end()
})

func call(tool, arguments string) string {
	return `calc {"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + arguments + `}}`
}

// toolbox has a tool for each way that a call may end.
func toolbox() *claudecode.Server {
	tool := func(name string, run func() (claudecode.ToolResult, error)) claudecode.Tool {
		return claudecode.Tool{Name: name, Handler: func(context.Context, claudecode.ToolCall) (claudecode.ToolResult, error) { return run() }}
	}
	s := adder(nil)
	s.Instructions = "count well"
	s.Tools[0].Annotations = json.RawMessage(`{"readOnlyHint":true}`)
	s.Tools[0].MaxResultChars = 9000
	s.Tools = append(s.Tools,
		tool("fails", func() (claudecode.ToolResult, error) { return claudecode.ToolResult{}, errors.New("no luck") }),
		tool("panics", func() (claudecode.ToolResult, error) { panic("oh") }),
		tool("says_no", func() (claudecode.ToolResult, error) { return claudecode.ErrorResult("no"), nil }),
		tool("silent", func() (claudecode.ToolResult, error) { return claudecode.ToolResult{}, nil }),
		tool("shows", func() (claudecode.ToolResult, error) {
			return claudecode.ToolResult{Structured: json.RawMessage(`{"n":1}`), Content: []claudecode.Content{
				{Type: "text"}, {Type: "image", Data: []byte("png"), MIMEType: "image/png"}, {Type: "resource_link", URI: "file:///x", Name: "x"},
				{Type: "resource", Resource: json.RawMessage(`{"uri":"u","text":"t"}`)}, {Raw: json.RawMessage(`{"type":"brand_new"}`)}}}, nil
		}),
	)
	return s
}

func TestServer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("many processes, which meet nothing that others do not")
	}
	byHand := &claudecode.Server{Name: "hand", Handle: func(_ context.Context, m json.RawMessage) (json.RawMessage, error) {
		switch {
		case strings.Contains(string(m), "notifications/"):
			return nil, nil
		case strings.Contains(string(m), "breaks"):
			return nil, errors.New("broken")
		}
		return json.RawMessage(`{"jsonrpc":"2.0","id":"a","result":{"verbatim":true}}`), nil
	}}
	for _, c := range []struct{ name, message, want string }{
		{"T61 initialize", `calc {"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`,
			`{"id":0,"jsonrpc":"2.0","result":{"capabilities":{"tools":{}},"instructions":"count well","protocolVersion":"2025-11-25","serverInfo":{"name":"calc","version":"3.1"}}}`},
		{"T61 a notification is acknowledged", `calc {"jsonrpc":"2.0","method":"notifications/initialized"}`, `{"id":0,"jsonrpc":"2.0","result":{}}`},
		{"T62 unknown server", `other {"jsonrpc":"2.0","id":3,"method":"tools/list"}`, `{"error":{"code":-32601,"message":"there is no server \"other\""},"id":3,"jsonrpc":"2.0"}`},
		{"T62 unknown method", `calc {"jsonrpc":"2.0","id":"x","method":"resources/list"}`, `{"error":{"code":-32601,"message":"method not found: resources/list"},"id":"x","jsonrpc":"2.0"}`},
		{"T62 malformed message", `calc [1]`, `"code":-32600`},
		{"T62 no method", `calc {"jsonrpc":"2.0"}`, `"code":-32600`},
		{"T62 no name", `calc {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, `"code":-32602`},
		{"T63 message before initialize, handshake again", `calc {"jsonrpc":"2.0","id":0,"method":"initialize"}`, `"protocolVersion":"2025-06-18"`},
		{"T70 ping", `calc {"jsonrpc":"2.0","id":5,"method":"ping"}`, `{"id":5,"jsonrpc":"2.0","result":{}}`},
		{"T65 list", `calc {"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
			`{"_meta":{"anthropic/maxResultSizeChars":9000},"annotations":{"readOnlyHint":true},"description":"adds","inputSchema":{"properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"],"type":"object"},"name":"add"},{"description":"","inputSchema":{"properties":{},"type":"object"},"name":"fails"}`},
		{"T66 text", call("add", `{"a":1,"b":2}`), `{"id":7,"jsonrpc":"2.0","result":{"content":[{"text":"3","type":"text"}],"isError":false}}`},
		{"T66 every content, T69 sent as it is", call("shows", `{}`), `{"content":[{"text":"","type":"text"},{"data":"cG5n","mimeType":"image/png","type":"image"},{"name":"x","type":"resource_link","uri":"file:///x"},{"resource":{"text":"t","uri":"u"},"type":"resource"},{"type":"brand_new"}],"isError":false,"structuredContent":{"n":1}}`},
		{"T66 error", call("fails", `{}`), `"result":{"content":[{"text":"no luck","type":"text"}],"isError":true}`},
		{"T66 is_error", call("says_no", `{}`), `"result":{"content":[{"text":"no","type":"text"}],"isError":true}`},
		{"T66 panic", call("panics", `null`), `panic: oh`},
		{"T66 nothing", call("silent", `{}`), `{"content":[],"isError":false}`},
		{"T66 unknown tool", call("minus", `{}`), `"result":{"content":[{"text":"there is no tool \"minus\"","type":"text"}],"isError":true}`},
		{"T67 invalid input", call("add", `{"a":"x"}`), `"text":"invalid input: b is missing\na is not of type number"`},
		{"T70 by hand", `hand {"jsonrpc":"2.0","id":"a","method":"anything"}`, `{"id":"a","jsonrpc":"2.0","result":{"verbatim":true}}`},
		{"T70 by hand, notification", `hand {"jsonrpc":"2.0","method":"notifications/initialized"}`, `{"id":0,"jsonrpc":"2.0","result":{}}`},
		{"T70 by hand, error", `hand {"jsonrpc":"2.0","id":4,"method":"breaks"}`, `{"error":{"code":-32603,"message":"broken"},"id":4,"jsonrpc":"2.0"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := options(fakeRPC)
			o.Env["MESSAGES"] = c.message
			o.Servers = []*claudecode.Server{toolbox(), byHand}
			if got := answers(t, o); len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// T67: what does not fit the schema never reaches the tool.
func TestCheckInput(t *testing.T) {
	t.Parallel()
	const schema = `{"type":"object","required":["kind"],"additionalProperties":false,"properties":{
		"kind":{"enum":["a","b"]},"n":{"type":"integer","minimum":1,"exclusiveMaximum":5},"s":{"type":["string","null"],"minLength":2,"maxLength":3,"pattern":"^[a-z]+$"},
		"l":{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":2},"c":{"const":{"x":1}},
		"any":{"anyOf":[{"type":"string"},{"type":"number","maximum":3}]},"one":{"oneOf":[{"type":"number"},{"type":"integer"}]},"all":{"allOf":[{"type":"number"},{"exclusiveMinimum":0}]},"not":{"not":{"type":"null"}}}}`
	for _, c := range []struct{ input, want string }{
		{`{"kind":"a"}`, ""},
		{`{"kind":"a","n":4,"s":"ab","l":[true,false],"c":{"x":1},"any":3,"one":1.5,"all":1,"not":0}`, ""},
		{`{"kind":"b","s":null,"any":"x"}`, ""},
		{`{}`, "kind is missing"},
		{`[]`, "input is not of type object"},
		{`{"kind":"c"}`, `kind is none of ["a","b"]`},
		{`{"kind":"a","more":1}`, "more is not allowed"},
		{`{"kind":"a","n":1.5}`, "n is not of type integer"},
		{`{"kind":"a","n":0}`, "n is less than 1"},
		{`{"kind":"a","n":5}`, "n is not less than 5"},
		{`{"kind":"a","s":"é"}`, "s is shorter than 2\ns does not match ^[a-z]+$"},
		{`{"kind":"a","s":"abcd"}`, "s is longer than 3"},
		{`{"kind":"a","l":[]}`, "l has fewer than 1 items"},
		{`{"kind":"a","l":[true,1,true]}`, "l has more than 2 items\nl[1] is not of type boolean"},
		{`{"kind":"a","c":{"x":2}}`, `c is not {"x":1}`},
		{`{"kind":"a","any":4}`, "any fits none of anyOf"},
		{`{"kind":"a","one":1}`, "one does not fit exactly one of oneOf"},
		{`{"kind":"a","all":0}`, "all is not more than 0"},
		{`{"kind":"a","not":null}`, "not fits what it must not"},
	} {
		err := claudecode.CheckInput(json.RawMessage(schema), json.RawMessage(c.input))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.input, got, c.want)
		}
	}
}

var fakeParallel = script("parallel", func(f *fake) {
	f.initialize()
	ask := func(request string, message object) {
		f.send(object{"type": "control_request", "request_id": request, "request": object{"subtype": "mcp_message", "server_name": "calc", "message": message}})
	}
	called := func(id int, which string) object {
		return object{"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": object{"name": "meet", "arguments": object{}, "_meta": object{"claudecode/toolUseId": which}}}
	}
	ask("r1", called(2, "first"))
	ask("r2", called(2, "second")) // of another connection
	got := map[string]bool{}
	for range 2 {
		r := f.line()["response"].(object)
		got[r["request_id"].(string)] = true
	}
	f.echo(got)
	ask("r3", called(3, "third"))
	f.prompt() // it runs
	ask("r4", object{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": object{"requestId": 3}})
	answers := map[string]object{} // in either order
	for range 2 {
		r := f.line()["response"].(object)
		answers[r["request_id"].(string)] = r
	}
	f.echo(answers["r4"])
	f.echo(answers["r3"])
	f.say("over")
	f.end()
})

// T68: calls run side by side, also with one id, since each connection counts anew; one that is cancelled ends.
func TestCallsSideBySide(t *testing.T) {
	t.Parallel()
	o := options(fakeParallel)
	meet := make(chan string)
	runs := make(chan bool)
	o.Servers = []*claudecode.Server{{Name: "calc", Tools: []claudecode.Tool{{Name: "meet", Handler: func(ctx context.Context, c claudecode.ToolCall) (claudecode.ToolResult, error) {
		switch c.ToolUseID {
		case "first":
			meet <- "here"
		case "second":
			<-meet
		default:
			close(runs)
			<-ctx.Done()
			return claudecode.ToolResult{}, ctx.Err()
		}
		return claudecode.TextResult("met"), nil
	}}}}}
	s := start(t, o)
	<-runs
	if err := s.Send(t.Context(), "it runs"); err != nil {
		t.Fatal(err)
	}
	var ms []claudecode.Message
	for m, err := range s.Messages() {
		if err != nil {
			t.Fatal(err)
		}
		if ms = append(ms, m); m.Head().Type == "assistant" {
			break
		}
	}
	got := echoed(t, ms)
	if got[0] != `{"r1":true,"r2":true}` {
		t.Errorf("got %s", got[0])
	}
	if last := got[len(got)-1]; !strings.Contains(last, `"isError":true`) || !strings.Contains(last, "cancelled") {
		t.Errorf("got %s for the cancelled call", last)
	}
}
