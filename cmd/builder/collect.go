package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What the collector of garbage may take before it works harder: conversations are large and short-lived, and
// with Go's own figures a busy build took some 30 % more processor time.
const (
	garbagePercent = 400
	memoryLimit    = 400 << 20 // bytes; a soft one: beyond it there is collecting, not dying
	liveBeat       = 10 * time.Second
)

// collectLess has garbage collected less often than Go would, unless the user has said how often: it says
// whether that is so.
func collectLess() bool {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return false
	}
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(memoryLimit)
	return true
}

// watchLive follows what is alive to the end of the process.
func watchLive() {
	time.AfterFunc(liveBeat, func() {
		followLive()
		watchLive()
	})
}

// followLive raises the limit with what is alive: where a build of many thousand tasks needs most of the
// limit, there would be nothing but collecting.
func followLive() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	debug.SetMemoryLimit(limitFor(sample[0].Value.Uint64()))
}

// limitFor is the limit with so many bytes alive.
func limitFor(live uint64) int64 { return max(memoryLimit, 2*int64(live)) }
