package conversation

import (
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// transcript is what has happened so far, folded from the messages: what each written file holds,
// which calls failed, and what was answered to a finish.
type transcript struct {
	files    map[string]string   // as left by the calls that succeeded
	failures map[string][]string // errors of calls on a path, in order
	finished int                 // times the work was handed in
	wrote    map[string]int      // whole writes of a path that succeeded
	feedback string              // what was answered to the last handing in; "" before the first
	gaveUp   bool                // blocked was called before
}

// fold replays the messages after the first.
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
			t.heard(m, ts)
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
			t.finished, t.feedback = t.finished+1, r.Text
		case ts.blocked != nil && c.Name == ts.blocked.name:
			t.gaveUp = true
		}
	}
	if len(calls) == 0 && ts.finish == nil {
		t.finished, t.feedback = t.finished+1, ""
	}
}

// heard folds what was said to the model between its turns: feedback on the work handed in.
func (t *transcript) heard(m agent.Message, _ toolset) {
	if t.finished == 0 {
		return
	}
	if s := strings.TrimSpace(strings.Join(words(m), "\n")); s != "" {
		t.feedback = strings.TrimSpace(t.feedback + "\n" + s)
	}
}

func (t *transcript) write(path, content string, r agent.Block) {
	if r.Error {
		t.failures[path] = append(t.failures[path], r.Text)
		return
	}
	t.files[path] = content
	t.wrote[path]++
}

func (t *transcript) edit(path, old, new string, r agent.Block) {
	have, known := t.files[path]
	switch {
	case r.Error:
		t.failures[path] = append(t.failures[path], r.Text)
	case old == "":
		t.files[path] = new
		t.wrote[path]++
	case known && strings.Count(have, old) == 1:
		t.files[path] = strings.Replace(have, old, new, 1)
	default:
		delete(t.files, path) // not known any more: it will be written anew
	}
}

// relative is path without the working folder of a program that wants absolute paths.
func relative(path, cwd string) string {
	if cwd != "" {
		path = strings.TrimPrefix(path, cwd+"/")
	}
	return strings.TrimPrefix(path, "./")
}
