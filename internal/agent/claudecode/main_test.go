package claudecode_test

import (
	"os"
	"slices"
	"testing"

	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// TestMain also makes this program the sandbox's helper, and a CLI, and a builder that is killed: it is executed again as all of them.
func TestMain(m *testing.M) {
	if exit, handled := ladder.Helper(os.Args); handled {
		os.Exit(exit)
	}
	if slices.Contains(os.Args, "--input-format") {
		os.Exit(fakeCLI(os.Args[1:]))
	}
	if spec := os.Getenv(childSpec); spec != "" {
		os.Exit(child(spec))
	}
	os.Exit(m.Run())
}
