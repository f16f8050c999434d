package claudecode

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
)

var (
	errEnded  = errors.New("the attempt has ended")
	errSilent = errors.New("claude code says nothing")
)

// attempt is the state of one Run. Its fields are of the one goroutine that Run is in, but for those of the desk.
type attempt struct {
	*engine
	task   agent.Task
	folder string
	stop   context.CancelCauseFunc
	desk

	watch    watch
	known    bool // the CLI knows the session
	deaths   int
	silences int
	quiet    int             // turns in a row that ended without finish
	cut      int             // answers in a row that were cut off
	turns    int             // answers of the model
	answers  map[string]bool // their ids
	quota    string          // as it was told last
	resets   time.Duration   // until a quota that is used up is there again
}

// desk is what calls of tools share with Run.
type desk struct {
	turn chan struct{} // holds one while a call of the foreman runs

	mu       sync.Mutex
	settled  bool
	result   agent.Result
	cause    error
	gate     string                   // signature of the gates' last failure
	gates    int                      // how often in a row
	finished bool                     // finish was called in this turn
	notice   string                   // of the guard against circles, to be told
	noticed  int                      // how many turns the guard had seen when it was told
	shown    int                      // how many it has seen by now
	asked    map[string]chan struct{} // by call: closed when Run has seen it
}

// settle ends the attempt, once: with a result, or with the machine's failure. The process is ended for it.
func (a *attempt) settle(r agent.Result, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.settled {
		a.settled, a.result, a.cause = true, r, err
		a.stop(errEnded)
	}
}

// over says whether the attempt has ended.
func (a *attempt) over() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settled
}

// outcome is what settle was told.
func (a *attempt) outcome() (r agent.Result, settled bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r = a.result
	r.Turns = a.turns
	return r, a.settled, a.cause
}

// passing is how long a call of a tool may be ahead of the message that it stands in.
const passing = 2 * time.Second

// await returns when Run has seen the answer that a call stands in: its calls come by another path than its words, and what is
// to be said against it is said first. The CLI need not tell of which call it is.
func (a *attempt) await(ctx context.Context, call string) {
	if call == "" {
		return
	}
	patience := time.NewTimer(passing)
	defer patience.Stop()
	select {
	case <-a.seen(call):
	case <-patience.C:
	case <-ctx.Done():
	}
}

// seen is closed once Run has seen a call.
func (a *attempt) seen(call string) chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = map[string]chan struct{}{}
	}
	if a.asked[call] == nil {
		a.asked[call] = make(chan struct{})
	}
	return a.asked[call]
}

// saw notes the calls of an answer, once all that is to be said of it is said. Ids come again when a process dies at its call.
func (a *attempt) saw(m *cli.Assistant) {
	for _, b := range m.Message.Content {
		if b.Type != cli.BlockToolUse || b.ID == "" {
			continue
		}
		ch := a.seen(b.ID)
		select {
		case <-ch:
		default:
			close(ch)
		}
	}
}

func (a *attempt) tell(line string) { a.program.tell(a.task.ID, line) }

// first is the task as it was given.
func (a *attempt) first() string {
	texts := make([]string, 0, len(a.task.First.Blocks))
	for _, b := range a.task.First.Blocks {
		texts = append(texts, b.Text)
	}
	return strings.Join(texts, "\n\n")
}

// opening is what the first process is told: the task, or in a session that goes on what has happened.
func (a *attempt) opening() string {
	if a.known {
		return paragraphs(words("again"), said(a.job.Said))
	}
	return paragraphs(a.first(), said(a.job.Said))
}

// lost is what a process is told whose session is lost.
func (a *attempt) lost() string { return paragraphs(a.first(), words("lost"), said(a.job.Said)) }

// forgotten says whether the CLI does not know the session that was to be resumed.
func forgotten(err error) bool { return says(err, "No conversation found") }

// taken says whether the CLI has a session by the id already that a new one was to have.
func taken(err error) bool { return says(err, "is already in use") }

// says looks into all that a process said at its end.
func says(err error, text string) bool {
	var exit *cli.ExitError
	var failed *cli.ResultError
	if errors.As(err, &exit) && strings.Contains(exit.Stderr, text) {
		return true
	}
	return errors.As(err, &failed) && (strings.Contains(failed.Result.Text, text) || strings.Contains(strings.Join(failed.Result.Errors, "\n"), text))
}
