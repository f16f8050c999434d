package claudecode

import (
	"context"
	"iter"
)

// Query runs one prompt in a process of its own and yields its messages. The CLI's stdin stays open until the result that
// ends the run, so that callbacks and in-process tools work: one that comes while a subagent still works in the background
// does not. A result that is an error is a message; the error after it, where the CLI exits for it, is a [*ResultError].
func Query(ctx context.Context, prompt string, o Options) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		s, err := Start(ctx, o)
		if err != nil {
			yield(nil, err)
			return
		}
		more := s.relay(ctx, prompt, yield)
		if err := s.Close(); err != nil && more {
			yield(nil, err)
		}
	}
}

// relay sends the prompt and yields what comes. It is false when nobody wants more, or an error was yielded.
func (s *Session) relay(ctx context.Context, prompt string, yield func(Message, error) bool) bool {
	if err := s.Send(ctx, prompt); err != nil {
		yield(nil, err)
		return false
	}
	for m, err := range s.Messages() {
		if !yield(m, err) || err != nil {
			return false
		}
		if _, result := m.(*Result); result && s.turn.drained() {
			s.EndInput()
		}
	}
	return true
}
