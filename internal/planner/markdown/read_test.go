package markdown_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
)

func TestReadRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(at("spec.md"), []byte(toolshed), 0o600))
	must(os.WriteFile(at("empty.md"), nil, 0o600))
	must(syscall.Mkfifo(at("fifo"), 0o600))
	must(os.Symlink("gone", at("dangling")))
	l, err := net.Listen("unix", at("sock"))
	must(err)
	t.Cleanup(func() { must(l.Close()) })
	big, err := os.Create(at("big.md"))
	must(err)
	must(big.Truncate(1 << 40)) // sparse: reading it whole would never end
	must(big.Close())
	for path, code := range map[string]string{
		at("gone.md"): "E_SPEC_NOT_FOUND", at("spec.md/x"): "E_SPEC_NOT_FOUND", at("dangling"): "E_SPEC_NOT_FOUND",
		dir: "E_SPEC_NOT_FILE", at("fifo"): "E_SPEC_NOT_FILE", at("sock"): "E_SPEC_NOT_FILE", "/dev/zero": "E_SPEC_NOT_FILE",
		at("big.md"): "E_SPEC_TOO_LARGE", at("empty.md"): "E_SPEC_EMPTY",
	} {
		_, err := markdown.Read(t.Context(), path)
		var ps planner.Problems
		if !errors.As(err, &ps) || len(ps) != 1 || ps[0].Code != code || ps[0].Hint == "" {
			t.Errorf("%s: got %v, want %s", path, err, code)
		}
	}
	spec, err := markdown.Read(t.Context(), at("spec.md"))
	if err != nil || spec.Path != at("spec.md") {
		t.Errorf("got %v, %v", spec, err)
	}
}

func TestReadWithoutPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	path := filepath.Join(t.TempDir(), "spec.md")
	if err := os.WriteFile(path, []byte("# A"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := markdown.Read(t.Context(), path)
	var ps planner.Problems
	if !errors.As(err, &ps) || ps[0].Code != "E_SPEC_PERMISSION" {
		t.Errorf("got %v", err)
	}
}

func TestReadStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := markdown.Read(ctx, "spec.md"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
