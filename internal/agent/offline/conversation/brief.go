package conversation

import (
	"regexp"
	"strings"
)

// brief is what an engineer's task says, read back from its tags.
type brief struct {
	spec         string
	task         string // the task's id
	requirements []Requirement
	lastFailure  string
	cwd          string // the working folder, for programs whose tools want absolute paths
}

// readBrief reads an engineer's task; ok is false when text holds none.
func readBrief(text string) (b brief, ok bool) {
	_, spec, hasSpec := section(text, "spec")
	attrs, _, hasTask := section(afterSpec(text), "task")
	if !hasSpec || !hasTask {
		return brief{}, false
	}
	rest := afterSpec(text)
	_, failure, _ := section(rest, "last_failure")
	return brief{
		spec:         strings.TrimSuffix(spec, "\n"),
		task:         attr(attrs, "id"),
		requirements: requirements(rest),
		lastFailure:  strings.TrimSpace(failure),
		cwd:          workingFolder(text),
	}, true
}

// name is the last part of the task's id: the unit it stands for.
func (b brief) name() string {
	return b.task[strings.LastIndex(b.task, ".")+1:]
}

// afterSpec is the text behind the spec, where a spec's own words cannot be mistaken for tags.
func afterSpec(text string) string {
	if i := lastClosing(text, "</spec>"); i >= 0 {
		return text[i+len("</spec>"):]
	}
	return text
}

var workingFolderLine = regexp.MustCompile(`(?mi)^[ \t]*(?:-[ \t]*)?(?:primary )?working directory:[ \t]*(/[^\s]*)[ \t]*$`)

// workingFolder finds the working folder that a CLI agent states in its system text, outside the
// spec; "" when none is stated.
func workingFolder(text string) string {
	before, _, _ := strings.Cut(text, "\n<spec")
	for _, part := range []string{before, afterSpec(text)} {
		if m := workingFolderLine.FindStringSubmatch(part); m != nil {
			return strings.TrimRight(m[1], "/")
		}
	}
	return ""
}
