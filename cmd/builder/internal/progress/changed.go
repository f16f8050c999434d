package progress

import (
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/phases"
)

// changed tells of what a person changed between two runs, and what follows from it.
func changed(f phases.Fact) string {
	switch f := f.(type) {
	case phases.ChangeAccepted:
		if f.Plan != "" {
			return "plan given: the build follows it from here on"
		}
		return "spec accepted: the plan is amended for it"
	case phases.SpecKept:
		return "spec kept: the build goes on with the text that it was planned for"
	case phases.PlanAmended:
		text := fmt.Sprintf("plan amended by %s: %s, %d new, %d dropped", f.By, again(f.Again), len(f.Added), len(f.Dropped))
		return text
	case phases.UserCommitted:
		if len(f.Own) > 0 {
			return fmt.Sprintf("your commits are the head of the build now: %.10s, %d paths", f.Commit, len(f.Paths))
		}
		return fmt.Sprintf("your edits are a commit of their own now: %.10s, %d paths", f.Commit, len(f.Paths))
	case phases.UserDiscarded:
		return fmt.Sprintf("your edits are taken back; they are kept in %s: %s", f.Kept, strings.Join(f.Paths, ", "))
	case phases.EditsProven:
		if len(f.Red) == 0 {
			return "the gates of done tasks are green on your edits"
		}
		return fmt.Sprintf("%d gate(s) of done tasks are red on your edits; %s", len(f.Red), again(f.Again))
	}
	return ""
}

// again names the tasks that are done again.
func again(tasks []phases.Reopened) string {
	if len(tasks) == 0 {
		return "nothing is done again"
	}
	ids := make([]string, len(tasks))
	for i, t := range tasks {
		ids[i] = string(t.Task)
	}
	return "done again: " + strings.Join(ids, ", ")
}
