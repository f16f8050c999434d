package main

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// A spec is planned whole where the model reads it whole.
func TestPartsFollowTheWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		provider string
		window   int64
		want     int
	}{{"anthropic", 1_000_000, maxPartBytes}, {"anthropic", 32_000, 32_000}, {"anthropic", 1000, minPartBytes}, {"openai", 0, planner.DefaultPartBytes}, {providerOffline, 1000, maxSpecPrompt}} {
		var s settings
		s.Provider, s.price.Window = c.provider, c.window
		if got := s.partBytes(); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// A plan that cannot be built gets its code, its place and a hint, and exit 2; nothing is written
// and nothing is sent.
func TestBadPlan(t *testing.T) {
	t.Parallel()
	s := newSite(t, script(honest()...))
	task := func(p *planner.Plan) *planner.Task { return &p.Phases[0].Tasks[0] }
	for _, c := range []struct {
		name  string
		spoil func(p *planner.Plan)
		text  func(yaml string) string
		code  string
	}{
		{"syntax error", nil, func(y string) string { return y + "\n  : [" }, "E_PLAN_"},
		{"unknown key", nil, func(y string) string { return y + "\nfases: []\n" }, "E_PLAN_"},
		{"empty", nil, func(string) string { return "" }, "E_PLAN_"},
		{"cycle", func(p *planner.Plan) { twoTasks(p); task(p).Needs = []planner.TaskID{"main.bye"} }, nil, "E_PLAN_CYCLE"},
		{"unknown need", func(p *planner.Plan) { task(p).Needs = []planner.TaskID{"main.helo"} }, nil, "E_PLAN_UNKNOWN_DEP"},
		{"duplicate id", func(p *planner.Plan) { twoTasks(p); p.Phases[0].Tasks[1].ID = "main.hello" }, nil, "E_PLAN_DUP_ID"},
		{"uncovered", func(p *planner.Plan) { task(p).Covers = nil }, nil, "E_PLAN_UNCOVERED"},
		{"no gate", func(p *planner.Plan) { twoTasks(p); p.Phases[0].Tasks[1].Gates = nil }, nil, "E_PLAN_NO_GATE"},
		{"claim outside", func(p *planner.Plan) { task(p).Writes = []string{"../x"} }, nil, "E_PATH_ESCAPE"},
		{"stale spec", func(p *planner.Plan) { p.Spec.SHA256 = strings.Repeat("ab", 32) }, nil, "E_SPEC_CHANGED"},
		{"vacuous gate", func(p *planner.Plan) {
			p.Gates = append(p.Gates, planner.Gate{ID: "ok", Kind: planner.GateCommand, Run: []string{"true"}})
			task(p).Gates = append(task(p).Gates, "ok")
		}, nil, "E_VERIFY_VACUOUS"},
		{"no toolchain", func(p *planner.Plan) {
			p.Gates = append(p.Gates, planner.Gate{ID: "run", Kind: planner.GateCommand, Run: []string{"frobnicate-9", "all"}})
			task(p).Gates = append(task(p).Gates, "run")
		}, nil, "E_TOOLCHAIN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := s.plan()
			if c.spoil != nil {
				c.spoil(p)
			}
			s.usePlan(p)
			if c.text != nil {
				raw, err := os.ReadFile(s.path("plan.yaml"))
				s.must(err)
				s.file("plan.yaml", c.text(string(raw)))
			}
			out := s.wants(2, s.args()...)
			has(t, out, "builder: "+c.code, "\nhint: ")
			if s.exists("app") || s.exists("state/builder/builds") || len(s.srv.Requests()) != 0 {
				t.Error("something was written or sent")
			}
		})
	}
}
