package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// fault is an error on its way to a person: a stable code, what is wrong and where, and what to do.
type fault struct {
	code string
	what string
	hint string // a command the reader can type, or what to change
	exit int
	err  error
}

// Error says code and what.
func (f *fault) Error() string { return f.code + ": " + f.what }

// Unwrap gives the cause.
func (f *fault) Unwrap() error { return f.err }

// usage is a fault of what the user gave us; nothing was sent or written.
func usage(code, hint, format string, args ...any) *fault {
	return &fault{code: code, what: fmt.Sprintf(format, args...), hint: hint, exit: exitUsage}
}

// refused is a fault of policy.
func refused(code, hint, format string, args ...any) *fault {
	return &fault{code: code, what: fmt.Sprintf(format, args...), hint: hint, exit: exitPolicy}
}

// located is an error of a build with the commands that are about it, for hints: again goes on with
// it, back brings it back when its journal is damaged, rebuild when something else is lost.
type located struct {
	again, back, rebuild string
	err                  error
}

// Error is that of the cause.
func (l *located) Error() string { return l.err.Error() }

// Unwrap gives the cause.
func (l *located) Unwrap() error { return l.err }

// word writes s so that a shell reads it as one word.
func word(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./+,:@%=", r) || r > 0x7f && unicode.IsLetter(r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// full says whether err means that a disk is full.
func full(err error) bool {
	return errors.Is(err, checkpoint.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// denied says whether err means that the machine does not let us read or write.
func denied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOTDIR)
}

// complain writes err to a person's terminal: a line with a code and a line with a hint for each
// thing wrong, without control characters, secrets or stack traces.
func complain(w io.Writer, err error, secrets []string) {
	for _, l := range linesOf(err) {
		fmt.Fprintf(w, "builder: %s: %s\n", l.code, tidy(l.what, secrets))
		if l.hint != "" {
			fmt.Fprintf(w, "hint: %s\n", tidy(l.hint, secrets))
		}
	}
}

func linesOf(err error) []fault {
	var f *fault
	var pause *phases.PauseError
	var problems planner.Problems
	var locked *checkpoint.LockedError
	var order *phases.OrderError
	var at *located
	var own *bug.Error
	var blob *checkpoint.BlobError
	ofBuild := errors.As(err, &at)
	if !ofBuild {
		at = &located{again: "builder resume DIR", back: "builder checkpoint restore --backup DIR", rebuild: "builder checkpoint rebuild DIR"}
	}
	again := at.again
	then := "then: " + again
	if !ofBuild {
		then = "then do the same again"
	}
	switch {
	case errors.As(err, &own):
		return []fault{internal(own, again)}
	case errors.As(err, &f):
		return []fault{*f}
	case errors.As(err, &pause):
		return []fault{{code: pause.Reason.Code, what: pause.Reason.Message, hint: pause.Reason.Hint}}
	case errors.As(err, &problems):
		out := make([]fault, len(problems))
		for i, p := range problems {
			out[i] = fault{code: p.Code, what: join(p.What, p.Where), hint: p.Hint}
		}
		return out
	case errors.As(err, &order):
		return []fault{{code: order.Code, what: order.What, hint: order.Hint}}
	case errors.As(err, &locked):
		return []fault{{
			code: "E_LOCKED", what: fmt.Sprintf("this build is held by process %d on %s since %s, %s", locked.PID, locked.Host, locked.Since.Format(time.RFC3339), locked.Path),
			hint: "watch it with: builder status --watch" + appOf(locked.Path),
		}}
	case errors.Is(err, checkpoint.ErrNewer):
		return []fault{{code: "E_CHECKPOINT_NEWER", what: err.Error(), hint: "use the builder that wrote it, or a newer one"}}
	case errors.As(err, &blob) && errors.Is(err, checkpoint.ErrNotFound):
		return []fault{{code: "E_BLOB_LOST", what: err.Error(), hint: safeInGit + at.rebuild}}
	case errors.As(err, &blob) && errors.Is(err, checkpoint.ErrCorrupt):
		return []fault{{code: "E_BLOB_CORRUPT", what: err.Error(), hint: safeInGit + at.rebuild}}
	case errors.Is(err, checkpoint.ErrCorrupt):
		return []fault{{code: "E_CHECKPOINT_CORRUPT", what: err.Error(), hint: safeInGit + at.back}}
	case full(err):
		return []fault{{code: "E_DISK_FULL", what: err.Error(), hint: "free some space, " + then}}
	case errors.Is(err, checkpoint.ErrNotFound):
		return []fault{{code: "E_CHECKPOINT_MISSING", what: err.Error(), hint: "name the folder of a build, as in: builder status DIR"}}
	case errors.Is(err, checkpoint.ErrPoisoned) && !errors.Is(err, syscall.EROFS) && !errors.Is(err, syscall.EIO):
		return []fault{{code: "E_CHECKPOINT", what: err.Error(), hint: "check the disk, then: " + again}}
	case errors.Is(err, syscall.EIO):
		return []fault{{code: "E_IO", what: err.Error(), hint: "the disk answers with errors: look at it (dmesg), then: " + again}}
	case errors.Is(err, syscall.EROFS):
		return []fault{{code: "E_READ_ONLY", what: err.Error(), hint: "mount the file system for writing, " + then}}
	case foldered(err):
		return []fault{{code: "E_CHECKPOINT", what: err.Error(), hint: "a folder stands where builder keeps a file: move it away, then: " + again}}
	case unmade(err):
		return []fault{{code: "E_PERMISSION", what: err.Error(), hint: "no folder can be made there: look for a link that leads nowhere, then do the same again"}}
	case denied(err):
		return []fault{{code: "E_PERMISSION", what: err.Error(), hint: "let builder read and write there, then do the same again"}}
	}
	return []fault{internal(err, again)}
}

// foldered says that a folder stands where a file is to be written or opened.
func foldered(err error) bool {
	var link *os.LinkError
	return errors.Is(err, syscall.EISDIR) || errors.As(err, &link) && link.Op == "rename" && errors.Is(err, fs.ErrExist)
}

// unmade says that a folder cannot be made: a link stands there that leads nowhere, or nothing can be made in the one above.
func unmade(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "mkdir" && (errors.Is(path, fs.ErrExist) || errors.Is(path, fs.ErrNotExist))
}

// appOf is the folder that a file of a build is in, as a further word of a command; "" where none can be told.
func appOf(file string) string {
	app, _, ok := strings.Cut(file, "/.builder/")
	if !ok {
		return ""
	}
	return " " + word(app)
}

// internal is a bug. What only its makers can read is in the build's log.
func internal(err error, again string) fault {
	return fault{code: "E_INTERNAL", what: err.Error(), hint: "this is a bug of builder, please report it with the end of the build's builder.log; the build, if any, is kept: " + again}
}

func join(what, where string) string {
	if where == "" {
		return what
	}
	return what + ", " + where
}

// tidy makes one line of foreign text that is safe to show: no control characters, no characters
// that turn or hide text, no secret.
func tidy(s string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) >= 8 {
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return -1
		case r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x2069 || r == 0xfeff:
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 2000 {
		s = string(r[:1999]) + "…"
	}
	return s
}
