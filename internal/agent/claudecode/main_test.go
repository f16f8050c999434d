package claudecode_test

import (
	"os"
	"slices"
	"testing"

	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// TestMain also makes this program the sandbox's helper, and a CLI: it is executed again as both.
func TestMain(m *testing.M) {
	if exit, handled := ladder.Helper(os.Args); handled {
		os.Exit(exit)
	}
	if slices.Contains(os.Args, "--input-format") {
		os.Exit(fakeCLI(os.Args[1:]))
	}
	os.Exit(m.Run())
}
