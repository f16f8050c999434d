package main

import (
	"net/http/httptest"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// crewed is builder as a real process with a plan of many tasks and the crew that carries it out.
type crewed struct {
	*site
	crew *agenttest.Crew
	job  agenttest.Job
	url  string
}

func newCrewed(t *testing.T, job agenttest.Job) *crewed {
	t.Helper()
	s := &crewed{site: newSite(t, nil), crew: &agenttest.Crew{}, job: job}
	s.serve()
	s.file(agenttest.SpecFile, job.Spec())
	s.file("plan.yaml", job.Plan())
	return s
}

// serve offers the crew at an address of its own.
func (s *crewed) serve() {
	srv := httptest.NewServer(s.crew)
	s.t.Cleanup(srv.Close)
	s.url = srv.URL
}

func (s *crewed) args(more ...string) []string {
	return append([]string{"build", "--plan", "plan.yaml", "-o", "app", "--provider", "anthropic", "--base-url", s.url, "--model", "claude-sonnet-5-5"}, more...)
}

// A job of many tasks is built task by task, one commit each, and its bill is what was spent.
func TestCrewBuilds(t *testing.T) {
	t.Parallel()
	s := newCrewed(t, agenttest.Job{Tasks: 4, Width: 2, Calls: 4, Phases: 2, Shared: true, Command: true, Last: true})
	s.wants(0, s.args()...)
	st, bill := s.status("app"), s.crew.Bill()
	if st.State != phases.DoneState || len(st.Tasks) != 5 || s.git("app", "rev-list", "--count", "HEAD") != "5" {
		t.Errorf("%+v", st)
	}
	for _, r := range st.Requirements {
		if !r.Proven {
			t.Errorf("%s is not proven", r.ID)
		}
	}
	if len(bill.Charges) != 20 || budget.Micro(bill.Cost) != budget.Micro(st.Budget.Spent) || bill.Repeated != 0 {
		t.Errorf("billed %d for %d calls, spent %d", bill.Cost, len(bill.Charges), st.Budget.Spent)
	}
	has(t, s.git("app", "show", "HEAD:SLOTS.md"), "t0001 done", "t0004 done")
}
