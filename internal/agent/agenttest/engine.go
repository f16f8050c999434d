package agenttest

import (
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Program is what [RunEngine] needs of an engine whose agent is a program of its own.
type Program struct {
	// New makes the engine of a job. It MUST make no call of its own again after a failure, so that each is seen at once.
	New func(job agent.Job, way agent.Way) agent.Engine
	// Write and Run are calls of the program's own tools; Own is a call of a tool of the foreman's.
	Write func(path, content string) agent.ToolCall
	Run   func(command string) agent.ToolCall
	Own   func(name string, input any) agent.ToolCall
	// Told is what the engine told people so far.
	Told func() []string
	// Kept says whether a text is in the program's own record of its session; a program that is killed before may forget it.
	Kept func(text string) bool
}

// Keeps waits until a text is kept. A program may write its record a moment after it acts.
func (p Program) Keeps(t *testing.T, text string) {
	t.Helper()
	give := time.NewTimer(patience)
	defer give.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !p.Kept(text) {
		select {
		case <-give.C:
			t.Errorf("%q is not kept", text)
			return
		case <-t.Context().Done():
			return
		case <-look.C:
		}
	}
}

// Canary names a variable that [RunEngine] sets in this process; its value must come up nowhere.
const Canary = "BUILDER_TEST_CANARY"

const canaryValue = "canary-7f3d2a91"

// RunEngine is the promise of engines that are programs of their own, in executable form:
//
//   - finish, and nothing else, leads to Verify, and Verify alone to Accepted; after that no call is made;
//   - what Verify says against the work is told, and the work goes on; the same words three times are Stuck;
//   - who stops without finish, or makes the same call over and over, is told so, and is Stuck in the end;
//   - blocked ends the attempt, a question waits for its answer, notes are kept, and a person's are told;
//   - one call of the foreman is made at a time;
//   - the end of the context ends the program and all that it started, and is the error of Run;
//   - a program that is killed goes on in the same session, and so does the next process that is told that it began;
//   - all calls go by the way; when that is closed, its reason is the error of Run;
//   - failures of the provider are *[agent.Failure] of the right class;
//   - nothing of this process's environment reaches the program, its tools or the model.
func RunEngine(t *testing.T, prepare func(t *testing.T) Program) {
	t.Helper()
	t.Setenv(Canary, canaryValue)
	for name, test := range map[string]func(*site){
		"finish":   (*site).finishes,
		"refused":  (*site).isRefused,
		"circles":  (*site).goesInCircles,
		"repeats":  (*site).repeatsItself,
		"quiet":    (*site).stopsWithoutFinish,
		"blocked":  (*site).isBlocked,
		"asked":    (*site).asks,
		"answered": (*site).isAnswered,
		"notes":    (*site).takesNotes,
		"refusal":  (*site).modelRefuses,
		"cut":      (*site).isCutOff,
		"cancel":   (*site).isCancelled,
		"killed":   (*site).isKilled,
		"resumed":  (*site).goesOn,
		"stopped":  (*site).wayIsClosed,
		"secrets":  (*site).keepsSecrets,
		"failures": (*site).providerFails,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(newSite(t, prepare(t))) })
	}
}

// patience is how long anything may take before the test gives up.
const patience = 2 * time.Minute
