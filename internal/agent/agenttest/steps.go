package agenttest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Steps reads what a [Crew] does for a task from the task's goal. Every line is one answer with one
// tool call; a line that begins with "+ " stands in the answer of the line before it. Empty lines
// mean nothing. The words are:
//
//	write PATH TEXT        the file holds TEXT and a line break
//	grow PATH N TEXT       N answers: the file holds one, two, ... N lines "TEXT 1", "TEXT 2", ...
//	edit PATH OLD => NEW   the one place with OLD says NEW
//	run COMMAND            a shell command
//	note TEXT              for the tasks that need this one
//	finish SUMMARY         asks for the gates; without one, the last line is followed by it
//
// A goal without lines is one answer that finishes.
func Steps(goal string) ([]Turn, error) {
	var turns []Turn
	finishes := false
	for line := range strings.SplitSeq(goal, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		rest, joined := strings.CutPrefix(line, "+ ")
		steps, err := stepsOf(rest)
		if err != nil {
			return nil, err
		}
		finishes = strings.HasPrefix(rest, "finish")
		if joined && len(turns) > 0 && len(steps) == 1 {
			last := &turns[len(turns)-1]
			last.Calls = append(last.Calls, steps[0])
			continue
		}
		for _, s := range steps {
			turns = append(turns, Use(s))
		}
	}
	if !finishes {
		turns = append(turns, Use(Finish("done")))
	}
	return turns, nil
}

func stepsOf(line string) ([]agent.ToolCall, error) {
	verb, rest, _ := strings.Cut(line, " ")
	path, text, _ := strings.Cut(rest, " ")
	switch verb {
	case "write":
		return []agent.ToolCall{Write(path, text+"\n")}, nil
	case "grow":
		return growing(path, text)
	case "edit":
		from, to, ok := strings.Cut(text, " => ")
		if !ok {
			return nil, fmt.Errorf("%q: an edit is PATH OLD => NEW", line)
		}
		return []agent.ToolCall{Call("edit_file", map[string]string{"path": path, "old": from, "new": to})}, nil
	case "run":
		return []agent.ToolCall{Run(rest)}, nil
	case "note":
		return []agent.ToolCall{Call("note", map[string]string{"text": rest})}, nil
	case "finish":
		return []agent.ToolCall{Finish(rest)}, nil
	}
	return nil, fmt.Errorf("%q begins with no word that the crew knows", line)
}

func growing(path, rest string) ([]agent.ToolCall, error) {
	count, text, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("grow %s: %q is no number of answers", path, count)
	}
	var calls []agent.ToolCall
	var content strings.Builder
	for i := range n {
		fmt.Fprintf(&content, "%s %d\n", text, i+1)
		calls = append(calls, Write(path, content.String()))
	}
	return calls, nil
}
