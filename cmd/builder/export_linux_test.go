package main

import (
	"syscall"
	"testing"
)

// A build whose folder cannot be written is exported all the same, as from a mounted backup: nothing is
// written into it.
func TestExportReadOnly(t *testing.T) {
	t.Parallel()
	if !inNamespace(t) {
		return
	}
	s := newSite(t, hello)
	s.wants(0, s.args("--no-sandbox")...)
	(&disk{t: t, dir: s.path("app")}).freeze()
	t.Cleanup(func() { s.must(syscall.Unmount(s.path("app"), syscall.MNT_DETACH)) })
	s.wants(0, "checkpoint", "export", "app", "-o", "b.builder")
	s.elsewhere()
	s.wants(0, "checkpoint", "import", "b.builder", "-o", "again", "--accept-terms")
	s.wants(0, "checkpoint", "verify", "again")
}
