package claudecode

import (
	"context"
	"iter"
)

// Query runs one prompt in a process of its own and yields its messages. The CLI's stdin stays open until the result that
// ends the run, so that callbacks and in-process tools work: one that comes while a subagent still works in the background does not. A result
// that is an error is a message; the error after it, if the CLI exits for it, is a [*ResultError].
func Query(ctx context.Context, prompt string, o Options) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		s, err := Start(ctx, o)
		if err != nil {
			yield(nil, err)
			return
		}
		defer s.Close()
		if err := s.Send(ctx, prompt); err != nil {
			yield(nil, err)
			return
		}
		ended := false
		for m, err := range s.Messages() {
			if !yield(m, err) || err != nil {
				return
			}
			if _, result := m.(*Result); result && !ended && s.turn.drained() {
				ended = true
				s.EndInput()
			}
		}
	}
}
