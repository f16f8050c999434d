package agenttest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

// A job's plan is one of its spec, whatever its shape: nothing that validation knows is wrong.
func TestJobs(t *testing.T) {
	t.Parallel()
	for name, j := range map[string]agenttest.Job{
		"one": {}, "chain": {Tasks: 5, Width: 1, Calls: 1}, "wide": {Tasks: 40, Width: 8, Calls: 10, Phases: 4},
		"shared": {Tasks: 12, Shared: true, Last: true}, "proven twice": {Tasks: 3, Command: true, Phases: 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec, err := markdown.Parse(agenttest.SpecFile, []byte(j.Spec()))
			if err != nil {
				t.Fatal(err)
			}
			plan, err := planfile.Decode("plan.yaml", []byte(j.Plan()))
			if err != nil {
				t.Fatalf("%v\n%s", err, j.Plan())
			}
			if problems := planner.Validate(plan, spec); len(problems) > 0 {
				t.Fatalf("%v\n%s", problems, j.Plan())
			}
			for n, task := range plan.Tasks() {
				if string(task.ID) != j.TaskID(n) {
					t.Errorf("task %d is %s, want %s", n, task.ID, j.TaskID(n))
				}
				turns, err := agenttest.Steps(task.Goal)
				if want := max(j.Calls, 1); err != nil || j.Calls > 0 && len(turns) != want {
					t.Errorf("task %s has %d answers, want %d: %v", task.ID, len(turns), want, err)
				}
			}
		})
	}
}

func TestStepsRefuse(t *testing.T) {
	t.Parallel()
	for _, goal := range []string{"Write hello.txt.", "grow a b c", "edit a b", "write a b\nfly"} {
		if turns, err := agenttest.Steps(goal); err == nil {
			t.Errorf("%q is %d answers", goal, len(turns))
		}
	}
}

// ask sends one request about a task, after the answers that were given before.
func ask(t *testing.T, url, goal string, before []string, maxTokens int) (status int, answer string) {
	t.Helper()
	messages := []any{map[string]any{"role": "user", "content": "<task id=\"p1.t\">\nTitle\n" + goal + "\n</task>"}}
	for _, b := range before {
		messages = append(messages, map[string]any{"role": "assistant", "content": b}, map[string]any{"role": "user", "content": "ok"})
	}
	body, err := json.Marshal(map[string]any{"model": "claude-sonnet-5-5", "max_tokens": maxTokens, "messages": messages})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url+"/v1/messages", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// The same request has the same answer, from any server; every one is billed, and a question that
// was answered before shows, however many tokens it allows.
func TestCrew(t *testing.T) {
	t.Parallel()
	var journal bytes.Buffer
	crew := &agenttest.Crew{Journal: &journal}
	srv, other := httptest.NewServer(crew), httptest.NewServer(&agenttest.Crew{})
	defer srv.Close()
	defer other.Close()
	const goal = "grow a.txt 2 x\nwrite a.txt y\n+ note z\nfinish did it"
	status, first := ask(t, srv.URL, goal, nil, 100)
	if _, again := ask(t, other.URL, goal, nil, 100); status != http.StatusOK || first != again {
		t.Fatalf("%d %s\nthen %s", status, first, again)
	}
	for turn, want := range []string{`"content":"x 1\n"`, `"content":"x 1\nx 2\n"`, `"text":"z"`, `"summary":"did it"`, `"content":"x 1\n"`} {
		if _, got := ask(t, srv.URL, goal, make([]string, turn), 200); !strings.Contains(got, want) {
			t.Errorf("answer %d has no %s: %s", turn, want, got)
		}
	}
	if _, got := ask(t, srv.URL, goal, make([]string, 12), 200); !strings.Contains(got, agent.BlockedTool) {
		t.Errorf("after three rounds: %s", got)
	}
	if status, got := ask(t, srv.URL, "Do as you please.", nil, 100); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, got)
	}
	bill := crew.Bill()
	if len(bill.Charges) != 7 || bill.Answered != 7 || bill.Refused != 1 || bill.Repeated != 1 || bill.Cost != bill.Total(nil) || bill.Cost <= 0 || bill.Peak != 1 {
		t.Errorf("bill %+v", bill)
	}
	if c := bill.Charges[1]; !c.Repeat || c.Question != bill.Charges[0].Question || c.Body == bill.Charges[0].Body || c.Task != "p1.t" || c.Turn != 0 {
		t.Errorf("the second charge is %+v", c)
	}
	if got := strings.Count(journal.String(), "\n"); got != 14 {
		t.Errorf("%d lines of the bill were written", got)
	}
}

// The crew serves as a process of its own, and its bill outlives it.
func TestCrewProcess(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program")
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "crew"), "./crew").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := exec.Command(filepath.Join(dir, "crew"), "-ledger", filepath.Join(dir, "bill.ndjson"))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	line := make([]byte, 256)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	_, url, _ := strings.Cut(strings.TrimSpace(string(line[:n])), "listening on ")
	if status, got := ask(t, url, "write a b", nil, 10); status != http.StatusOK {
		t.Fatalf("%d %s", status, got)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "bill.ndjson"))
	if err != nil || !strings.Contains(string(raw), `"n":1`) || !strings.Contains(string(raw), `"answered":true`) {
		t.Errorf("%v: %s", err, raw)
	}
}
