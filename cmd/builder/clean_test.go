package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// cache is where the site's scratch trees are.
func (s *site) cache() string {
	for _, e := range s.env {
		if dir, ok := strings.CutPrefix(e, "XDG_CACHE_HOME="); ok {
			return filepath.Join(dir, "builder")
		}
	}
	s.t.Fatal("no cache")
	return ""
}

// cleaned is what `clean --json` says.
type cleaned struct {
	Version int      `json:"version"`
	Found   []litter `json:"found"`
	Bytes   int64    `json:"bytes"`
	Freed   int64    `json:"freed"`
}

func (s *site) clean(args ...string) cleaned {
	s.t.Helper()
	var c cleaned
	out := s.wants(0, append([]string{"clean", "--json"}, args...)...)
	s.must(json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &c)) // what is said stands before it
	return c
}

func (c cleaned) has(kind, path string) bool {
	for _, l := range c.Found {
		if l.Kind == kind && l.Path == path {
			return true
		}
	}
	return false
}

// clean frees what builds that nobody works on left, says it first, and touches no application, no
// living build, and nothing that only looks like builder's own.
func TestClean(t *testing.T) {
	t.Parallel()
	hold, asked := make(chan struct{}), make(chan struct{}, 64)
	s := newSite(t, func(n int, _ agenttest.Request) agenttest.Turn {
		turn := honest()[min(n%2, 1)]
		if n%2 == 1 {
			asked <- struct{}{}
			turn.Fault = &agenttest.Fault{Pause: hold}
		}
		return turn
	})
	s.must(os.MkdirAll(s.path("victim"), 0o755))
	s.file("victim/precious.txt", "mine")
	s.must(os.MkdirAll(s.cache(), 0o700))
	s.must(os.Symlink(s.path("victim"), filepath.Join(s.cache(), "b-link")))
	s.must(os.MkdirAll(filepath.Join(s.cache(), "somebody"), 0o700))

	run := s.start(s.args("--build-id", "b-live")...) // held in its second call
	<-asked
	live := filepath.Join(s.cache(), "b-live")
	killed := s.start("build", "--plan", "plan.yaml", "-o", "dead", "--build-id", "b-dead", "--provider", "anthropic", "--base-url", s.srv.URL)
	// The next call is an even one, answered at once; the one after it is held.
	<-asked
	killed.kill(syscall.SIGKILL)
	killed.wait()
	dead := filepath.Join(s.cache(), "b-dead")
	half := s.path(".new.builder-new-0123456789ab")
	s.file(".new.builder-new-0123456789ab/x", "half a build")
	s.file(".new.builder-new-notours/x", "somebody's")

	var list struct {
		Builds []listedBuild `json:"builds"`
	}
	s.must(json.Unmarshal([]byte(s.wants(0, "list", "--json")), &list))
	states := map[string]string{}
	for _, b := range list.Builds {
		states[b.ID] = b.State
	}
	if states["b-live"] != "running" || states["b-dead"] != "interrupted" {
		t.Errorf("states %v", states)
	}

	app, apps := s.fingerprint("dead"), s.fingerprint("victim")
	c := s.clean()
	if c.Version != 1 || !c.has("scratch", dead) || !c.has("unfinished", half) || c.has("scratch", live) || len(c.Found) < 2 || c.Freed != 0 || c.Bytes < 10 {
		t.Errorf("found %+v", c)
	}
	has(t, s.wants(0, "clean", "--dry-run"), dead, "builder clean --yes")
	if _, err := os.Stat(dead); err != nil {
		t.Error("looking freed something")
	}
	c = s.clean("--yes", "--caches")
	if c.Freed == 0 || c.Freed != c.Bytes {
		t.Errorf("freed %+v", c)
	}
	for path, want := range map[string]bool{
		dead: false, half: false, live: true, filepath.Join(s.cache(), "b-link"): true, filepath.Join(s.cache(), "somebody"): true,
		s.path("victim/precious.txt"): true, s.path(".new.builder-new-notours"): true, filepath.Join(s.cache(), "toolchains", "gates"): true,
	} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s: is there: %v, want %v", path, err == nil, want)
		}
	}
	if s.fingerprint("dead") != app || s.fingerprint("victim") != apps {
		t.Error("an application was touched")
	}

	close(hold)
	run.end(0)
	s.wants(0, "resume", "dead")
	if st := s.status("dead"); st.State != phases.DoneState {
		t.Errorf("%+v", st)
	}
	if c := s.clean("--yes", "--caches"); !c.has("cache", filepath.Join(s.cache(), "toolchains", "gates")) {
		t.Errorf("freed %+v", c)
	}
	if left := s.clean("--caches"); len(left.Found) != 0 {
		t.Errorf("left %+v", left)
	}
	s.must(os.RemoveAll(s.path("dead")))
	has(t, s.wants(0, "list"), "b-dead", "(gone)")
	has(t, s.wants(2, "clean", "--yes", "--dry-run"), "E_USAGE")
}

// A build that ends leaves no folder for scratch trees.
func TestEndLeavesNoScratch(t *testing.T) {
	t.Parallel()
	s := newSite(t, script(honest()...))
	s.wants(0, s.args("--build-id", "b-tidy")...)
	if _, err := os.Lstat(filepath.Join(s.cache(), "b-tidy")); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}
