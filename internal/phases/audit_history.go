package phases

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// commitIDs finds what can be a commit's id in a payload.
var commitIDs = regexp.MustCompile(`\b[0-9a-f]{40}\b`)

// CommitFacts is a commit as its repository has it.
type CommitFacts struct {
	ID       string
	Parents  []string
	Tree     string // git's name
	Trailers []Trailer
}

// Trailer is the value of the last trailer of that key; "" without one.
func (c CommitFacts) Trailer(key string) string {
	for _, t := range slices.Backward(c.Trailers) {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// CheckHistory holds the commits that records call done against the branch, which is given from its
// newest commit back to its first. treeOf gives git's name of a recorded manifest. It returns how many
// commits are as recorded, and what is wrong.
//
// The rules are: the commit of a done task is an ancestor of the branch's newest commit or that
// itself, has the recorded tree, names its build and task, and has at most one parent; tasks were
// committed in the order of their records; the branch has no commit of this build that no record
// knows, and none for a task more than once a start.
func (a *Audit) CheckHistory(branch []CommitFacts, treeOf func(checkpoint.Hash) (string, error)) (sound int, problems []string) {
	place := map[string]int{}
	for i, c := range branch {
		place[c.ID] = len(branch) - i // grows with time
	}
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	before := 0
	seen := map[string]planner.TaskID{}
	for _, d := range a.done {
		if first, twice := seen[d.Commit]; twice {
			bad("commit %s is that of two tasks: %s and %s", d.Commit, first, d.Task)
			continue
		}
		seen[d.Commit] = d.Task
		at, ok := place[d.Commit]
		if !ok {
			bad("commit %s of task %s is not in the history of the branch", d.Commit, d.Task)
			continue
		}
		c, was := branch[len(branch)-at], len(problems)
		if at < before {
			bad("commit %s of task %s stands before that of a task that was done earlier", d.Commit, d.Task)
		}
		before = at
		if len(c.Parents) > 1 {
			bad("commit %s of task %s has %d parents: the history of a build is linear", d.Commit, d.Task, len(c.Parents))
		}
		if b, t := c.Trailer(TrailerBuild), c.Trailer(TrailerTask); b != d.Build || t != string(d.Task) {
			bad("commit %s of task %s says that it is of build %q, task %q", d.Commit, d.Task, b, t)
		}
		if tree, err := treeOf(d.Tree); err != nil {
			bad("tree of task %s: %s", d.Task, err)
		} else if tree != c.Tree {
			bad("commit %s of task %s has tree %s, the recorded manifest is tree %s", d.Commit, d.Task, c.Tree, tree)
		}
		if len(problems) == was {
			sound++
		}
	}
	for _, c := range branch {
		if c.Trailer(TrailerBuild) == a.build && !a.Knows(c.ID) {
			bad("commit %s on the branch says that it is of this build, task %q, and no record knows it", c.ID, c.Trailer(TrailerTask))
		}
	}
	return sound, problems
}
