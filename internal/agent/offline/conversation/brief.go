package conversation

import (
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

// readBrief reads an engineer's task; ok is false when there is none.
func readBrief(t told) (b brief, ok bool) {
	attrs, _, hasTask := section(t.rest, "task")
	if !t.hasSpec || !hasTask {
		return brief{}, false
	}
	_, failure, _ := section(t.rest, "last_failure")
	return brief{
		spec:         t.spec,
		task:         attr(attrs, "id"),
		requirements: requirements(t.rest),
		lastFailure:  strings.TrimSpace(failure),
		cwd:          workingFolder(t.before + "\n" + t.rest),
	}, true
}

// name is the last part of the task's id: the unit it stands for.
func (b brief) name() string {
	return b.task[strings.LastIndex(b.task, ".")+1:]
}

var workingFolderLine = lazy(`(?mi)^[ \t]*(?:-[ \t]*)?(?:primary )?working directory:[ \t]*(/[^\s]*)[ \t]*$`)

// workingFolder finds the working folder that a CLI agent states outside the spec; "" when none is.
func workingFolder(text string) string {
	m := workingFolderLine().FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return strings.TrimRight(m[1], "/")
}
