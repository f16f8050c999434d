package meter

import (
	"fmt"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// Overheads that a provider may add to what stands in a request, in tokens. A token covers at least
// one byte of text, so bytes plus these bound the input from above. That they do is checked with
// every answer: one that counts more than its hold stops all sends.
const (
	perMessage = 64
	perTool    = 512
	perRequest = 4096
)

// worstInput is the most input tokens that the call can be billed for:
// min(window, prefix + suffix bytes + 64 per new message + 4096), where prefix is what the previous
// answer of the conversation billed; without one all bytes count, and 512 for each tool.
func worstInput(q question, c budget.Call, window int64) (int64, error) {
	size := int64(len(q.body))
	n := size + perMessage*q.messages + perTool*q.tools + perRequest
	opaque := q.fixed || q.opaque >= 0
	if c.PrefixTokens > 0 && c.PrefixBytes > 0 && c.PrefixBytes <= size && c.NewMessages >= 0 {
		known := c.PrefixTokens + size - c.PrefixBytes + perMessage*int64(c.NewMessages) + perRequest
		opaque = q.fixed || int64(q.opaque) >= q.messages-int64(c.NewMessages) && q.opaque >= 0
		if n = min(n, known); q.opaque >= 0 {
			n = known // bytes bound no media; the previous bill does
		}
	}
	switch {
	case window <= 0 && (opaque || q.searches > 0):
		return 0, unmetered("it holds media or searches, and the window of %s is not known", q.model)
	case q.searches > 0:
		return window * (q.searches + 1), nil // each search is followed by another sampling
	case opaque:
		return window, nil
	case window > 0:
		return min(n, window), nil
	}
	return n, nil
}

func unmetered(format string, args ...any) error {
	return fmt.Errorf("meter model call: "+format+": %w", append(args, ErrUnmetered)...)
}
