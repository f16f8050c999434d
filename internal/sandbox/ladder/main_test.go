//go:build linux

package ladder

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if exit, handled := Helper(os.Args); handled {
		os.Exit(exit)
	}
	if exit, handled := actor(os.Args[1:]); handled {
		os.Exit(exit)
	}
	goleak.VerifyTestMain(m)
}
