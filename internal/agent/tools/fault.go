package tools

import (
	"errors"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// The codes of refusals. They begin the text a model gets and never change.
const (
	CodePathEscape    = "E_PATH_ESCAPE"      // absolute, or with ..
	CodePathLink      = "E_PATH_LINK"        // a symbolic link on the way, or a file with several names
	CodePathProtected = "E_PATH_PROTECTED"   // a name that configures or starts programs
	CodePathInvalid   = "E_PATH_INVALID"     // no usable name, or not a regular file
	CodePathNotFound  = "E_PATH_NOT_FOUND"   // nothing is there
	CodePathNotInTask = "E_PATH_NOT_IN_TASK" // outside of what the task may write
	CodeFileBinary    = "E_FILE_BINARY"      // not text
	CodeFileTooLarge  = "E_FILE_TOO_LARGE"   // more than is read
	CodeEditNoMatch   = "E_EDIT_NO_MATCH"    // the old text is not in the file
	CodeEditAmbiguous = "E_EDIT_AMBIGUOUS"   // it is there more than once
	CodeEditInvalid   = "E_EDIT_INVALID"     // an edit that means nothing
	CodeEditTooLarge  = "E_EDIT_TOO_LARGE"   // a file or text above 2 MiB
	CodePattern       = "E_PATTERN"          // no valid regular expression or glob
	CodeCmdInvalid    = "E_CMD_INVALID"      // no command, NUL, or above 128 KiB
	CodeCmdTimeout    = "E_CMD_TIMEOUT"      // it did not end in time
	CodeCmdPids       = "E_CMD_PIDS"         // it started too many processes
	CodeCmdKilled     = "E_CMD_KILLED"       // a signal ended it
	CodeNoteTooLong   = "E_NOTE_TOO_LONG"    // above 4 KiB
)

// Fault is a refusal: the model's mistake, or a limit it met. It is a value for the model and never
// ends the run.
type Fault struct {
	Code string
	Text string
}

// Error is code and text, as the model reads them.
func (f *Fault) Error() string { return f.Code + ": " + f.Text }

func fault(code, format string, args ...any) *Fault {
	return &Fault{Code: code, Text: fmt.Sprintf(format, args...)}
}

// says makes a tool result of a text.
func says(text string, err error) (agent.ToolResult, error) {
	return agent.ToolResult{Text: text}, err
}

// changed is the result of a call that changed one file.
func changed(p place, text string) agent.ToolResult {
	return agent.ToolResult{Text: text, Touched: []string{p.path}}
}

// told turns a fault into what the model is told; any other error is the machine's own.
func told(out agent.ToolResult, err error) (agent.ToolResult, error) {
	var f *Fault
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &f):
		return agent.ToolResult{Text: f.Error(), Error: true}, nil
	default:
		return agent.ToolResult{}, err
	}
}
