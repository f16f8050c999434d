package claudecode

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
)

// listen takes messages up to the result of a turn. A turn that the CLI began by itself is none of ours.
func (a *attempt) listen(ctx context.Context, s *cli.Session) (*cli.Result, error) {
	for {
		var result *cli.Result
		for m, err := range s.Receive(ctx) {
			if err != nil {
				return nil, err
			}
			if err := a.note(m); err != nil {
				return nil, err
			}
			result, _ = m.(*cli.Result)
		}
		if result.Origin == nil || result.Origin.Kind != "task-notification" {
			return result, nil
		}
	}
}

// note looks at a message: at what the way says by now, the model, and the number of turns.
func (a *attempt) note(m cli.Message) error {
	if stopped := a.way.Stopped(); stopped != nil {
		return stopped
	}
	if err := a.goesInCircles(m); err != nil {
		return err
	}
	switch m := m.(type) {
	case *cli.Init:
		return a.answeredBy(m.Model)
	case *cli.Assistant:
		if m.Synthetic() || m.ParentToolUseID != "" {
			return nil
		}
		if m.Message.ID != "" && !a.answers[m.Message.ID] {
			a.answers[m.Message.ID] = true
			a.turns++
		}
		if a.turns > a.mostTurns() {
			return a.tooMany()
		}
		if err := a.answeredBy(m.Message.Model); err != nil {
			return err
		}
		a.saw(m)
	case *cli.ModelFallback:
		return a.answeredBy(m.FallbackModel)
	case *cli.RateLimit:
		a.tellQuota(m.Info)
	case *cli.APIRetry:
		a.tell(fmt.Sprintf("a call failed (status %d, %s) and is made again in %s", m.ErrorStatus, m.Error, time.Duration(m.RetryDelayMillis*float64(time.Millisecond)).Round(time.Second)))
	}
	return nil
}

// dated is how names of models end that name a day.
var dated = regexp.MustCompile(`-(20\d{6}|latest)$`)

// sameModel says whether two names are of one model: one may name a day or the provider, or a wider window.
func sameModel(asked, got string) bool {
	plain := func(name string) string {
		name = strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], "[1m]")
		return dated.ReplaceAllString(name, "")
	}
	return plain(asked) == plain(got)
}

// answeredBy ends the attempt when another model than asked for is at work.
func (a *attempt) answeredBy(model string) error {
	if model == "" || sameModel(a.task.Model, model) {
		return nil
	}
	reason := fmt.Sprintf("claude code put the model %s in the place of %s", model, a.task.Model)
	a.tell(reason)
	a.settle(agent.Result{Outcome: agent.Declined, Reason: reason}, nil)
	return errEnded
}

// after decides what follows a turn: what is said next, or why nothing is.
func (a *attempt) after(r *cli.Result) (say string, err error) {
	a.mu.Lock()
	finished := a.finished
	a.finished = false
	a.mu.Unlock()
	err = r.Err()
	if err == nil && strings.TrimSpace(r.Text) == "" {
		err = &cli.ResultError{Result: r, Kind: cli.ErrTruncated}
	}
	switch {
	case err == nil:
		a.cut = 0
		return a.unfinished(r, finished)
	case errors.Is(err, cli.ErrTruncated):
		return a.cutOff(r)
	case errors.Is(err, cli.ErrRefused):
		return "", a.end(agent.Result{Outcome: agent.Declined, Reason: "the model refused to go on", Evidence: clip(r.Text, 2000)})
	case errors.Is(err, cli.ErrMaxTurns):
		return "", a.tooMany()
	case errors.Is(err, cli.ErrInterrupted):
		// Somebody else stopped the turn; the process may be on its way out.
		return "", &cli.ExitError{Cause: err, Exit: cli.Exit{Code: 1}}
	}
	return "", a.failure(err)
}

// tooMany ends an attempt that has used its turns.
func (a *attempt) tooMany() error {
	return a.end(agent.Result{Outcome: agent.Stuck, Reason: fmt.Sprintf("%d turns were used without passing the gates", a.mostTurns())})
}

// end settles, and ends the process.
func (a *attempt) end(r agent.Result) error {
	a.settle(r, nil)
	return errEnded
}

// unfinished reminds an agent that ended its turn without finish.
func (a *attempt) unfinished(r *cli.Result, finished bool) (string, error) {
	if finished {
		a.quiet = 0
	}
	if a.quiet++; a.quiet >= mostQuiet {
		return "", a.end(agent.Result{Outcome: agent.Stuck, Reason: fmt.Sprintf("%d turns in a row ended without finish", a.quiet), Evidence: clip(r.Text, 2000)})
	}
	return words("reminder"), nil
}

// cutOff goes on with an answer that was cut off.
func (a *attempt) cutOff(r *cli.Result) (string, error) {
	if a.cut++; a.cut < mostCut {
		return words("cut"), nil
	}
	if r.StopReason == "" {
		return "", a.truncated()
	}
	return "", a.end(agent.Result{Outcome: agent.Stuck, Reason: fmt.Sprintf("%d answers in a row were cut off (%s)", a.cut, r.StopReason)})
}

// clip is s, or its beginning.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return fmt.Sprintf("%s… (%d bytes more)", s[:most], len(s)-most)
}
