package phases

import (
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// Trailers are the way back to the done tasks when the journal is gone: a commit names its build and
// its task, also where a merge of many made it.
func TestCommitNamesItsTask(t *testing.T) {
	t.Parallel()
	p := twoTasks()
	got := message(&p, p.Phases[0].Tasks[0], budget.Op{Build: "b-1", Task: MergeTask, Attempt: 3, Step: 2}, 1, "hash")
	for _, line := range []string{"Builder-Build: b-1", "Builder-Task: one.a", "Builder-Attempt: 1", "Builder-Plan: hash", "Builder-Op: b-1/merge/3/2.0"} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("no %q in %q", line, got)
		}
	}
}
