package claudecode

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
)

// writer writes lines to the CLI, one after the other. A sender may give up; its line is then written whole or not at all.
type writer struct {
	w     io.WriteCloser
	trace func(Direction, []byte)
	turn  chan struct{} // holds one token: whoever has it writes

	once   sync.Once
	closed chan struct{}
}

func newWriter(w io.WriteCloser, trace func(Direction, []byte)) *writer {
	out := &writer{w: w, trace: trace, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	out.turn <- struct{}{}
	return out
}

// send writes v as one line. It calls begun, where that is not nil, once the line will be written.
func (w *writer) send(ctx context.Context, v any, begun func()) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	select {
	case <-w.closed:
		return ErrClosed
	default:
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-w.turn:
	case <-w.closed:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if begun != nil {
		begun()
	}
	written := make(chan error, 1)
	go func() {
		if w.trace != nil {
			w.trace(Sent, line[:len(line)-1])
		}
		_, err := w.w.Write(line)
		w.turn <- struct{}{}
		written <- err
	}()
	select {
	case err = <-written:
	case <-ctx.Done(): // what is begun is written to its end by the goroutine, or ended by close
		return context.Cause(ctx)
	}
	if err != nil {
		return errors.Join(ErrClosed, err)
	}
	return nil
}

// close closes the pipe, which also ends a write that waits in it.
func (w *writer) close() {
	w.once.Do(func() {
		close(w.closed)
		w.w.Close()
	})
}

// sortedPairs lists an environment.
func sortedPairs(env map[string]string) []string {
	pairs := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		pairs = append(pairs, name+"="+env[name])
	}
	return pairs
}
