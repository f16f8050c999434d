package markdown

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/planner"
)

func TestOpenFault(t *testing.T) {
	t.Parallel()
	for err, code := range map[error]string{
		fs.ErrPermission: "E_SPEC_PERMISSION", syscall.EACCES: "E_SPEC_PERMISSION",
		syscall.ENOENT: "E_SPEC_NOT_FOUND", syscall.ENXIO: "E_SPEC_NOT_FILE", syscall.EMFILE: "",
	} {
		var ps planner.Problems
		if is := errors.As(openFault("p", &fs.PathError{Op: "open", Path: "p", Err: err}), &ps); is != (code != "") || is && ps[0].Code != code {
			t.Errorf("%v: got %v, want %q", err, ps, code)
		}
	}
}
