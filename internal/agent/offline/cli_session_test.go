package offline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// two writes two programs, a task each.
func two(string) conversation.Work {
	return conversation.Work{
		Blueprint: &blueprint.Blueprint{Name: "toolshed", Type: "rest-api"},
		Units: []unit.Unit{
			{Name: "core", Title: "Core", Files: []unit.File{{Path: "a.go", Content: "package a\n"}, {Path: "b.go", Content: "package b\n"}}},
			{Name: "more", Title: "More", Files: []unit.File{{Path: "c.go", Content: "package c\n"}}},
		},
		Understands: func(int, int) (bool, string) { return true, "" },
	}
}

// called is a turn of tool calls, each a name and a path or a summary, and answered are their results:
// "" for what the tool says when all is well, else an error.
func called(calls ...[2]string) object {
	var blocks []object
	for _, c := range calls {
		input := object{"file_path": c[1], "content": map[string]string{"a.go": "package a\n", "b.go": "package b\n", "c.go": "package c\n"}[c[1]]}
		if c[0] != "Write" {
			input = object{"summary": c[1]}
		}
		blocks = append(blocks, object{"type": "tool_use", "id": "toolu_" + c[0] + c[1], "name": c[0], "input": input})
	}
	return spoken("assistant", blocks...)
}

func answered(turn object, errors ...string) object {
	var blocks []object
	for i, b := range turn["content"].([]object) {
		r := object{"type": "tool_result", "tool_use_id": b["id"], "content": "File created successfully"}
		if b["name"] != "Write" {
			r["content"] = []object{textBlock("accepted")}
		}
		if i < len(errors) && errors[i] != "" {
			r["content"], r["is_error"] = []object{textBlock(errors[i])}, true
		}
		blocks = append(blocks, r)
	}
	return spoken("user", blocks...)
}

// A session that was stopped anywhere goes on from what it shows as done.
func TestCLISessions(t *testing.T) {
	t.Parallel()
	const spec = "# Toolshed\n- x\n"
	system, prompt := cliBrief("app.core", spec, nil)
	_, other := cliBrief("app.more", spec, nil)
	_, elsewhere := cliBrief("app.elsewhere", spec, nil)
	shared := strings.Join(system, "\n\n")
	task := spoken("user", textBlock(reminder), textBlock(prompt))
	goOn := []object{textBlock("Continue from where you left off.")}
	synthetic := spoken("assistant", textBlock("No response requested."))
	resumed := spoken("user", textBlock("This session was interrupted and goes on now."))
	listing := object{"role": "system", "content": "Available agent types for the Agent tool:\n- claude: anything\n"}
	both := called([2]string{"Write", "a.go"}, [2]string{"Write", "b.go"})
	one := called([2]string{"Write", "a.go"})
	finish := called([2]string{"mcp__builder__finish", "Core"})
	tests := map[string]struct {
		system   string
		tools    []object
		messages []object
		want     []string // tool and path of each call; words when none is made
	}{
		"a message of the system after the prompt": {shared, allTools, []object{task, listing}, []string{"Write a.go", "Write b.go"}},
		"all dropped":                                   {shared, leanTools, []object{task, synthetic, resumed}, []string{"Write a.go", "Write b.go"}},
		"some dropped":                                  {shared, leanTools, []object{task, one, spoken("user", append(answered(one)["content"].([]object), goOn...)...), synthetic, resumed}, []string{"Write b.go"}},
		"finish dropped":                                {shared, leanTools, []object{task, both, spoken("user", append(answered(both)["content"].([]object), goOn...)...), synthetic, resumed}, []string{"mcp__builder__finish "}},
		"finish without a verdict":                      {shared, leanTools, []object{task, both, answered(both), finish, answered(finish, "MCP error -32000: Connection closed"), synthetic, resumed}, []string{"mcp__builder__finish "}},
		"refused, and the answer to that dropped":       {shared, leanTools, []object{task, both, answered(both), finish, spoken("user", append(answered(finish, "vet: b.go:1: broken")["content"].([]object), goOn...)...), synthetic, resumed}, []string{"Write b.go"}},
		"accepted":                                      {shared, leanTools, []object{task, both, answered(both), finish, answered(finish)}, []string{"The work was accepted."}},
		"a second task in the session":                  {shared, leanTools, []object{task, both, answered(both), finish, answered(finish), spoken("assistant", textBlock("The work was accepted.")), spoken("user", textBlock(other))}, []string{"Write c.go"}},
		"the task told again":                           {shared, leanTools, []object{task, one, answered(one), synthetic, spoken("user", textBlock("Go on.\n\n"+prompt))}, []string{"Write b.go"}},
		"a task in a reminder is none":                  {shared, leanTools, []object{spoken("user", textBlock("<system-reminder>\n"+elsewhere+"</system-reminder>\n"), textBlock(prompt))}, []string{"Write a.go", "Write b.go"}},
		"the task told again, with another in its spec": {"", leanTools, []object{spoken("user", textBlock(strings.Replace(shared, "- x\n", elsewhere, 1)+"\n\n"+prompt)), one, answered(one), synthetic, spoken("user", textBlock(prompt))}, []string{"Write b.go"}},
		"what the task told again names is no feedback": {shared, leanTools, []object{task, both, answered(both), finish, answered(finish, "acceptance-1: got 1"), synthetic, spoken("user", textBlock(strings.Replace(prompt, "(empty)", "a.go 10", 1)))}, []string{"mcp__builder__blocked the work was not accepted"}},
		"what the system says is no feedback":           {shared, leanTools, []object{task, both, answered(both), finish, answered(finish, "vet: b.go:1: broken"), {"role": "system", "content": "Called the Read tool: a.go"}}, []string{"Write b.go"}},
		"no finish":                                     {shared, leanTools[:4], []object{task, both, answered(both), synthetic, resumed}, []string{"Core: written by rule from the spec"}},
		"no finish, and feedback":                       {shared, leanTools[:4], []object{task, both, answered(both), spoken("assistant", textBlock("Core: written by rule from the spec (files: 2).")), spoken("user", textBlock("vet: b.go:1: broken"))}, []string{"Write b.go"}},
		"all in the prompt":                             {"", leanTools, []object{spoken("user", textBlock(reminder), textBlock(shared+"\n\n"+prompt))}, []string{"Write a.go", "Write b.go"}},
		"the spec in an earlier message":                {"", leanTools, []object{spoken("user", textBlock(shared)), synthetic, spoken("user", textBlock(other))}, []string{"Write c.go"}},
		"a task within the spec is none":                {"", leanTools, []object{spoken("user", textBlock(strings.Replace(shared, "- x\n", elsewhere, 1)+"\n\n"+other))}, []string{"Write c.go"}},
		"nothing that writes":                           {shared, []object{bashTool, readTool, blockedTool, finishTool}, []object{task}, []string{"mcp__builder__blocked no tool is offered that writes a file"}},
		"no tools":                                      {shared, []object{}, []object{task}, []string{"Blocked: no tool is offered that writes a file"}},
		"no task":                                       {"You are an interactive agent.", allTools, []object{spoken("user", textBlock(reminder), textBlock("hello")), listing}, []string{"I am Builder's offline model. I am not a language model"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := offline.Handler(offline.Options{Author: two})
			a := ask(t, h, cliBody(t, []string{tt.system + " "}, tt.tools, tt.messages, false))
			var got []string
			for _, c := range a.Content {
				if c.Type == "tool_use" {
					got = append(got, c.Name+" "+firstOf(c.Input, "file_path", "reason"))
				}
			}
			if got == nil {
				got = []string{a.Content[0].Text}
			}
			if len(got) != len(tt.want) || !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			body := cliBody(t, []string{tt.system + " "}, tt.tools, tt.messages, true)
			_, first, _ := post(t, h, "/v1/messages?beta=true", body)
			_, again, _ := post(t, offline.Handler(offline.Options{Author: two}), "/v1/messages?beta=true", body)
			if first != again || !strings.Contains(first, "event: message_stop") {
				t.Errorf("not the same bytes:\n%s\n%s", first, again)
			}
		})
	}
}

// The CLI keeps nothing of a long conversation but what it is told between <summary> tags.
func TestCLIGoesOnAfterACompaction(t *testing.T) {
	t.Parallel()
	const asked = "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n- Your entire response must be plain text: an <analysis> block followed by a <summary> block.\n"
	h := offline.Handler(offline.Options{Author: two})
	for name, aloud := range map[string]bool{"spec in the system": false, "spec in the prompt": true} {
		system, prompt := cliBrief("app.core", "# Toolshed\n- x\n", func(b *agent.Brief) {
			b.Requirements = []agent.BriefRequirement{{ID: "R1", Text: "x", Source: "2"}}
		})
		if aloud {
			system, prompt = system[:1], system[1]+prompt
		}
		one := called([2]string{"Write", "a.go"})
		ended := append(answered(one)["content"].([]object), textBlock(asked))
		a := ask(t, h, cliBody(t, system, leanTools, []object{spoken("user", textBlock(prompt)), one, spoken("user", ended...)}, false))
		if len(a.Content) != 1 || a.StopReason != "end_turn" {
			t.Fatalf("%s: %+v", name, a)
		}
		summary, ok := strings.CutPrefix(a.Content[0].Text, "<summary>\n")
		if !ok || !strings.Contains(summary, "Of 2 files, 1 stand") {
			t.Fatalf("%s: %q", name, a.Content[0].Text)
		}
		begun := "This session is being continued from a previous conversation that ran out of context. The summary below covers the earlier portion of the conversation.\n\nSummary:\n" +
			strings.TrimSuffix(summary, "</summary>") + "\nContinue the conversation from where we left it off."
		f := cliFolder{cwd: cliCwd, tree: map[string]string{"a.go": "package a\n"}, seen: map[string]bool{}}
		f.work(t, h, system, leanTools, spoken("user", textBlock(reminder), textBlock(begun)))
		if d := cmp.Diff(map[string]string{"a.go": "package a\n", "b.go": "package b\n"}, f.tree); d != "" || f.hands != 1 {
			t.Errorf("%s: handed in %d times\n%s", name, f.hands, d)
		}
	}
}
