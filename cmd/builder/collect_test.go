package main

import (
	"runtime/debug"
	"testing"
)

// What the user says of garbage is left; else ours holds.
func TestCollectLess(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "100")
	collectLess()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("GOGC=100 became %d", got)
	}
	t.Setenv("GOGC", "")
	collectLess()
	if got, most := debug.SetGCPercent(100), debug.SetMemoryLimit(-1); got != garbagePercent || most != memoryLimit {
		t.Errorf("got %d percent, %d bytes", got, most)
	}
}
