package claudecode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What callers decide on. Those about results are found in a [ResultError] by errors.Is.
var (
	// ErrClosed is returned for whatever is asked of a session that has ended or was closed.
	ErrClosed = errors.New("session is closed")
	// ErrLineTooLong says that the CLI printed a line longer than [Options.MaxLine].
	ErrLineTooLong = errors.New("line is too long")
	// ErrNoResult says that the CLI ended, by whatever exit code, while a turn had no result yet.
	ErrNoResult = errors.New("ended without a result")

	// ErrTruncated: called a success, but the answer of the model was cut off: no stop reason came with it, or one
	// that says that more would follow.
	ErrTruncated = errors.New("answer is cut off")
	// ErrContextOverrun: the conversation does not fit the model's window.
	ErrContextOverrun = errors.New("conversation is too long for the model")
	// ErrMaxTurns: [Options.MaxTurns] was reached.
	ErrMaxTurns = errors.New("maximum number of turns reached")
	// ErrBudget: [Options.MaxBudgetUSD] was reached. The CLI looks at it after each call, so it is overspent.
	ErrBudget = errors.New("maximum budget reached")
	// ErrStructuredOutput: no output that fits [Options.JSONSchema] came.
	ErrStructuredOutput = errors.New("no valid structured output")
	// ErrInterrupted: the turn was stopped by [Session.Interrupt], by a signal, or by a denial that interrupts.
	ErrInterrupted = errors.New("interrupted")
	// ErrRefused: the model refused.
	ErrRefused = errors.New("model refused")
	// ErrRateLimited: the API's limit was reached (429).
	ErrRateLimited = errors.New("rate limited")
	// ErrOverloaded: the API is overloaded (529).
	ErrOverloaded = errors.New("API is overloaded")
	// ErrAuthentication: no key, or one that is not accepted (401, 403).
	ErrAuthentication = errors.New("not authenticated")
	// ErrBilling: no credit.
	ErrBilling = errors.New("no credit")
	// ErrModel: there is no such model, or not for this account.
	ErrModel = errors.New("model not found")
)

// NotFoundError says that there is no CLI to start.
type NotFoundError struct {
	Path string   // [Options.CLI]; "" where it was searched for
	Seen []string // where it was searched for
	Err  error
}

// Error says where it was looked for.
func (e *NotFoundError) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("find Claude Code CLI %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("find Claude Code CLI in %s: %v", strings.Join(e.Seen, ", "), e.Err)
}

// Unwrap returns the cause.
func (e *NotFoundError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *NotFoundError) Hint() string {
	return "install it with: npm install -g @anthropic-ai/claude-code, or name it in Options.CLI"
}

// OptionError says what is wrong with options, before anything is started.
type OptionError struct {
	Option string // its name in [Options]
	Reason string
}

// Error names the option.
func (e *OptionError) Error() string { return "option " + e.Option + ": " + e.Reason }

// StartError says that the process could not be started, or its folder not be entered.
type StartError struct {
	Path string
	Dir  string
	Err  error
}

// Error names the program and its folder.
func (e *StartError) Error() string {
	if e.Dir != "" {
		return fmt.Sprintf("start %s in %s: %v", e.Path, e.Dir, e.Err)
	}
	return fmt.Sprintf("start %s: %v", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// ExitError says how the CLI ended where that is no end that was asked for.
type ExitError struct {
	Exit
	Stderr string // the end of what it wrote there
	// Cause is [ErrNoResult] when a turn was open, or what this side found wrong before the end.
	Cause error
}

// Error gives exit and the last words on stderr.
func (e *ExitError) Error() string {
	text := "Claude Code CLI " + e.String()
	if e.Cause != nil {
		text += ", " + e.Cause.Error()
	}
	if last := lastLines(e.Stderr, 400); last != "" {
		text += ": " + last
	}
	return text
}

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Cause }

// lastLines is the end of text in at most n bytes, as one line.
func lastLines(text string, n int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > n {
		text = "... " + strings.ToValidUTF8(text[len(text)-n:], "")
	}
	return text
}

// ProtocolError says that the CLI printed what no CLI prints. The session has ended with it.
type ProtocolError struct {
	Line []byte // the line, or its beginning
	Err  error
}

// Error shows the beginning of the line.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("read line of Claude Code CLI: %v: %.120q", e.Err, e.Line)
}

// Unwrap returns the cause.
func (e *ProtocolError) Unwrap() error { return e.Err }

// MessageError says that a line is JSON but not of the shape that its type has. See [ParseMessage].
type MessageError struct {
	Line []byte
	Err  error
}

// Error shows the beginning of the line.
func (e *MessageError) Error() string { return fmt.Sprintf("parse message: %v: %.120q", e.Err, e.Line) }

// Unwrap returns the cause.
func (e *MessageError) Unwrap() error { return e.Err }

// TimeoutError says what was waited for in vain. It is a context.DeadlineExceeded to errors.Is.
type TimeoutError struct {
	What  string
	After time.Duration
}

// Error says for what and how long.
func (e *TimeoutError) Error() string { return fmt.Sprintf("%s: nothing after %s", e.What, e.After) }

// Timeout is true, as package net has it.
func (e *TimeoutError) Timeout() bool { return true }

// Is makes it a context.DeadlineExceeded.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// ControlError is the CLI's refusal of a control request.
type ControlError struct {
	Subtype string // of the request
	Code    string // error_code, where the CLI gives one, as "unsupported_request"
	Message string
}

// Error gives the CLI's words.
func (e *ControlError) Error() string {
	return fmt.Sprintf("control request %s: %s", e.Subtype, e.Message)
}
