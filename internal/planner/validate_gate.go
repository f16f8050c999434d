package planner

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var testsShape = lazy(`^>=[1-9][0-9]{0,5}$`)

// setup checks the setup steps.
func (v *validator) setup() {
	for i, s := range v.plan.Setup {
		where := fmt.Sprintf("setup[%d]", i)
		v.argv("E_PLAN_SETUP", where, "run", s.Run)
		v.network("E_PLAN_SETUP", where, s.Network)
		v.timeout("E_PLAN_SETUP", where, s.Timeout)
		v.claims(where+" inputs", s.Inputs)
	}
}

// allGates checks every gate by its kind.
func (v *validator) allGates() {
	for i, g := range v.plan.Gates {
		if _, ok := v.gates[g.ID]; !ok {
			v.gates[g.ID] = g
		}
		where := fmt.Sprintf("gates[%d] %s", i, shown(string(g.ID)))
		v.network("E_PLAN_GATE", where, g.Network)
		v.timeout("E_PLAN_GATE", where, g.Timeout)
		if g.Dir != "" {
			v.claims(where+" dir", []string{g.Dir})
		}
		for _, r := range g.Proves {
			if !v.known[r] {
				v.add("E_PLAN_UNKNOWN_REQUIREMENT", where, "proves "+shown(string(r))+", which is not in the plan", Nearest(string(r), keys(v.known)))
			}
		}
		for _, f := range g.Frozen {
			v.claims(where+" frozen", []string{f.Path})
		}
		v.kind(where, g)
		v.strayFields(where, g)
		if why := Vacuous(g); why != "" {
			v.add("E_VERIFY_VACUOUS", where, why, "name a check that fails while the work is not done")
		}
	}
}

// kind checks the fields that a gate of its kind needs.
func (v *validator) kind(where string, g Gate) {
	switch g.Kind {
	case GateCommand:
		v.argv("E_PLAN_GATE", where, "run", g.Run)
		if g.Expect.Exit < 0 || g.Expect.Exit > 255 {
			v.add("E_PLAN_GATE", where, fmt.Sprintf("expects exit code %d", g.Expect.Exit), "exit codes go from 0 to 255")
		}
		if g.Expect.Tests != "" && !testsShape().MatchString(g.Expect.Tests) {
			v.add("E_PLAN_GATE", where, fmt.Sprintf("expects %.40q tests", g.Expect.Tests), `write ">=1" or more`)
		}
	case GateHTTP:
		v.http(where, g)
	case GateTranscript:
		if _, err := ParseSession(g.Session); err != nil {
			v.add("E_PLAN_GATE", where, err.Error(), `write "$ command" with the expected output below it`)
		}
	case GateFile:
		v.files(where, g)
	case GateReview:
	default:
		v.add("E_PLAN_GATE", where, fmt.Sprintf("kind %.40q is not known", string(g.Kind)), "use command, transcript, http, file or review")
	}
}

// http checks a gate that talks to a server.
func (v *validator) http(where string, g Gate) {
	v.argv("E_PLAN_GATE", where, "start", g.Start)
	if len(g.Start) > 0 && !strings.Contains(strings.Join(g.Start, " "), "{port}") {
		v.add("E_PLAN_GATE", where, "start does not say where the port goes", `write it as "127.0.0.1:{port}"`)
	}
	if g.Ready != "" && !strings.HasPrefix(g.Ready, "/") {
		v.add("E_PLAN_GATE", where, fmt.Sprintf("ready %.60q is not a path", g.Ready), "write a path such as /healthz")
	}
	if len(g.Steps) == 0 {
		v.add("E_PLAN_GATE", where, "has no steps", "write steps such as: GET /tools -> 200")
	}
	for i, line := range g.Steps {
		if _, err := ParseStep(line); err != nil {
			v.add("E_PLAN_GATE", fmt.Sprintf("%s steps[%d]", where, i), err.Error(), `write steps such as: POST /tools {"name":"Drill"} -> 201 {"id":"$tool"}`)
		}
	}
}

// files checks a gate that looks at files.
func (v *validator) files(where string, g Gate) {
	if len(g.Files) == 0 {
		v.add("E_PLAN_GATE", where, "looks at no files", "name a path and what it must contain")
	}
	for _, f := range g.Files {
		v.claims(where+" files", []string{f.Path})
		if f.Absent && (len(f.Contains) > 0 || f.Matches != "" || f.SHA256 != "") {
			v.add("E_PLAN_GATE", where, fmt.Sprintf("%.80q is to be absent and to have content", f.Path), "ask for one of both")
		}
		if _, err := regexp.Compile(f.Matches); err != nil {
			v.add("E_PLAN_GATE", where, fmt.Sprintf("matches is no expression: %v", err), "use RE2 syntax")
		}
		if sum, err := hex.DecodeString(f.SHA256); f.SHA256 != "" && (err != nil || len(sum) != 32) {
			v.add("E_PLAN_GATE", where, "sha256 is not a SHA-256 in hex", "give 64 hex digits")
		}
	}
}

// strayFields refuses fields that a gate's kind does not read: what they ask would not be checked.
func (v *validator) strayFields(where string, g Gate) {
	for _, f := range []struct {
		name string
		set  bool
		of   GateKind
	}{
		{"run", len(g.Run) > 0, GateCommand},
		{"expect", g.Expect != Expect{}, GateCommand},
		{"start", len(g.Start) > 0, GateHTTP},
		{"ready", g.Ready != "", GateHTTP},
		{"steps", len(g.Steps) > 0, GateHTTP},
		{"session", g.Session != "", GateTranscript},
		{"files", len(g.Files) > 0, GateFile},
	} {
		if f.set && g.Kind != f.of {
			v.add("E_PLAN_GATE", where, fmt.Sprintf("%s belongs to gates of kind %s", f.name, f.of), "delete it, or change the kind")
		}
	}
}

// argv checks a command.
func (v *validator) argv(code, where, field string, argv []string) {
	switch {
	case len(argv) == 0 || strings.TrimSpace(argv[0]) == "":
		v.add(code, where, field+" names no program", "write it as a list: [go, test, ./...]")
	case len(argv) == 1 && strings.ContainsAny(argv[0], " \t"):
		v.add(code, where, fmt.Sprintf("%s %.60q is a line, not a list of words", field, argv[0]), "write it as a list: [go, test, ./...]")
	case strings.ContainsRune(strings.Join(argv, ""), 0):
		v.add(code, where, field+" holds a NUL", "delete it")
	}
	if len(argv) > 0 && strings.Contains(argv[0], "/") && !strings.ContainsAny(argv[0], " \t") && checkTreePath(argv[0]) != nil {
		v.add("E_PATH_ESCAPE", where, fmt.Sprintf("%s starts %.80q, outside the tree", field, argv[0]), "name a program by its bare name, or by a path below the tree")
	}
}

func (v *validator) network(code, where string, n Network) {
	if n != "" && n != NetworkOff && n != NetworkRegistries {
		v.add(code, where, fmt.Sprintf("network %.40q is not known", string(n)), "use off or registries")
	}
}

func (v *validator) timeout(code, where string, d time.Duration) {
	if d < 0 || d > maxTimeout {
		v.add(code, where, fmt.Sprintf("timeout %v is not from 0 to %v", d, maxTimeout), "leave it out for the default")
	}
}
