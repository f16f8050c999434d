package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Law L9: every way to end has one exit code, one code for scripts, and a hint that can be typed.
func TestEndings(t *testing.T) {
	t.Parallel()
	paused := func(code string) error {
		return &located{again: "builder resume '/a b'", err: &phases.PauseError{Reason: phases.Reason{Code: code, Message: "m", Hint: "go on with: builder resume '/a b'"}}}
	}
	at := func(err error) error {
		return &located{"builder resume '/a b'", "builder checkpoint restore --backup '/a b'", "builder checkpoint rebuild '/a b'", err}
	}
	lost := func(err error) error { return at(fmt.Errorf("get %w", &checkpoint.BlobError{Blob: "b", Err: err})) }
	for name, c := range map[string]struct {
		err  error
		exit int
		code string
		hint string
	}{
		"budget":              {paused(phases.CodeBudget), 75, "E_BUDGET", "builder resume '/a b'"},
		"time":                {paused(phases.CodeTime), 75, "E_TIME", "builder resume '/a b'"},
		"interrupted":         {paused(phases.CodeInterrupted), 130, "E_INTERRUPTED", "builder resume '/a b'"},
		"diverged":            {paused(phases.CodeDiverged), 75, "E_REPO_DIVERGED", "builder resume '/a b'"},
		"disk":                {at(fmt.Errorf("append: %w", checkpoint.ErrFull)), 75, "E_DISK_FULL", "builder resume '/a b'"},
		"disk, raw":           {at(fmt.Errorf("write: %w", syscall.ENOSPC)), 75, "E_DISK_FULL", "builder resume '/a b'"},
		"disk, no build yet":  {fmt.Errorf("make: %w", syscall.ENOSPC), 75, "E_DISK_FULL", "do the same again"},
		"corrupt":             {at(checkpoint.ErrCorrupt), 74, "E_CHECKPOINT_CORRUPT", "builder checkpoint restore --backup '/a b'"},
		"blob lost":           {lost(checkpoint.ErrNotFound), 74, "E_BLOB_LOST", "builder checkpoint rebuild '/a b'"},
		"blob corrupt":        {lost(checkpoint.ErrCorrupt), 74, "E_BLOB_CORRUPT", "builder checkpoint rebuild '/a b'"},
		"size limit":          {at(fmt.Errorf("write: %w", syscall.EFBIG)), 75, "E_DISK_FULL", "builder resume '/a b'"},
		"poisoned":            {at(checkpoint.ErrPoisoned), 74, "E_CHECKPOINT", "builder resume '/a b'"},
		"read-only":           {at(fmt.Errorf("make: %w", syscall.EROFS)), 74, "E_READ_ONLY", "builder resume '/a b'"},
		"read-only, no build": {fmt.Errorf("make: %w", syscall.EROFS), 74, "E_READ_ONLY", "do the same again"},
		"read-only, poisoned": {at(fmt.Errorf("append: %w: %w", checkpoint.ErrPoisoned, syscall.EROFS)), 74, "E_READ_ONLY", "builder resume '/a b'"},
		"a folder":            {at(&fs.PathError{Op: "open", Path: "events.ndjson", Err: syscall.EISDIR}), 74, "E_CHECKPOINT", "builder resume '/a b'"},
		"a folder, renamed":   {at(&os.LinkError{Op: "rename", Old: "a", New: "lock", Err: syscall.EEXIST}), 74, "E_CHECKPOINT", "move it away"},
		"a link to nowhere":   {fmt.Errorf("make cache: %w", &fs.PathError{Op: "mkdir", Path: "d", Err: syscall.EEXIST}), 74, "E_PERMISSION", "a link that leads nowhere"},
		"denied":              {fmt.Errorf("make: %w", fs.ErrPermission), 74, "E_PERMISSION", "read and write"},
		"disk, broken":        {at(fmt.Errorf("sync: %w", syscall.EIO)), 74, "E_IO", "builder resume '/a b'"},
		"newer":               {checkpoint.ErrNewer, 2, "E_CHECKPOINT_NEWER", "builder"},
		"plan":                {planner.Problems{{Code: "E_PLAN_X", What: "w", Hint: "mend the plan"}}, 2, "E_PLAN_X", "mend"},
		"bug":                 {at(errors.New("surprise")), 70, "E_INTERNAL", "builder resume '/a b'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := exitOf(c.err); got != c.exit {
				t.Errorf("exit %d, want %d", got, c.exit)
			}
			l := linesOf(c.err)[0]
			if l.code != c.code || !strings.Contains(l.hint, c.hint) {
				t.Errorf("got %s %q, want %s %q", l.code, l.hint, c.code, c.hint)
			}
		})
	}
}

// Law L8: foreign text reaches a terminal as one line that moves nothing, hides nothing and tells no
// secret.
func TestTidy(t *testing.T) {
	t.Parallel()
	got := tidy("a\nb\tc\x1b[2J\x1b]52;c;x\x07\u009b31m\u202ed\u200be secret-secret-secret\x00", []string{"secret-secret-secret", "short"})
	if want := "a b c[2J]52;c;x31mde [redacted]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len([]rune(tidy(strings.Repeat("é", 5000), nil))); n != 2000 {
		t.Errorf("%d runes", n)
	}
}

// A folder in a hint is one word to the shell, whatever its name.
func TestWordIsOneWord(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"/tmp/app", "/tmp/my app", "it's", "$HOME", "`id`", "a;b", "", "~", "*", "füße/ß", "-x", "a\nb", `"q"`} {
		out, err := exec.Command("sh", "-c", "printf '<%s>' "+word(s)).Output()
		if err != nil || string(out) != "<"+s+">" {
			t.Errorf("%q became %q as %q: %v", s, word(s), out, err)
		}
	}
}
