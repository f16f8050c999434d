package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// measurement is the sandbox being measured beside other work: it takes longer than all else before
// the first call, and needs nothing of it.
type measurement struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when runner and report may be read
	runner sandbox.Runner
	report ladder.Report
	err    error
}

// measure begins. Whoever calls it calls stop.
func measure(ctx context.Context) *measurement {
	ctx, cancel := context.WithCancel(ctx)
	m := &measurement{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		defer bug.Catch(&m.err)
		m.runner, m.report = ladder.Measure(ctx)
	}()
	return m
}

// stop ends a measurement that nobody waits for any more, and leaves nothing of it behind.
func (m *measurement) stop() {
	m.cancel()
	<-m.done
}

// confined waits for the measurement. A machine that has no sandbox is refused, unless the user said
// that it may be so. Nothing is sent, no command is run and no level is told before.
func (w *works) confined() error {
	<-w.measured.done
	if w.measured.err != nil {
		return w.measured.err
	}
	w.runner, w.report = w.measured.runner, w.measured.report
	if w.runner.Level() != sandbox.None {
		return nil
	}
	if !w.unconfined {
		return w.noSandbox()
	}
	w.runner = ladder.Unconfined()
	return nil
}

// noSandbox says why commands cannot be confined.
func (w *works) noSandbox() error {
	if info, err := os.Stat(os.TempDir()); err != nil || !info.IsDir() {
		return refused("E_SANDBOX_UNAVAILABLE", "make this folder, or let TMPDIR name one that is there", "commands cannot be confined without a folder for temporary files: %s is none", os.TempDir())
	}
	if err := tryTemp(); full(err) || denied(err) {
		return fmt.Errorf("commands cannot be confined without room for temporary files: %w", err)
	} else if err != nil {
		return refused("E_SANDBOX_UNAVAILABLE", "let TMPDIR name a folder that can be written", "commands cannot be confined without temporary files: %s", err)
	}
	return refused("E_SANDBOX_UNAVAILABLE", "install bubblewrap, or allow user namespaces; to run commands of models unconfined say: --no-sandbox", "commands cannot be confined on this machine: %s", w.report)
}

// tryTemp makes a temporary file as commands need them, and removes it.
func tryTemp() error {
	temp, err := sandbox.NewTemp("try")
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(temp.Path, "file"), make([]byte, 64<<10), 0o600)
	return errors.Join(err, temp.Remove())
}
