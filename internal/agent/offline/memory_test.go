package offline_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

// A spec's work is derived once for all the turns and tasks of a build, also when they run at once,
// and no longer kept once eight other specs came.
func TestDerivesASpecOnce(t *testing.T) {
	t.Parallel()
	var derived atomic.Int64
	h := offline.Handler(offline.Options{Author: func(spec string) conversation.Work {
		derived.Add(1)
		return small(spec)
	}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { post(t, h, "/v1/messages", taskBody(t, 1000+i, i%2 == 0)) })
	}
	wg.Wait()
	if got := derived.Load(); got != 1 {
		t.Errorf("derived %d times, want once", got)
	}
	for i := range 8 {
		post(t, h, "/v1/messages", strings.Replace(taskBody(t, 1000, false), "# Toolshed", fmt.Sprintf("# T%d", i), 1))
	}
	post(t, h, "/v1/messages", taskBody(t, 1000, false))
	if got := derived.Load(); got != 10 {
		t.Errorf("derived %d times, want 10: the first spec was forgotten", got)
	}
}
