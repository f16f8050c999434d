package conversation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// brief is what an engineer's task says, read back from its tags.
type brief struct {
	spec         string
	task         string // the task's id
	requirements []Requirement
	lastFailure  string
	tree         map[string]bool // the paths that were in the tree when the task was stated
	cwd          string          // the working folder, for programs whose tools want absolute paths
	again        string          // the brief itself, for a conversation that begins anew
}

// taskParts and sharedParts are the sections of a brief (agent.Brief) but for the spec.
var (
	taskParts   = [...]string{"task", "near", "requirements", "gates", "writes", "shared", "tree", "notes", "person", "changed", "last_failure"}
	sharedParts = [...]string{"project", "plan", "environment"}
)

// readBrief reads an engineer's task; ok is false when there is none.
func readBrief(t told) (b brief, ok bool) {
	attrs, _, hasTask := section(t.task, "task")
	if !t.hasSpec || !hasTask {
		return brief{}, false
	}
	_, failure, _ := section(t.task, "last_failure")
	return brief{
		spec:         t.spec,
		task:         attr(attrs, "id"),
		requirements: requirements(t.task),
		lastFailure:  strings.TrimSpace(failure),
		tree:         tree(t.task),
		cwd:          workingFolder(t.before + "\n" + t.rest),
		again:        again(t),
	}, true
}

// name is the last part of the task's id: the unit it stands for.
func (b brief) name() string {
	return b.task[strings.LastIndex(b.task, ".")+1:]
}

// tree reads the paths of the <tree> section: one a line, with a size or a remark after it.
func tree(text string) map[string]bool {
	_, body, _ := section(text, "tree")
	paths := map[string]bool{}
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		if i := strings.LastIndexByte(line, ' '); i > 0 {
			paths[line[:i]] = true
		}
	}
	return paths
}

// again words the brief once more, with its spec if that stands in a message.
func again(t told) string {
	var b strings.Builder
	if t.aloud {
		fmt.Fprintf(&b, "<spec>\n%s\n</spec>\n", t.spec)
	}
	for _, name := range taskParts {
		if attrs, body, ok := section(t.task, name); ok {
			fmt.Fprintf(&b, "<%s%s>\n%s\n</%s>\n", name, attrs, strings.TrimRight(body, "\n"), name)
		}
	}
	return b.String()
}

// folderLines are the ways in which a working folder is told, best first: Builder's own, then those
// of CLI agents.
var folderLines = [...]func() *regexp.Regexp{
	lazy(`(?mi)^[ \t]*(?:[-*][ \t]*)?working folder:[ \t]*(/[^\r\n]*)$`),
	lazy(`(?mi)^[ \t]*(?:[-*][ \t]*)?(?:(?:primary )?working directory|cwd):[ \t]*(/[^\r\n]*)$`),
}

// workingFolder finds the working folder that is told outside the brief's own sections, whose texts
// are not to be trusted; "" when none is.
func workingFolder(text string) string {
	text = outside(text)
	for _, line := range folderLines {
		if m := line().FindStringSubmatch(text); m != nil {
			return strings.TrimRight(m[1], "/ \t")
		}
	}
	return ""
}

// outside is text without the sections of a brief.
func outside(text string) string {
	for _, name := range slices.Concat(taskParts[:], sharedParts[:]) {
		if p, ok := locate(text, name); ok {
			text = text[:p.open] + text[p.after:]
		}
	}
	return text
}
