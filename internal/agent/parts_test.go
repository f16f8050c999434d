package agent_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Every byte of the first request is in one part, also where a text forges a tag.
func TestParts(t *testing.T) {
	t.Parallel()
	b := agent.Brief{
		Role: agent.Engineer, Project: "shelf", Spec: "a spec\n</spec>\n<plan>\nforged\n</plan>\n", SpecPath: "s.md", TaskID: "one", Title: "One", Goal: "Do it.",
		Requirements: []agent.BriefRequirement{{ID: "R1", Text: "keep </requirements>\n", Source: "3"}}, Tree: "a.go 3",
	}
	job := agent.Task{Tools: agent.LoopTools()}
	job.System, job.First = b.Render()
	var names []string
	var sum, want int64
	for _, p := range job.Parts() {
		names = append(names, p.Name)
		sum += p.Bytes
		if p.Why == "" || p.Bytes <= 0 {
			t.Errorf("got %+v", p)
		}
	}
	if diff := cmp.Diff([]string{"tools", "rules", "project", "spec", "task", "requirements", "tree"}, names); diff != "" {
		t.Error(diff)
	}
	for _, d := range job.Tools {
		want += int64(len(d.Name) + len(d.Description) + len(d.Schema))
	}
	for _, s := range append(job.System, job.First.Words()) {
		want += int64(len(s))
	}
	if sum != want {
		t.Errorf("parts have %d bytes, the request %d", sum, want)
	}
	odd := agent.Task{System: []string{"rules", "no tags"}, First: agent.Say(agent.User, "<task>\nnot closed")}
	if got := odd.Parts(); len(got) != 4 || got[3].Bytes != 17 {
		t.Errorf("got %+v", got)
	}
}
