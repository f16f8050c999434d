package claudecode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"
)

// Session is one process of the CLI. Its methods may be called from several goroutines; each message goes to one of those
// that take messages.
type Session struct {
	opts  Options
	proc  Process
	queue *queue
	out   *writer
	host  *host
	calls *calls
	err   *tail // stderr
	turn  turnState

	watch    *watch
	ready    json.RawMessage // the answer to initialize
	stopping chan struct{}   // closed when the end is wanted
	stopOnce sync.Once
	endHost  context.CancelCauseFunc
	exited   chan struct{} // closed when the process has ended; exit is then set
	exit     Exit
	done     chan struct{} // closed when all is over; final is then set
	final    error         // nil for a good end

	mu    sync.Mutex
	cause error // the first thing that went wrong on this side
}

// Start starts the CLI and returns when it has answered initialize. The session ends with ctx: then it is stopped as by
// [Session.Close], and its messages end with the context's cause.
//
// Errors are [*OptionError], [*NotFoundError], [*StartError], [*TimeoutError], [*ExitError], [*ResultError] (as for
// a session to resume that is not there), [*ControlError], and the context's cause.
func Start(ctx context.Context, o Options) (*Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	argv, err := o.argv()
	if err != nil {
		return nil, err
	}
	path := o.CLI
	if o.Launch == nil {
		if path, err = Find(o.CLI); err != nil {
			return nil, err
		}
		o.Launch = Launch
	} else if path == "" {
		path = "claude"
	}
	proc, err := o.Launch(ctx, Command{Path: path, Args: argv, Dir: o.Dir, Env: o.environ()})
	if err != nil {
		return nil, err
	}
	s := newSession(ctx, o, proc)
	body := o.initialize(s.host.matchers())
	s.ready, err = s.request(ctx, "initialize", body, o.startTimeout())
	if err != nil {
		s.fail(err)
		return nil, errors.Join(s.Close(), s.startError(err))
	}
	return s, nil
}

// startError is the best that is known about a start that failed: how the process ended, if it ended by itself.
func (s *Session) startError(err error) error {
	switch final := s.Err(); {
	case final != nil:
		return final
	case errors.Is(err, ErrClosed):
		return &ExitError{Exit: s.exit, Stderr: s.err.String(), Cause: ErrNoResult}
	}
	return err
}

// newSession runs everything around a process. All of it has ended when done is closed.
func newSession(ctx context.Context, o Options, proc Process) *Session {
	s := &Session{
		opts: o, proc: proc,
		queue:    newQueue(orInt(o.MaxQueue, defaultMaxLine)),
		calls:    newCalls(),
		err:      &tail{max: orInt(o.MaxStderr, 64<<10), each: o.Stderr},
		stopping: make(chan struct{}), exited: make(chan struct{}), done: make(chan struct{}),
	}
	s.turn.id.Store(firstOf(o.SessionID, o.Resume))
	s.watch = newWatch(o.Silence, o.OnSilence, &s.turn)
	s.turn.begun = s.watch.touch
	s.out = newWriter(proc.Stdin(), o.Trace)
	hostCtx, endHost := context.WithCancelCause(ctx)
	s.endHost = endHost
	s.host = newHost(hostCtx, &s.opts, s.out, s.watch)
	unhook := context.AfterFunc(ctx, func() { s.fail(context.Cause(ctx)) })

	readers := make(chan struct{})
	go func() {
		defer close(readers)
		var wg sync.WaitGroup
		wg.Go(s.readLines)
		wg.Go(func() { s.err.read(proc.Stderr()) })
		wg.Wait()
	}()
	go func() {
		s.exit = proc.Wait()
		close(s.exited)
		s.stop(false)
		s.awaitReaders(readers)
		unhook()
		s.finish()
	}()
	return s
}

// awaitReaders waits for what the CLI has printed, but not for those who may still hold its stdout.
func (s *Session) awaitReaders(readers <-chan struct{}) {
	t := time.NewTimer(s.opts.grace())
	defer t.Stop()
	select {
	case <-readers:
	case <-t.C:
	}
	s.proc.Stdout().Close()
	s.proc.Stderr().Close()
	<-readers
}

// finish tells everybody that it is over.
func (s *Session) finish() {
	s.host.wait(s.opts.grace())
	s.watch.close()
	s.final = s.verdict()
	s.calls.end(s.final)
	s.queue.end(s.final)
	close(s.done)
}

// ID is the session's id: the one that was chosen, else the one the CLI told; "" until it does.
func (s *Session) ID() string {
	id, _ := s.turn.id.Load().(string)
	return id
}

// ServerInfo is what the CLI answered to initialize: commands, models, account, and more.
func (s *Session) ServerInfo() json.RawMessage { return s.ready }

// LastLine is when the CLI printed its last line, or when it was started.
func (s *Session) LastLine() time.Time { return s.watch.lastLine() }

// Stderr is the end of what the CLI wrote there.
func (s *Session) Stderr() string { return s.err.String() }

// Done is closed when the process has ended and everything of the session with it.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err is why the session ended: nil while it has not, and after a good end.
func (s *Session) Err() error {
	select {
	case <-s.done:
		return s.final
	default:
		return nil
	}
}

// Input is a message to the model.
type Input struct {
	Content []Block
	UUID    string // chosen by the sender, and told again where messages are replayed; "" is fine
	// ParentToolUseID and SessionID are seldom of use.
	ParentToolUseID string
	SessionID       string
}

// Send sends text as a message to the model and returns when the CLI's pipe has taken it. What is sent during a turn may
// be put into that turn, or begin one of its own.
func (s *Session) Send(ctx context.Context, text string) error {
	return s.SendInput(ctx, Input{Content: []Block{TextBlock(text)}})
}

// SendInput sends a message of blocks.
func (s *Session) SendInput(ctx context.Context, in Input) error {
	line := map[string]any{
		"type":               "user",
		"message":            map[string]any{"role": "user", "content": in.Content},
		"parent_tool_use_id": orNil(in.ParentToolUseID),
		"session_id":         firstOf(in.SessionID, s.ID(), "default"),
	}
	if in.UUID != "" {
		line["uuid"] = in.UUID
	}
	if err := s.out.send(ctx, line, s.turn.sent); err != nil {
		return fmt.Errorf("send message: %w", s.closedError(err))
	}
	return nil
}

// EndInput closes the CLI's stdin: it ends the turn that runs, and then itself. Callbacks can no longer be answered.
func (s *Session) EndInput() { s.out.close() }

// closedError is why the session ended, in place of an error of a pipe.
func (s *Session) closedError(err error) error {
	if errors.Is(err, ErrClosed) {
		if final := s.Err(); final != nil {
			return final
		}
	}
	return err
}

// Messages yields all messages until the session ends. It ends quietly after a good end; otherwise its last
// value is an error.
func (s *Session) Messages() iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err, _ := s.queue.take(nil)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// Receive yields the messages up to and with the next [Result]. When the session ends before, or ctx does, its last value
// is an error. A caller that stops earlier can go on with another Receive.
func (s *Session) Receive(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err, ok := s.queue.take(ctx.Done())
			switch {
			case !ok:
				yield(nil, context.Cause(ctx))
				return
			case errors.Is(err, io.EOF):
				yield(nil, ErrClosed)
				return
			}
			if !yield(m, err) || err != nil {
				return
			}
			if _, end := m.(*Result); end {
				return
			}
		}
	}
}

// Ask sends text and waits for the result of the turn. A turn that does not end well is the result and a
// [*ResultError]; see [Result.Err].
func (s *Session) Ask(ctx context.Context, text string) (*Result, error) {
	if err := s.Send(ctx, text); err != nil {
		return nil, err
	}
	for m, err := range s.Receive(ctx) {
		if err != nil {
			return nil, err
		}
		if r, ok := m.(*Result); ok {
			return r, r.Err()
		}
	}
	return nil, ErrClosed
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orInt(n, or int) int {
	if n > 0 {
		return n
	}
	return or
}
