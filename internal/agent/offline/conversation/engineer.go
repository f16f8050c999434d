package conversation

import (
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// The rules are:
//   - All files of the unit are written in one turn, together with finish, as far as max_tokens
//     allows; what the transcript shows as written is not written again.
//   - A call that failed is made once more; the second failure of a path ends in blocked.
//   - Work that was accepted is done: whatever is said then, nothing more is called.
//   - When the gates fail on work that was handed in whole, the files that the feedback names are
//     written once more; after that, and in a task that failed before, it ends in blocked.
//   - A requirement that no rule covers ends in blocked before anything is written.

// margin is kept free in every answer for the text before the calls and the numbers around them.
const margin = 256

// tries is how often a path's calls may fail before the task is blocked.
const tries = 2

// engineer carries out one task.
type engineer struct {
	brief  brief
	work   Work
	tools  toolset
	script transcript
	room   int // bytes that fit in this answer
}

// next is the engineer's next turn.
func (e engineer) next() []agent.Block {
	if e.script.gaveUp {
		return []agent.Block{say("I said that I am blocked and why; nothing that was answered changes it.")}
	}
	if e.script.accepted {
		return []agent.Block{say("The work was accepted. Nothing is left to do.")}
	}
	u, ok := e.work.unit(e.brief.name())
	if !ok {
		return e.unknown()
	}
	if open := e.open(); len(open) > 0 {
		return e.needsModel(open)
	}
	missing := e.missing(u)
	if len(missing) > 0 {
		return e.write(u, missing)
	}
	if e.script.finished == 0 || e.script.changed {
		return e.handIn(u, nil)
	}
	return e.react(u)
}

// missing are the files of u that the transcript does not show as written in full.
func (e engineer) missing(u unit.Unit) []unit.File {
	var fs []unit.File
	for _, f := range u.Files {
		if have, ok := e.script.files[f.Path]; !ok || have != f.Content {
			fs = append(fs, f)
		}
	}
	return fs
}

// write makes as many of the calls that fit, and hands the work in when all of them do.
func (e engineer) write(u unit.Unit, files []unit.File) []agent.Block {
	if e.tools.write == nil && e.tools.edit == nil {
		return e.blocked("no tool is offered that writes a file", "none of the tools offered takes a path and a content: "+e.tools.all)
	}
	for _, f := range files {
		if errs := e.script.failures[f.Path]; len(errs) >= tries {
			return e.blocked("writing "+f.Path+" failed "+fmt.Sprint(len(errs))+" times", errs[len(errs)-1])
		}
	}
	w := writer{tools: e.tools, brief: e.brief, room: e.room, script: e.script}
	for _, f := range files {
		if !w.file(f) {
			break
		}
	}
	if len(w.calls) == 0 {
		return e.blocked(fmt.Sprintf("max_tokens is too small to write %s", files[0].Path),
			fmt.Sprintf("the file has %d bytes, about %d tokens; an answer has room for %d bytes", len(files[0].Content), Tokens(len(files[0].Content)), max(e.room, 0)))
	}
	if w.whole {
		return e.handIn(u, w.calls)
	}
	return append(e.opening(u), w.calls...)
}

// handIn ends a turn of calls with finish. Without such a tool the work is handed in by ending the
// turn, once the calls were answered.
func (e engineer) handIn(u unit.Unit, calls []agent.Block) []agent.Block {
	summary := fmt.Sprintf("%s: %s (files: %d).%s", title(u), byRule, len(u.Files), e.work.leftOut())
	if e.tools.finish == nil {
		if len(calls) == 0 {
			return []agent.Block{say(summary)}
		}
		return append(e.opening(u), calls...)
	}
	finish := e.tools.finish.call(map[string]string{"summary": summary})
	if len(calls) > 0 && (e.tools.apart() || cost(calls...)+cost(finish) > e.room) {
		return append(e.opening(u), calls...)
	}
	return append(append(e.opening(u), calls...), finish)
}

// opening is the text of the first turn; later turns need none.
func (e engineer) opening(u unit.Unit) []agent.Block {
	if len(e.script.files) > 0 || len(e.script.failures) > 0 {
		return nil
	}
	return []agent.Block{say("Writing " + title(u) + " by rule from the spec.")}
}

// react answers feedback on work that was handed in whole.
func (e engineer) react(u unit.Unit) []agent.Block {
	feedback := e.script.feedback
	if e.script.finished == 1 && e.brief.lastFailure == "" {
		var named []unit.File
		for _, f := range u.Files {
			if strings.Contains(feedback, f.Path) && e.script.wrote[f.Path] < tries && len(e.script.failures[f.Path]) < tries {
				named = append(named, f)
			}
		}
		if len(named) > 0 {
			w := writer{tools: e.tools, brief: e.brief, room: e.room, script: transcript{failures: e.script.failures, wrote: e.script.wrote}}
			for _, f := range named {
				w.file(f)
			}
			if w.whole && len(w.calls) > 0 {
				return e.handIn(u, w.calls)
			}
		}
	}
	evidence := feedback
	if evidence == "" {
		evidence = e.brief.lastFailure
	}
	return e.blocked("the work was not accepted, and rules cannot find out why: everything that they derive from the spec is written", evidence)
}

func title(u unit.Unit) string {
	if u.Title != "" {
		return u.Title
	}
	return u.Name
}
