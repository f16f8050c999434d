package conversation

import (
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// The rules are:
//   - Only calls that were answered count: what a crash or a program dropped did not happen.
//   - A handing in whose answer is no verdict (the program stopped, the tool was cut off) is made once
//     more.
//   - What a program says for its own sake, and that the work is to go on, is no feedback.

// transcript is what has happened so far, folded from the messages: what each written file holds,
// which calls failed, and what was answered to a finish.
type transcript struct {
	files    map[string]string   // as left by the calls that succeeded
	failures map[string][]string // errors of calls on a path, in order
	wrote    map[string]int      // whole writes of a path that succeeded
	finished int                 // times the work was handed in
	lost     int                 // times it was, without an answer
	changed  bool                // a file was written since
	accepted bool                // the last handing in was the end of the task
	feedback string              // what was answered to the last handing in; "" before the first
	gaveUp   bool                // blocked was called before
}

// fold replays the messages of the conversation about a task.
func fold(messages []agent.Message, ts toolset, cwd string) transcript {
	t := transcript{files: map[string]string{}, failures: map[string][]string{}, wrote: map[string]int{}}
	results := map[string]agent.Block{}
	for _, m := range messages {
		for _, b := range m.Blocks {
			if b.Kind == agent.ResultBlock {
				results[b.ID] = b
			}
		}
	}
	spoken := false
	for _, m := range messages {
		if m.Role == agent.Assistant {
			spoken = true
			t.turn(m, results, ts, cwd)
			continue
		}
		if spoken {
			t.heard(m)
		}
	}
	return t
}

// turn folds one turn of the model itself.
func (t *transcript) turn(m agent.Message, results map[string]agent.Block, ts toolset, cwd string) {
	calls := m.Calls()
	for _, c := range calls {
		r, answered := results[c.ID]
		if !answered {
			continue
		}
		switch {
		case ts.write != nil && c.Name == ts.write.name:
			t.write(relative(ts.write.value(c.Input, "path"), cwd), ts.write.value(c.Input, "content"), r)
		case ts.edit != nil && c.Name == ts.edit.name:
			t.edit(relative(ts.edit.value(c.Input, "path"), cwd), ts.edit.value(c.Input, "old"), ts.edit.value(c.Input, "new"), r)
		case ts.finish != nil && c.Name == ts.finish.name:
			t.handedIn(r)
		case ts.blocked != nil && c.Name == ts.blocked.name:
			t.gaveUp = true
		}
	}
	if len(calls) == 0 && ts.finish == nil && strings.Contains(m.Words(), byRule) {
		t.handedIn(agent.Block{Error: true})
	}
}

// byRule stands in every summary of the model, so that it knows its own words.
const byRule = "written by rule from the spec"

var (
	verdictYes  = lazy(`(?i)^(?:ok\.?$|accepted\b|the task is (?:done|accepted)\b)`)
	verdictNone = lazy(`(?i)^(?:<tool_use_error>)?\s*(?:MCP error|stream closed|connection closed|\[Request interrupted|The user doesn't want to|Tool permission (?:request|stream)|E_TOOL_CUT|E_TOOL_SKIPPED)`)
)

// handedIn folds the answer to a handing in.
func (t *transcript) handedIn(r agent.Block) {
	text := strings.TrimSpace(r.Text)
	if r.Error && verdictNone().MatchString(text) && t.lost < tries-1 {
		t.lost++
		return
	}
	t.finished, t.feedback, t.changed = t.finished+1, r.Text, false
	t.accepted = !r.Error && (text == "" || verdictYes().MatchString(text))
}

var goOn = lazy(`^Continue from where you left off\.?$`)

// heard folds what was said to the model between its turns: feedback on the work handed in.
func (t *transcript) heard(m agent.Message) {
	if t.finished == 0 {
		return
	}
	for _, s := range heard(m) {
		s = strings.TrimSpace(s)
		if _, _, task := section(s, "task"); task || goOn().MatchString(s) {
			continue
		}
		t.feedback = strings.TrimSpace(t.feedback + "\n" + s)
	}
}

func (t *transcript) write(path, content string, r agent.Block) {
	if r.Error {
		t.failures[path] = append(t.failures[path], r.Text)
		return
	}
	t.files[path] = content
	t.whole(path)
}

func (t *transcript) edit(path, old, new string, r agent.Block) {
	have, known := t.files[path]
	switch {
	case r.Error:
		t.failures[path] = append(t.failures[path], r.Text)
	case old == "":
		t.files[path] = new
		t.whole(path)
	case known && strings.Count(have, old) == 1:
		t.files[path], t.changed = strings.Replace(have, old, new, 1), true
	default:
		delete(t.files, path) // not known any more: it will be written anew
	}
}

// whole counts a file that was written whole.
func (t *transcript) whole(path string) {
	t.wrote[path]++
	t.changed = true
}

// lastFailure is the last error of a call on path, in small letters; "" without one.
func (t *transcript) lastFailure(path string) string {
	errs := t.failures[path]
	if len(errs) == 0 {
		return ""
	}
	return strings.ToLower(errs[len(errs)-1])
}

// relative is path without the working folder of a program that wants absolute paths.
func relative(path, cwd string) string {
	if cwd != "" {
		path = strings.TrimPrefix(path, cwd+"/")
	}
	return strings.TrimPrefix(path, "./")
}
