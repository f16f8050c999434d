package planfile

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

// Read reads the plan at path. What is wrong with the file or its format is [planner.Problems];
// any other error is the machine's own.
func Read(ctx context.Context, path string) (p *planner.Plan, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read plan %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, fault("E_PLAN_NOT_FOUND", path, "there is no such plan", "make one with: builder plan SPEC -o "+path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fault("E_PLAN_PERMISSION", path, "the plan may not be read", "allow it with: chmod u+r "+path)
	case err != nil:
		return nil, fmt.Errorf("open plan: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read plan %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault("E_PLAN_NOT_FILE", path, "the plan is not a file", "name a YAML file")
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read plan %s: %w", path, err)
	}
	return Decode(path, data)
}
