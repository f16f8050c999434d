package phases

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// sumOf hashes parts so that no two different lists of parts give the same sum.
func sumOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		_, _ = io.WriteString(h, p) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// transcript is the running hash of a conversation: H(previous, new messages), seeded by all that
// must not change in it. It covers neutral content only: no max_tokens, no cache marks, no wire bytes.
type transcript struct {
	sum  string
	seen int
}

// add extends the hash by the messages of req that it has not seen, and returns it.
func (t *transcript) add(req agent.Request) (string, error) {
	if t.sum == "" {
		tools, err := json.Marshal(req.Tools)
		if err != nil {
			return "", fmt.Errorf("hash request: %w", err)
		}
		system, err := json.Marshal(req.System)
		if err != nil {
			return "", fmt.Errorf("hash request: %w", err)
		}
		seed := []string{"builder-request-1", req.Model, string(system), string(tools), req.Effort, string(req.Schema)}
		if req.Thinking {
			seed = append(seed, "thinking")
		}
		t.sum = sumOf(seed...)
	}
	if t.seen >= len(req.Messages) { // the conversation began anew
		t.sum, t.seen = sumOf(t.sum, "anew"), 0
	}
	for _, m := range req.Messages[min(t.seen, len(req.Messages)):] {
		raw, err := json.Marshal(m)
		if err != nil {
			return "", fmt.Errorf("hash request: %w", err)
		}
		t.sum = sumOf(t.sum, string(raw))
	}
	t.seen = len(req.Messages)
	return t.sum, nil
}
