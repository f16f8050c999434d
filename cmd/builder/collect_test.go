package main

import (
	"runtime"
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
	if ours := collectLess(); ours {
		t.Error("what the user says does not count")
	}
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("GOGC=100 became %d", got)
	}
	t.Setenv("GOGC", "")
	if ours := collectLess(); !ours {
		t.Error("nobody follows what is alive")
	}
	if got, most := debug.SetGCPercent(100), debug.SetMemoryLimit(-1); got != garbagePercent || most != memoryLimit {
		t.Errorf("got %d percent, %d bytes", got, most)
	}
}

// A build whose heap has outgrown the limit is not left to collect all the time.
func TestLimitFollowsWhatIsAlive(t *testing.T) {
	limit := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(limit)
	for live, want := range map[uint64]int64{0: memoryLimit, 100 << 20: memoryLimit, 200 << 20: memoryLimit, 300 << 20: 600 << 20} {
		if got := limitFor(live); got != want {
			t.Errorf("%d alive: %d, want %d", live, got, want)
		}
	}
	large := make([]byte, memoryLimit)
	runtime.GC()
	followLive()
	if got := debug.SetMemoryLimit(-1); got < 2*memoryLimit {
		t.Errorf("with %d bytes alive the limit is %d", len(large), got)
	}
	runtime.KeepAlive(large)
}
