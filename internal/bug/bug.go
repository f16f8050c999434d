// Package bug turns a panic into an error, so that a fault of builder's own ends a build like any
// other failure: what is durable stays, what is open is closed, one line is said, and the build can be
// resumed.
//
// A panic that nobody catches in a goroutine ends the process on the spot. So whoever starts one that
// does real work catches, and hands the error to its owner. Any room may know this package; it knows nobody.
package bug

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Error is a panic that was caught. Stack is for a log, never for a terminal.
type Error struct {
	Value any
	Stack []byte
}

// Error says what the panic said.
func (e *Error) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap gives the cause of a panic with an error.
func (e *Error) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Catch is deferred by whoever must not die; it puts a panic into err, beside what is there. A panic with
// one that was caught before, in another goroutine, keeps its place.
func Catch(err *error) {
	p := recover()
	if p == nil {
		return
	}
	var before *Error
	caught, ok := p.(error)
	if !ok || !errors.As(caught, &before) {
		caught = &Error{Value: p, Stack: debug.Stack()}
	}
	*err = errors.Join(caught, *err)
}

// Guarded is fn with its panics as errors, for groups of goroutines.
func Guarded(fn func() error) func() error {
	return func() (err error) {
		defer Catch(&err)
		return fn()
	}
}
