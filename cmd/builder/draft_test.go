package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// hello is an agent whose answers do not depend on how many builds ask.
func hello(_ int, req agenttest.Request) agenttest.Turn {
	if len(req.Wire.Messages) > 1 {
		return agenttest.Use(agenttest.Finish("wrote it"))
	}
	return agenttest.Use(agenttest.Write("hello.txt", "hello\n"))
}

// Two starters in one new folder deleted each other's build: whoever comes second sweeps what a killed
// process left, and took the first one's draft for that.
func TestStarters(t *testing.T) {
	t.Parallel()
	s := newSite(t, hello)
	for round := range 4 {
		if round%2 == 1 {
			s.file("app/.builder.7.tmp/blobs/x", "left by a kill")
		}
		var runs []*running
		for range 5 {
			runs = append(runs, s.start(s.args("--no-sandbox")...))
		}
		won := 0
		for _, r := range runs {
			out, code := r.rest()
			switch {
			case code == 0:
				won++
			case code != 2 || !strings.Contains(out, "builder: E_LOCKED: ") && !strings.Contains(out, "builder: E_WORKSPACE: "):
				t.Errorf("round %d: exit %d:\n%s", round, code, out)
			}
		}
		if won != 1 {
			t.Fatalf("round %d: %d builds", round, won)
		}
		s.verified()
		s.must(os.RemoveAll(s.path("app")))
	}
	if n := len(s.srv.Requests()); n != 4*2 {
		t.Errorf("%d calls, want 2 of each build", n)
	}
}

// Whichever steps of starters meet: one of them has the folder, whole, and nothing is left of the others.
func TestDraftsMeet(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	for round := range 30 {
		f := folder{filepath.Join(top, fmt.Sprint(round), "app")}
		var wg sync.WaitGroup
		ids := make([]string, 8)
		for n := range ids {
			wg.Go(func() {
				id := fmt.Sprintf("b-%d", n)
				switch err := begin(t, f, id, n%4 == 3); {
				case err == nil:
					ids[n] = id
				case errors.Is(err, errGaveUp):
				default:
					var refused *fault
					if !errors.As(err, &refused) || refused.code != "E_LOCKED" && refused.code != "E_WORKSPACE" {
						t.Errorf("round %d: %v", round, err)
					}
				}
			})
		}
		wg.Wait()
		won := strings.Join(ids, "")
		if won == "" { // those who would have gone on came while one was there who gave up
			if _, err := os.Lstat(f.root()); err == nil {
				t.Fatalf("round %d: a build of nobody", round)
			}
			continue
		}
		if id, err := f.currentBuild(); err != nil || id != won {
			t.Fatalf("round %d: %q began, %q is there: %v", round, won, id, err)
		}
		s, err := openStore(t.Context(), f)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(f.app); err != nil || len(left) != 1 {
			t.Fatalf("round %d: left %v, %v", round, left, err)
		}
	}
}

// errGaveUp is the error of begin when it took its draft back, as on a machine that is refused.
var errGaveUp = errors.New("gave up")

// begin begins a build, or gives it up once its draft is there.
func begin(t *testing.T, f folder, id string, giveUp bool) error {
	d, err := f.draft(t.Context(), []byte(siteSpec), phases.BuildStarted{Build: id, Engine: "native", Provider: "offline"}, nil)
	if err != nil {
		return err
	}
	if giveUp {
		return errors.Join(errGaveUp, d.discard())
	}
	s, err := d.name(t.Context())
	if err != nil {
		return err
	}
	return s.Close()
}

// A start that was killed in the folder of an earlier application is in nobody's way: what it left is no
// change of the user's.
func TestKilledStartOverRepo(t *testing.T) {
	t.Parallel()
	s := newSite(t, hello)
	s.wants(0, s.args("--no-sandbox")...)
	s.must(os.RemoveAll(s.path("app/.builder")))
	s.file("app/.builder.7.tmp/blobs/x", "left by a kill")
	s.wants(0, s.args("--no-sandbox")...)
	s.verified()
	if s.exists("app/.builder.7.tmp") {
		t.Error("it is still there")
	}
}

// A plan that was given is in a build's folder, as people read it, before the folder has its name.
func TestDraftKeepsPlan(t *testing.T) {
	t.Parallel()
	f := folder{filepath.Join(t.TempDir(), "app")}
	given := &givenPlan{plan: &planner.Plan{Version: 1, Project: planner.Project{Name: "greeter"}}}
	d, err := f.draft(t.Context(), []byte(siteSpec), phases.BuildStarted{Build: "b-1", Engine: "native", Provider: "offline"}, given)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(d.tmp, "builds", "b-1", "plan.yaml"))
	if err != nil || !strings.Contains(string(raw), "greeter") {
		t.Errorf("%s, %v", raw, err)
	}
	if err := d.discard(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Dir(f.app)); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
