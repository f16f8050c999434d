package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// twoPhases puts the second task into a phase of its own.
func twoPhases(p *planner.Plan) {
	twoTasks(p)
	tasks := p.Phases[0].Tasks
	tasks[1].ID = "more.bye"
	p.Phases = []planner.Phase{{ID: "main", Tasks: tasks[:1:1]}, {ID: "more", Tasks: tasks[1:]}}
}

// rescueSite is a build of two phases, a task and two calls each. With pause the key is refused at the
// last call, until mend.
type rescueSite struct {
	*site
	mended chan struct{}
}

func newRescueSite(t *testing.T, pause bool) *rescueSite {
	t.Helper()
	r := &rescueSite{mended: make(chan struct{})}
	r.site = newSite(t, func(n int, req agenttest.Request) agenttest.Turn {
		second := strings.Contains(req.Said(), "Write bye.txt.")
		switch {
		case len(req.Wire.Messages) > 1 && second && pause && !r.isMended():
			return agenttest.Fail(401, "authentication_error", "invalid x-api-key")
		case len(req.Wire.Messages) > 1:
			return agenttest.Use(agenttest.Finish("wrote it"))
		case second:
			return agenttest.Use(agenttest.Write("bye.txt", "bye\n"))
		}
		return agenttest.Use(agenttest.Write("hello.txt", "hello\n"))
	}, twoPhases)
	code := 0
	if pause {
		code = 75
	}
	r.wants(code, r.args("--build-id", "b-hurt", "--no-sandbox")...)
	return r
}

func (r *rescueSite) isMended() bool {
	select {
	case <-r.mended:
		return true
	default:
		return false
	}
}

func (r *rescueSite) in(name string) string { return r.path("app/.builder/builds/b-hurt/" + name) }

// hurtJournal makes noise of all that the journal's metadata does not cover.
func (r *rescueSite) hurtJournal() {
	raw, err := os.ReadFile(r.journal("app"))
	r.must(err)
	for i := 2 * os.Getpagesize(); i < len(raw); i++ {
		raw[i] ^= 0x5a
	}
	r.must(os.WriteFile(r.journal("app"), raw, 0o600))
}

// finishWithOldBackup ends the paused build, and leaves only the backup that it had then.
func (r *rescueSite) finishWithOldBackup() {
	old := r.path("old")
	r.must(os.CopyFS(old, os.DirFS(r.in("backup"))))
	close(r.mended)
	r.wants(0, "resume", "app", "--no-sandbox")
	r.must(os.RemoveAll(r.in("backup")))
	r.must(os.CopyFS(r.in("backup"), os.DirFS(old)))
}

var typed = regexp.MustCompile(`builder (checkpoint [a-z]+( --backup)?) (\S+)`)

// way runs the command of a hint.
func (r *rescueSite) way(out string) string {
	r.t.Helper()
	_, hint, _ := strings.Cut(out, "\nhint: ")
	m := typed.FindStringSubmatch(hint)
	if m == nil {
		r.t.Fatalf("no command in the hint:\n%s", out)
	}
	return r.wants(0, append(strings.Fields(m[1]), m[3])...)
}

// Whatever is lost of a build, its command of the way back is told and typed, and the build goes on:
// nothing that is known anywhere is done or paid again, and the money is never less than what was told.
func TestRescue(t *testing.T) {
	t.Parallel()
	price := int64(300) // of a call of 100 tokens in and 10 out, in micro-dollars
	for name, c := range map[string]struct {
		pause    bool
		hurt     func(r *rescueSite)
		code     string   // of what is said first
		verb     string   // of the way back
		says     []string // by the way back
		calls    int64    // answered after it
		unknown  bool     // some of the money is known by its sum alone
		unproven bool     // a requirement is not proven any more
	}{
		"journal, in the middle of a task": {pause: true, hurt: (*rescueSite).hurtJournal, code: "E_CHECKPOINT_CORRUPT", verb: "restore --backup", says: []string{"from its backup"}, calls: 1},
		"journal gone":                     {pause: true, hurt: func(r *rescueSite) { r.must(os.Remove(r.journal("app"))) }, code: "E_CHECKPOINT_MISSING", verb: "restore --backup", calls: 1},
		"journal a folder": {pause: true, hurt: func(r *rescueSite) {
			r.must(os.Remove(r.journal("app")))
			r.must(os.Mkdir(r.journal("app"), 0o700))
		}, code: "E_CHECKPOINT_CORRUPT", verb: "restore --backup", calls: 1},
		"journal and events, done": {pause: true, hurt: func(r *rescueSite) {
			r.finishWithOldBackup()
			r.hurtJournal()
			r.must(os.Remove(r.in("events.ndjson")))
		}, code: "E_CHECKPOINT_CORRUPT", verb: "restore --backup", says: []string{"done by their commits: more.bye", "booked as unknown: $0.000600"}, unknown: true},
		"journal and a line of events": {pause: true, hurt: func(r *rescueSite) {
			r.hurtJournal()
			raw, err := os.ReadFile(r.in("events.ndjson"))
			r.must(err)
			at := bytes.LastIndex(raw, []byte(`"usage":{"input":100`))
			raw[at+len(`"usage":{"input":1`)] = '9'
			r.must(os.WriteFile(r.in("events.ndjson"), raw, 0o600))
		}, code: "E_CHECKPOINT_CORRUPT", verb: "restore --backup", calls: 2, unknown: true},
		"journal and backups, in the middle of a task": {pause: true, hurt: func(r *rescueSite) {
			r.hurtJournal()
			r.must(os.RemoveAll(r.in("backup")))
		}, code: "E_CHECKPOINT_CORRUPT", verb: "rebuild", says: []string{"from its events"}, calls: 1},
		"all but status and commits, in the middle of a task": {pause: true, hurt: func(r *rescueSite) {
			r.must(os.Remove(r.journal("app")))
			r.must(os.RemoveAll(r.in("backup")))
			r.must(os.Remove(r.in("events.ndjson")))
		}, code: "E_CHECKPOINT_MISSING", verb: "rebuild", says: []string{"from its status", "done by their commits: main.hello", "booked as unknown: $0.000900"}, calls: 2, unknown: true, unproven: true},
		"all but the list of builds and commits, done": {hurt: func(r *rescueSite) {
			for _, gone := range []string{"journal.db", "backup", "events.ndjson", "status.json"} {
				r.must(os.RemoveAll(r.in(gone)))
			}
		}, code: "E_CHECKPOINT_MISSING", verb: "rebuild", says: []string{"done by their commits: main.hello, more.bye", "booked as unknown: $0.001200"}, unknown: true, unproven: true},
		"the build's folder, done": {hurt: func(r *rescueSite) {
			r.must(os.RemoveAll(r.path("app/.builder/builds")))
		}, code: "E_CHECKPOINT_MISSING", verb: "rebuild", says: []string{"done by their commits: main.hello, more.bye", "booked as unknown: $0.001200"}, unknown: true, unproven: true},
		"blobs of the open task": {pause: true, hurt: (*rescueSite).loseAnswers, code: "E_BLOB_LOST", verb: "rebuild", says: []string{"from its journal", "begin anew: more.bye"}, calls: 2},
		"another build's journal": {pause: true, hurt: func(r *rescueSite) {
			r.wants(75, append(r.args("--build-id", "b-other", "--no-sandbox", "--max-cost", "0.000001"), "-o", "other")...)
			raw, err := os.ReadFile(r.path("other/.builder/builds/b-other/journal.db"))
			r.must(err)
			r.must(os.WriteFile(r.journal("app"), raw, 0o600))
		}, code: "E_CHECKPOINT_FOREIGN", verb: "restore --backup", calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRescueSite(t, c.pause)
			c.hurt(r)
			answered := int64(4)
			if !r.isMended() && c.pause {
				answered = 3
			}
			out, code := r.run("resume", "app", "--no-sandbox")
			if code != 74 || !strings.Contains(out, "builder: "+c.code+": ") || !strings.Contains(out, "builder checkpoint "+c.verb) {
				t.Fatalf("exit %d:\n%s", code, out)
			}
			has(t, r.way(out), append(c.says, "b-hurt is back", "go on with: builder resume")...)
			if !r.isMended() {
				close(r.mended)
			}
			before := len(r.srv.Requests())
			r.wants(0, "resume", "app", "--no-sandbox")
			if got := int64(len(r.srv.Requests()) - before); got != c.calls {
				t.Errorf("%d calls after it, want %d", got, c.calls)
			}
			r.verified()
			st := r.status("app")
			billed := (answered + c.calls) * price
			if sum := st.Budget.Spent + st.Budget.Unknown; sum < billed || !c.unknown && (sum != billed || st.Budget.Unknown != 0) {
				t.Errorf("billed %d, spent %d, unknown %d", billed, st.Budget.Spent, st.Budget.Unknown)
			}
			for _, q := range st.Requirements {
				if q.Proven == c.unproven {
					t.Errorf("%s proven: %t", q.ID, q.Proven)
				}
			}
			if n := r.git("app", "rev-list", "--count", "HEAD"); n != "2" {
				t.Errorf("%s commits, want 2", n)
			}
		})
	}
}

// loseAnswers removes the blobs of all answers.
func (r *rescueSite) loseAnswers() {
	raw, err := os.ReadFile(r.in("events.ndjson"))
	r.must(err)
	for _, m := range regexp.MustCompile(`"answer":"([0-9a-f]{64})"`).FindAllSubmatch(raw, -1) {
		r.loseBlob(string(m[1]))
	}
}

// The plan of a build that was given one is kept beside its blob from the first moment, and put back by
// a resume: it brings the blob back.
func TestRescueOfGivenPlan(t *testing.T) {
	t.Parallel()
	r := newRescueSite(t, true)
	kept, err := os.ReadFile(r.in("plan.yaml"))
	r.must(err)
	r.must(os.Remove(r.in("plan.yaml")))
	r.wants(75, "resume", "app", "--no-sandbox")
	raw, err := os.ReadFile(r.in("plan.yaml"))
	r.must(err)
	if string(raw) != string(kept) {
		t.Errorf("put back as\n%s\nwas\n%s", raw, kept)
	}
	r.losePlan()
	r.must(os.Rename(r.in("plan.yaml"), r.in("away")))
	has(t, r.wants(74, "checkpoint", "rebuild", "app"), "builder: E_BLOB_LOST: the build's plan is lost, and ", "plan.yaml is not there\n")
	r.must(os.WriteFile(r.in("plan.yaml"), []byte("version: 1\n"), 0o600))
	has(t, r.wants(74, "checkpoint", "rebuild", "app"), "plan.yaml is not it\n")
	r.must(os.Rename(r.in("away"), r.in("plan.yaml")))
	r.wants(0, "checkpoint", "rebuild", "app")
	r.wants(0, "checkpoint", "verify", "app")
	close(r.mended)
	r.wants(0, "resume", "app", "--no-sandbox")
	r.verified()

	r.must(os.Remove(r.in("plan.yaml")))
	has(t, r.wants(0, "resume", "app"), "done already")
	if !r.exists("app/.builder/builds/b-hurt/plan.yaml") {
		t.Error("a finished build has no plan.yaml again")
	}
	if out := r.wants(0, "resume", "app"); strings.Contains(out, "warning") {
		t.Errorf("nothing is lost, and it says:\n%s", out)
	}
	r.must(os.RemoveAll(r.path("app/.git")))
	has(t, r.wants(0, "resume", "app"), "done already", "warning: its commits went with ", "/app/.git")
}

// A rescue that was killed leaves a folder: the next one removes it, and so does a resume, while none is
// under way. One at a time brings a build back.
func TestRescueSweeps(t *testing.T) {
	t.Parallel()
	r := newRescueSite(t, true)
	r.file("app/.builder/builds/b-hurt/new-1/journal.db", "left by a kill")
	r.file("app/.builder/builds/b-hurt/new-mine/x", "mine")
	r.loseAnswers()
	held, err := folder{r.path("app")}.holdRescue()
	r.must(err)
	has(t, r.wants(2, "checkpoint", "rebuild", "app"), "builder: E_LOCKED: ")
	has(t, r.wants(2, "checkpoint", "restore", "--backup", "app"), "builder: E_LOCKED: ")
	if !r.exists("app/.builder/builds/b-hurt/new-1") {
		t.Error("one that is held is gone")
	}
	r.must(held.Close())
	r.wants(0, "checkpoint", "rebuild", "app")
	if r.exists("app/.builder/builds/b-hurt/new-1") {
		t.Error("rebuild leaves it")
	}
	r.file("app/.builder/builds/b-hurt/new-2/lock", "left by a kill")
	close(r.mended)
	r.wants(0, "resume", "app", "--no-sandbox")
	if r.exists("app/.builder/builds/b-hurt/new-2") || !r.exists("app/.builder/builds/b-hurt/new-mine/x") {
		t.Error("resume leaves it, or takes what is not ours")
	}
	r.verified()
}

// losePlan removes the blob of the plan.
func (r *rescueSite) losePlan() {
	raw, err := os.ReadFile(r.in("events.ndjson"))
	r.must(err)
	m := regexp.MustCompile(`"plan":"([0-9a-f]{64})"`).FindSubmatch(raw)
	if m == nil {
		r.t.Fatal("no plan was accepted")
	}
	r.loseBlob(string(m[1]))
}

// loseBlob removes a blob.
func (r *rescueSite) loseBlob(h string) {
	for _, suffix := range []string{"", ".zst"} {
		if err := os.Remove(r.path("app/.builder/blobs/" + h[:2] + "/" + h + suffix)); err != nil && !os.IsNotExist(err) {
			r.t.Fatal(err)
		}
	}
}

// A build of which nothing is lost is not rescued; nor one that another process works on; nor one of
// which nothing is left.
func TestNoRescue(t *testing.T) {
	t.Parallel()
	r := newRescueSite(t, true)
	before := r.fingerprint("app")
	has(t, r.wants(2, "checkpoint", "restore", "app"), "E_USAGE")
	has(t, r.wants(2, "checkpoint", "restore", "--backup", "app"), "E_CHECKPOINT_WHOLE", "builder resume")
	has(t, r.wants(2, "checkpoint", "rebuild", "app"), "E_CHECKPOINT_WHOLE", "builder resume")
	has(t, r.wants(2, "checkpoint", "rebuild", "app", "--spent", "lots"), "E_BUDGET_INVALID")
	has(t, r.wants(2, "checkpoint", "rebuild", "app", "--spent", "0.000001"), "E_BUDGET")
	if after := r.fingerprint("app"); after != before {
		t.Errorf("something changed:\n%s\nis now\n%s", before, after)
	}
	has(t, r.wants(0, "checkpoint", "rebuild", "app", "--spent", "0.5", "--json"), `"charged_microusd": 499100`)
	if st := r.status("app"); st.Budget.Spent+st.Budget.Unknown != 500_000 {
		t.Errorf("%+v", st.Budget)
	}
	r.newerSchema("app")
	for _, verb := range [][]string{{"restore", "--backup"}, {"rebuild"}} {
		has(t, r.wants(2, append(append([]string{"checkpoint"}, verb...), "app")...), "E_CHECKPOINT_NEWER")
	}
	r.must(os.Remove(r.journal("app")))
	r.must(os.RemoveAll(r.in("backup")))
	has(t, r.wants(74, "checkpoint", "restore", "--backup", "app"), "E_NO_BACKUP", "builder checkpoint rebuild")
	for _, gone := range []string{"app/.builder/builds/b-hurt/events.ndjson", "app/.builder/builds/b-hurt/status.json", "app/.builder/builds/b-hurt/damaged-1", "state"} {
		r.must(os.RemoveAll(r.path(gone)))
	}
	has(t, r.wants(74, "checkpoint", "rebuild", "app"), "E_CHECKPOINT_LOST", "hint: ")
	r.must(os.Remove(r.path("app/.builder/current")))
	has(t, r.wants(74, "resume", "app"), "E_CHECKPOINT_CORRUPT", "echo b-hurt > ")
}
