package tools

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

func TestTrouble(t *testing.T) {
	t.Parallel()
	wrap := func(err error) error {
		return fmt.Errorf("x: %w", &fs.PathError{Op: "openat", Path: "/home/me/secret", Err: err})
	}
	for _, err := range []error{syscall.ENOSPC, syscall.EIO, syscall.EDQUOT, syscall.EROFS, syscall.EMFILE} {
		var f *Fault
		if got := trouble("write", "a", wrap(err)); errors.As(got, &f) || !errors.Is(got, err) {
			t.Errorf("%v is the machine's, got %v", err, got)
		}
	}
	for _, err := range []error{syscall.EACCES, syscall.ENOENT, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ETXTBSY, errors.New("path escapes from parent")} {
		var f *Fault
		got := trouble("write", "a", wrap(err))
		if !errors.As(got, &f) || strings.Contains(got.Error(), "/home/me") {
			t.Errorf("%v is the agent's, got %v", err, got)
		}
	}
}
