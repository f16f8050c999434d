package main

import (
	"os"
	"runtime/debug"
)

// What the collector of garbage may take before it works harder: conversations are large and short-lived, and
// with Go's own figures a busy build took some 30 % more processor time.
const (
	garbagePercent = 400
	memoryLimit    = 400 << 20 // bytes; a soft one: beyond it there is collecting, not dying
)

// collectLess has garbage collected less often than Go would, unless the user has said how often.
func collectLess() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(memoryLimit)
}
