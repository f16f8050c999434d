package claudecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// readLines takes lines until stdout ends. A line that cannot be one of the protocol ends the session: it may have been
// a question that the CLI waits for an answer to.
func (s *Session) readLines() {
	lines := newLineReader(s.proc.Stdout(), orInt(s.opts.MaxLine, defaultMaxLine))
	for {
		line, whole, err := lines.next()
		if err != nil {
			if errors.Is(err, ErrLineTooLong) {
				s.fail(&ProtocolError{Line: line, Err: err})
				_, _ = io.Copy(io.Discard, s.proc.Stdout()) // so that it can end
			}
			// Any other error is the end of the pipe. Whoever closed it wants no more.
			s.stop(false)
			return
		}
		if s.opts.Trace != nil {
			s.opts.Trace(Received, line)
		}
		s.watch.touch()
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] != '{' {
			continue
		}
		if err := s.handle(line); err != nil && whole {
			s.fail(&ProtocolError{Line: line, Err: err})
		}
	}
}

// envelope is what tells control lines from messages.
type envelope struct {
	Type      string          `json:"type"`
	RequestID string          `json:"request_id"`
	Request   json.RawMessage `json:"request"`
	Response  struct {
		Subtype   string          `json:"subtype"`
		RequestID string          `json:"request_id"`
		Response  json.RawMessage `json:"response"`
		Error     json.RawMessage `json:"error"`
		ErrorCode string          `json:"error_code"`
	} `json:"response"`
}

// handle does with a line what it asks for.
func (s *Session) handle(line []byte) error {
	var e envelope
	if err := soft(json.Unmarshal(line, &e)); err != nil {
		return err
	}
	switch e.Type {
	case "control_request":
		s.host.serve(e.RequestID, e.Request)
		return nil
	case "control_cancel_request":
		s.host.cancel(e.RequestID)
		return nil
	case "control_response":
		s.calls.answer(e)
		return nil
	case "keep_alive":
		return nil
	}
	m, err := ParseMessage(line)
	if m == nil {
		m = &Unknown{Header{Raw: line, Misfit: err}}
	}
	s.turn.note(m)
	s.queue.put(m, len(line), s.stopping)
	return nil
}

// verdict is why the session ended, once everything is read.
func (s *Session) verdict() error {
	s.mu.Lock()
	cause := s.cause
	s.mu.Unlock()
	s.turn.mu.Lock()
	defer s.turn.mu.Unlock()
	exit := &ExitError{Exit: s.exit, Stderr: s.err.String()}
	if cause != nil {
		if errors.Is(cause, errAsked) {
			return nil
		}
		return cause
	}
	if last := s.turn.last; last != nil && last.Err() != nil && (s.exit.Code != 0 || s.turn.open()) {
		var failed *ResultError
		if errors.As(last.Err(), &failed) {
			failed.Exit = exit
			return failed
		}
	}
	if s.turn.open() {
		exit.Cause = ErrNoResult
	}
	if exit.Cause != nil || s.exit.Code != 0 {
		return exit
	}
	return nil
}
