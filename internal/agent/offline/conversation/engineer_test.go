package conversation_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

func wanted(fs []unit.File) map[string]string {
	m := map[string]string{}
	for _, f := range fs {
		m[f.Path] = f.Content
	}
	return m
}

func TestWritesAllFilesAndFinishesInOneTurn(t *testing.T) {
	t.Parallel()
	fs := files("package p0\n", "package p1 // <&>\n")
	var w world
	w.run(t, conversation.Speaker{Author: author(fs)}, task(t, "app.core", nil))
	if w.turns != 1 || w.done == "" {
		t.Errorf("turns %d, done %q; want one turn that finishes", w.turns, w.done)
	}
	if d := cmp.Diff(wanted(fs), w.tree); d != "" {
		t.Error(d)
	}
}

func TestCallsToolsByTheNamesTheyAreOfferedUnder(t *testing.T) {
	t.Parallel()
	fs := files("package p0\n", "package p1\n")
	absolute := toolDef("Write", "file_path", "content")
	absolute.Schema = []byte(strings.Replace(string(absolute.Schema), `"type":"string"`, `"type":"string","description":"must be an absolute path"`, 1))
	absolute.Schema = []byte(strings.Replace(string(absolute.Schema), `"file_path":{"type":"string"}`, `"file_path":{"type":"string","description":"The absolute path"}`, 1))
	tests := map[string]struct {
		tools  []agent.ToolDef
		system string
		prefix string
		turns  int
	}{
		"claude code":         {[]agent.ToolDef{toolDef("Bash", "command"), absolute}, "Working directory: /home/me/app\n", "/home/me/app/", 2},
		"claude code, bare":   {[]agent.ToolDef{toolDef("Edit", "file_path", "old_string", "new_string")}, "", "", 2},
		"mcp":                 {[]agent.ToolDef{toolDef("mcp__builder__write_file", "path", "content"), toolDef("finish", "summary")}, "", "", 1},
		"relative, cwd given": {[]agent.ToolDef{toolDef("write_file", "path", "content"), toolDef("finish", "summary")}, "Working directory: /home/me/app\n", "", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := task(t, "app.core", nil)
			req.Tools = tt.tools
			req.System[0] += "\n" + tt.system
			var w world
			w.run(t, conversation.Speaker{Author: author(fs)}, req)
			want := map[string]string{}
			for p, c := range wanted(fs) {
				want[tt.prefix+p] = c
			}
			if d := cmp.Diff(want, w.tree); d != "" {
				t.Error(d)
			}
			if w.turns != tt.turns || w.blocked != "" {
				t.Errorf("turns %d, blocked %q; want %d turns", w.turns, w.blocked, tt.turns)
			}
		})
	}
}

// Whatever the files and however little fits an answer, the files come out whole.
func TestSplitsLargeOutputOverTurns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		contents := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab\"\n\t<é世\\")), 0, 4000, -1), 1, 4).Draw(rt, "contents")
		fs := files(contents...)
		req := task(t, "app.core", nil)
		req.MaxTokens = rapid.Int64Range(250, 3000).Draw(rt, "max_tokens")
		var w world
		w.run(t, conversation.Speaker{Author: author(fs)}, req)
		if w.done == "" {
			rt.Fatalf("not finished: blocked %q", w.blocked)
		}
		if d := cmp.Diff(wanted(fs), w.tree); d != "" {
			rt.Fatal(d)
		}
	})
}

// What one answer holds never exceeds max_tokens, so that no call is cut in the middle.
func TestAnswersFitMaxTokens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		fs := files(rapid.SliceOfN(rapid.StringN(0, 3000, -1), 1, 5).Draw(rt, "contents")...)
		req := task(t, "app.core", nil)
		req.MaxTokens = rapid.Int64Range(200, 4000).Draw(rt, "max_tokens")
		blocks, err := conversation.Speaker{Author: author(fs)}.Answer(req)
		if err != nil {
			rt.Fatal(err)
		}
		n := 0
		for _, b := range blocks {
			n += len(b.Text) + len(b.Name) + len(b.Input)
		}
		if got := conversation.Tokens(n); got > req.MaxTokens {
			rt.Fatalf("answer of %d tokens, %d allowed", got, req.MaxTokens)
		}
	})
}

func TestTooLittleRoomIsBlockedWithTheNumbers(t *testing.T) {
	t.Parallel()
	req := task(t, "app.core", nil)
	req.MaxTokens = 60
	var w world
	w.run(t, conversation.Speaker{Author: author(files("package p\n"))}, req)
	if !strings.Contains(w.blocked, "max_tokens is too small to write internal/p0/f.go") {
		t.Errorf("blocked %q", w.blocked)
	}
}

func TestMakesAFailedCallOnceMore(t *testing.T) {
	t.Parallel()
	fs := files("package p0\n", "package p1\n")
	w := world{fail: func(c agent.ToolCall, n int) string {
		if n == 2 {
			return "disk is busy"
		}
		return ""
	}, verdict: func(_ int, tree map[string]string) string {
		if len(tree) < 2 {
			return "a call failed; nothing was checked"
		}
		return ""
	}}
	w.run(t, conversation.Speaker{Author: author(fs)}, task(t, "app.core", nil))
	if d := cmp.Diff(wanted(fs), w.tree); d != "" || w.done == "" {
		t.Errorf("blocked %q\n%s", w.blocked, d)
	}
	if len(w.calls) != 5 { // two writes and finish, then one write and finish
		t.Errorf("%d calls, want 5", len(w.calls))
	}
}

func TestReadsAFileFirstWhereToolsDemandIt(t *testing.T) {
	t.Parallel()
	w := world{fail: func(c agent.ToolCall, n int) string {
		if n == 1 {
			return "File has not been read yet. Read it first before writing to it."
		}
		return ""
	}, verdict: func(n int, _ map[string]string) string {
		if n == 1 {
			return "not yet"
		}
		return ""
	}}
	w.run(t, conversation.Speaker{Author: author(files("package p0\n"))}, task(t, "app.core", nil))
	if w.reads != 1 || w.done == "" {
		t.Errorf("reads %d, done %q, blocked %q", w.reads, w.done, w.blocked)
	}
}

func TestSecondFailureOfACallIsBlockedWithItsError(t *testing.T) {
	t.Parallel()
	w := world{fail: func(c agent.ToolCall, _ int) string {
		if c.Name == "write_file" {
			return "E_WRITES: outside the task's paths"
		}
		if c.Name == "finish" {
			return "nothing to check"
		}
		return ""
	}}
	w.run(t, conversation.Speaker{Author: author(files("package p0\n"))}, task(t, "app.core", nil))
	if !strings.Contains(w.blocked, "failed 2 times") || !strings.Contains(w.blocked, "E_WRITES") {
		t.Errorf("blocked %q", w.blocked)
	}
}

func TestGateFeedback(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		feedback    string
		lastFailure string
		accept      int // the handing in that is accepted; 0 never
		hands       int
		blocked     string
	}{
		"a named file is written once more":     {"internal/p0/f.go:1: broken", "", 2, 2, ""},
		"the same failure again is blocked":     {"internal/p0/f.go:1: broken", "", 0, 2, "f.go:1: broken"},
		"no file named is blocked at once":      {"GET /tools: 500", "", 0, 1, "GET /tools: 500"},
		"a task that failed before, at once":    {"internal/p0/f.go:1: broken", "gate api failed", 0, 1, "f.go:1: broken"},
		"feedback is quoted, and not at length": {strings.Repeat("é", 9000), "", 0, 1, "… (cut)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world{verdict: func(n int, _ map[string]string) string {
				if n == tt.accept {
					return ""
				}
				return tt.feedback
			}}
			w.run(t, conversation.Speaker{Author: author(files("package p0\n"))}, task(t, "app.core", func(b *agent.Brief) { b.LastFailure = tt.lastFailure }))
			if w.hands != tt.hands || !strings.Contains(w.blocked, tt.blocked) || (tt.blocked == "") != (w.blocked == "") {
				t.Errorf("handed in %d times, blocked %q; want %d, %q", w.hands, w.blocked, tt.hands, tt.blocked)
			}
			if len(w.blocked) > 5000 {
				t.Errorf("evidence of %d bytes", len(w.blocked))
			}
		})
	}
}

func TestBlocked(t *testing.T) {
	t.Parallel()
	nothing := func(string) conversation.Work { return conversation.Work{} }
	feeling := func(b *agent.Brief) {
		b.Requirements = append(b.Requirements, agent.BriefRequirement{ID: "R2", Text: "It feels like home.", Source: "5"})
	}
	tests := map[string]struct {
		author conversation.Author
		id     string
		brief  func(*agent.Brief)
		want   []string
	}{
		"a requirement without a rule":             {author(files("package p\n")), "app.core", feeling, []string{"R2 needs a language model", "line 5", "It feels like home.", "a feeling is no rule"}},
		"the task of what needs a model":           {author(files("package p\n")), "open.needs-model", feeling, []string{"R2", "a feeling is no rule"}},
		"nothing can be written":                   {nothing, "open.needs-model", nil, []string{"R1", "names no project type"}},
		"nothing can be written and nothing asked": {nothing, "open.needs-model", func(b *agent.Brief) { b.Requirements = nil }, []string{"needs a language model"}},
		"a task of somebody else's plan":           {author(files("package p\n")), "api.auth", nil, []string{`"api.auth"`, "rules can write: core"}},
		"a requirement without a place":            {author(files("package p\n")), "app.core", func(b *agent.Brief) { b.Requirements[0].Source = "x" }, []string{"R1", "place in the spec is not given"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w world
			w.run(t, conversation.Speaker{Author: tt.author}, task(t, tt.id, tt.brief))
			for _, part := range tt.want {
				if !strings.Contains(w.blocked, part) {
					t.Errorf("blocked %q lacks %q", w.blocked, part)
				}
			}
			if len(w.tree) != 0 {
				t.Errorf("wrote %v before giving up", maps.Keys(w.tree))
			}
		})
	}
}

func TestBlockedWithoutTheToolIsSaid(t *testing.T) {
	t.Parallel()
	req := task(t, "open.needs-model", nil)
	req.Tools = nil
	var w world
	w.run(t, conversation.Speaker{Author: func(string) conversation.Work { return conversation.Work{} }}, req)
	if !strings.HasPrefix(w.said, "Blocked: requirement R1 needs a language model") {
		t.Errorf("said %q", w.said)
	}
}

func TestAnythingElseIsAnsweredWithWhatItIs(t *testing.T) {
	t.Parallel()
	s := conversation.Speaker{Author: author(nil)}
	for _, text := range []string{"hello", "<task id=\"x\">\nno spec\n</task>", "<spec path=\"a\">\nno task\n</spec>", ""} {
		blocks, err := s.Answer(agent.Request{Messages: []agent.Message{agent.Say(agent.User, text)}, MaxTokens: 100})
		if err != nil || len(blocks) != 1 || !strings.Contains(blocks[0].Text, "not a language model") {
			t.Errorf("%q: %v, %v", text, blocks, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("<spec path=\"s\">\nx\n</spec>\n", "<task id=\"app.core\">\n</task>\n<requirements>\n<requirement id=\"R1\" lines=\"1\">x</requirement>\n</requirements>", int64(100))
	f.Add("<spec>\n</spec></spec>", "<task id=\"\"></task>", int64(1))
	f.Fuzz(func(t *testing.T, system, first string, most int64) {
		req := agent.Request{System: []string{system}, Messages: []agent.Message{agent.Say(agent.User, first)}, Tools: builderTools(), MaxTokens: most}
		s := conversation.Speaker{Author: author(files("package p\n"))}
		a, err := s.Answer(req)
		b, _ := s.Answer(req)
		if err != nil || len(a) == 0 || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("answers %v and %v, %v", a, b, err)
		}
	})
}
