package phases

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// talkative answers as scripted, in so many words that the second question does not fit the window.
func talkative(asked *counter) func(agent.Request) (agent.Message, error) {
	return func(req agent.Request) (agent.Message, error) {
		if req.Schema != nil {
			return scripted(req)
		}
		if last := req.Messages[len(req.Messages)-1].Words(); strings.Contains(last, "near the end of the model's window") {
			asked.add("sum")
			return agent.Say(agent.Assistant, "the first try was bad"), nil
		}
		if strings.Contains(req.Messages[0].Words(), "<progress>\nthe first try was bad") {
			req.Messages = append(req.Messages, agent.Message{}) // as far on as scripted counts
		}
		m, err := scripted(req)
		m.Blocks = append([]agent.Block{{Kind: agent.TextBlock, Text: strings.Repeat("well ", 800)}}, m.Blocks...)
		return m, err
	}
}

// Laws L1, L2 over compaction: it is a call like any other, answered from the journal after a crash
// at any append, and the conversation after it is recognised.
func TestCrashAroundCompaction(t *testing.T) {
	t.Parallel()
	start := func(window int64, asked *counter) *world {
		w := newWorld(t)
		w.set.Window, w.answer = window, talkative(asked)
		return w
	}
	window := int64(2000) // grows until both tasks fit, each after one compaction; prompts decide how much that is
	var whole *world
	for asked := (&counter{}); asked.n["sum"] != 2 || len(whole.repo.commits) != 2; window += 200 {
		asked.n = nil
		whole = start(window+200, asked)
		if _, err := whole.run(t, budget.Caps{USD: budget.Dollar}); err != nil || window > 20_000 {
			t.Fatalf("no window compacts each task once: %v", err)
		}
	}
	for n := 0; ; n++ {
		w := start(window, &counter{})
		real := w.journal
		w.journal = &dyingJournal{Journal: real, left: n}
		_, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err == nil {
			return
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("crash %d: got %v", n, err)
		}
		w.journal = real
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState || w.repo.folder.ID() != whole.repo.folder.ID() || s.Task("one.a").Attempts != 1 {
			t.Fatalf("crash %d: resume: %v, %s, %+v", n, err, s.Run, s.Task("one.a"))
		}
		for hash, sends := range w.sent.n {
			if sends > 2 || sends > 1 && len(s.Guard.Lost) == 0 {
				t.Fatalf("crash %d: %s was sent %d times", n, hash, sends)
			}
		}
		refold(t, real, s)
	}
}

// Another conversation under the same op is another question, also when it is shorter than before.
func TestHashOfAConversationThatBeginsAnew(t *testing.T) {
	t.Parallel()
	ask := func(texts ...string) agent.Request {
		var req agent.Request
		for _, text := range texts {
			req.Messages = append(req.Messages, agent.Say(agent.User, text))
		}
		return req
	}
	seen := map[string]bool{}
	var running transcript
	for _, req := range []agent.Request{ask("a"), ask("a", "b", "c"), ask("a and so on"), ask("a"), ask("a", "b")} {
		sum, err := running.add(req)
		if err != nil || seen[sum] {
			t.Errorf("%d messages: %v, known hash %v", len(req.Messages), err, seen[sum])
		}
		seen[sum] = true
	}
}
