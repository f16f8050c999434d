package bug

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// A panic is an error with its place; the error that was there stays; no panic, no change.
func TestCatch(t *testing.T) {
	t.Parallel()
	for value, want := range map[any]string{"plain": "panic: plain", io.EOF: "panic: EOF"} {
		err := Guarded(func() error { panic(value) })()
		var b *Error
		if !errors.As(err, &b) || err.Error() != want || !strings.Contains(string(b.Stack), "TestCatch") {
			t.Errorf("%v: got %v", value, err)
		}
		if value == any(io.EOF) != errors.Is(err, io.EOF) {
			t.Errorf("%v: cause %v", value, err)
		}
	}
	if err := Guarded(func() error { return nil })(); err != nil {
		t.Error(err)
	}
	if err := Guarded(func() error { return io.EOF })(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// What one goroutine caught and another panics with again is the same bug.
func TestCatchAgain(t *testing.T) {
	t.Parallel()
	first := Guarded(func() error { panic("once") })()
	second := Guarded(func() error { panic(first) })()
	var a, b *Error
	if !errors.As(first, &a) || !errors.As(second, &b) || a != b {
		t.Errorf("got %v, then %v", first, second)
	}
}

func TestCatchKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	err := func() (err error) {
		defer Catch(&err)
		err = io.ErrShortWrite
		panic("more")
	}()
	var b *Error
	if !errors.Is(err, io.ErrShortWrite) || !errors.As(err, &b) {
		t.Errorf("got %v", err)
	}
}
