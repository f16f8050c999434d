package markdown

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// MaxBytes is the size of the largest spec that is read.
const MaxBytes = 4 << 20

// Read reads the spec at path. What is wrong with the file or its text is [planner.Problems];
// any other error is the machine's own.
func Read(ctx context.Context, path string) (*planner.Spec, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read spec %s: %w", path, err)
	}
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// readFile reads a regular file of at most MaxBytes. Opening never waits for a pipe's writer.
func readFile(path string) (data []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, openFault(path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read spec %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault("E_SPEC_NOT_FILE", path, "the spec is "+kindOf(info.Mode())+", not a file",
			"name a Markdown file, for example specs/app.md")
	}
	if info.Size() > MaxBytes {
		return nil, tooLarge(path)
	}
	data, err = io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read spec %s: %w", path, err)
	}
	return data, nil
}

// openFault names what keeps a file from being opened.
func openFault(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fault("E_SPEC_NOT_FOUND", path, "there is no such spec", "check the path, or write an example with: builder init")
	case errors.Is(err, fs.ErrPermission):
		return fault("E_SPEC_PERMISSION", path, "the spec may not be read", "allow it with: chmod u+r "+path)
	case errors.Is(err, syscall.ENXIO):
		return fault("E_SPEC_NOT_FILE", path, "the spec is a socket or device, not a file", "name a Markdown file")
	default:
		return fmt.Errorf("open spec: %w", err)
	}
}

// kindOf says in words what a file that is not regular is.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}

func tooLarge(path string) error {
	return fault("E_SPEC_TOO_LARGE", path, "the spec has more than 4 MiB",
		"split it into several specs, or move data and drawings out of it")
}

// fault is a list of one problem.
func fault(code, where, what, hint string) planner.Problems {
	return planner.Problems{{Code: code, Where: where, What: what, Hint: hint}}
}
