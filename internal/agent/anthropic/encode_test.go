package anthropic_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

var update = flag.Bool("update", false, "write golden files")

// sent is the body that a request has on the wire.
func sent(t testing.TB, req agent.Request) []byte {
	t.Helper()
	s := agenttest.Serve(t, agenttest.Say("ok"))
	if _, err := client(t, s.URL).Complete(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	return s.Requests()[0].Body
}

func talk() agent.Request {
	req := agenttest.Ask()
	req.Effort, req.Schema = "high", json.RawMessage(`{"type":"object","title":"z","properties":{"b":{"type":"string"},"a":{"type":"integer"}}}`)
	req.Messages = append(req.Messages,
		agent.Message{Role: agent.Assistant, Blocks: []agent.Block{
			{Kind: agent.ThinkingBlock, Text: "hm", Opaque: json.RawMessage(`{"type":"thinking","thinking":"hm","signature":"s"}`)},
			{Kind: agent.TextBlock, Text: "  "},
			{Kind: agent.UseBlock, ID: "1", Name: "run", Input: json.RawMessage(`{"z":1,"a":2}`)},
			{Kind: agent.UseBlock, ID: "2", Name: "made up!", Input: json.RawMessage(`"{\"cut"`)},
		}},
		agent.Message{Role: agent.User, Blocks: []agent.Block{
			{Kind: agent.ResultBlock, ID: "1", Text: ""}, {Kind: agent.ResultBlock, ID: "2", Text: "no JSON", Error: true},
		}},
		agent.Message{Role: agent.Assistant},
		agent.Say(agent.User, "go on"),
	)
	return req
}

func TestRequestGolden(t *testing.T) {
	t.Parallel()
	var indented any
	body := sent(t, talk())
	if err := json.Unmarshal(body, &indented); err != nil {
		t.Fatal(err)
	}
	got := string(body) + "\n"
	const path = "testdata/request.golden.json"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run with -update to accept:\n%s", diff)
	}
}

func TestRequestBytesAreStable(t *testing.T) {
	t.Parallel()
	first := string(sent(t, talk()))
	for range 20 {
		if got := string(sent(t, talk())); got != first {
			t.Fatalf("the same request has other bytes:\n%s\n%s", first, got)
		}
	}
}

// strip removes cache marks, which may move.
func strip(body []byte) string {
	s := string(body)
	for _, ttl := range []string{"5m", "1h"} {
		s = strings.ReplaceAll(s, `,"cache_control":{"ttl":"`+ttl+`","type":"ephemeral"}`, "")
		s = strings.ReplaceAll(s, `"cache_control":{"ttl":"`+ttl+`","type":"ephemeral"},`, "")
	}
	return s
}

// marked is a conversation as the provider's cache sees it: the hash of every prefix of blocks, and
// which of them carry a mark.
type marked struct {
	prefixes []string
	marks    []int // indexes into prefixes
}

func seen(t testing.TB, body []byte) marked {
	t.Helper()
	type blocks []json.RawMessage
	var req struct {
		System   blocks `json:"system"`
		Tools    blocks `json:"tools"`
		Messages []struct {
			Content blocks `json:"content"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		t.Fatal(err)
	}
	all := append(append(blocks(nil), req.Tools...), req.System...)
	for _, m := range req.Messages {
		all = append(all, m.Content...)
	}
	var out marked
	prefix := ""
	for i, b := range all {
		prefix += strip(b) + "\n"
		out.prefixes = append(out.prefixes, prefix)
		if strings.Contains(string(b), `"cache_control"`) {
			out.marks = append(out.marks, i)
		}
	}
	return out
}

// cache is what the provider keeps: it writes at marks, and looks back over 20 blocks from each.
type cache map[string]bool

// ask returns how many blocks were read from the cache.
func (c cache) ask(m marked) int {
	read := 0
	for _, at := range m.marks {
		for i := at; i >= 0 && i > at-20; i-- {
			if c[m.prefixes[i]] {
				read = max(read, i+1)
				break
			}
		}
	}
	for _, at := range m.marks {
		c[m.prefixes[at]] = true
	}
	return read
}

// However many calls a turn has, each request reads from the cache all that the one before held.
func TestMarksAlwaysHit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		turns := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 6).Draw(rt, "calls per turn")
		req := agenttest.Ask()
		kept, held := cache{}, 0
		for n, calls := range append([]int{0}, turns...) {
			if n > 0 {
				answer, results := agent.Say(agent.Assistant, fmt.Sprint("turn ", n)), agent.Message{Role: agent.User}
				if rapid.Bool().Draw(rt, "thinking last") {
					answer.Blocks = append(answer.Blocks, agent.Block{Kind: agent.ThinkingBlock, Opaque: json.RawMessage(`{"type":"thinking","thinking":"","signature":"s"}`)})
				}
				for i := range calls {
					id := fmt.Sprintf("c%d_%d", n, i)
					answer.Blocks = append(answer.Blocks, agent.Block{Kind: agent.UseBlock, ID: id, Name: "run", Input: json.RawMessage(`{}`)})
					results.Blocks = append(results.Blocks, agent.Block{Kind: agent.ResultBlock, ID: id, Text: "ok"})
				}
				if calls == 0 {
					results = agent.Say(agent.User, "go on")
				}
				req.Messages = append(req.Messages, answer, results)
			}
			m := seen(t, sent(t, req))
			if len(m.marks) > 4 {
				rt.Fatalf("%d marks, the API takes 4", len(m.marks))
			}
			if read := kept.ask(m); n > 0 && read < held {
				rt.Fatalf("request %d read %d blocks of %d", n, read, held)
			}
			held = len(m.prefixes)
		}
	})
}

// The prefix of one request is byte for byte the beginning of the next, but for the marks.
func TestRequestsOnlyGrow(t *testing.T) {
	t.Parallel()
	req := talk()
	before := seen(t, sent(t, req))
	req.Messages = append(req.Messages, agent.Say(agent.Assistant, "yes"), agent.Say(agent.User, "more"))
	after := seen(t, sent(t, req))
	if diff := cmp.Diff(before.prefixes, after.prefixes[:len(before.prefixes)]); diff != "" {
		t.Error(diff)
	}
}

func TestHourMarksComeFirst(t *testing.T) {
	t.Parallel()
	body := string(sent(t, talk()))
	messages := strings.Index(body, `"messages"`)
	system := strings.Index(body, `"system"`)
	if n := strings.Count(body[system:], `"ttl":"1h"`); n != 2 || strings.Contains(body[messages:system], `"1h"`) {
		t.Errorf("%d hour marks in the system: %s", n, body)
	}
	req := agenttest.Ask()
	req.System = nil
	if got := string(sent(t, req)); strings.Count(got, `"ttl":"1h"`) != 1 {
		t.Errorf("tools without a system part need their own mark: %s", got)
	}
}

// A model that thinks as much as a question needs is asked to, and no other: one that does not know
// the word refuses the request.
func TestThinkingIsAskedForWhereItIsKnown(t *testing.T) {
	t.Parallel()
	req := talk()
	if body := string(sent(t, req)); strings.Contains(body, `"thinking":{"type":"adaptive"`) {
		t.Errorf("asked to think: %s", body)
	}
	req.Thinking = true
	if body := string(sent(t, req)); !strings.Contains(body, `"thinking":{"type":"adaptive"}`) {
		t.Errorf("not asked to think: %s", body)
	}
}
