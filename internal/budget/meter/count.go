package meter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// A count of the provider may be off a little: a tenth more and these tokens are held.
const countMargin = 512

// maxCount is the most that the answer to a count is read, in bytes.
const maxCount = 64 << 10

// countable are the members of a model call that a count takes; it refuses all others.
var countable = [...]string{"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "context_management"}

// reserve asks for a hold. A refusal that rests on the bound by bytes is put to the provider once: its
// count of tokens, which is free, may turn it into an admission. When the count cannot be had, or
// could not help, the refusal stands.
func (t *Transport) reserve(req *http.Request, d dialect, q question, ask budget.Ask) (budget.Hold, error) {
	hold, err := t.Ledger.Intend(req.Context(), ask)
	var no *budget.Refusal
	if err == nil || !errors.As(err, &no) || !t.Count || !rescuable(d, q, ask, no) {
		return hold, err
	}
	n, cerr := t.count(req.Context(), req, q)
	if cerr != nil {
		t.warn(fmt.Errorf("count tokens for %s: %w", ask.Call.Op, cerr))
		return hold, err
	}
	bound := n + (n+9)/10 + countMargin
	if bound >= ask.InputTokens {
		return hold, err
	}
	ask.InputTokens, ask.Counted = bound, n
	return t.Ledger.Intend(req.Context(), ask)
}

// rescuable says whether a smaller bound of the input could admit the call: not when its output
// alone does not fit, and not when the provider's searches add input of their own.
func rescuable(d dialect, q question, ask budget.Ask, no *budget.Refusal) bool {
	if d != (anthropic{}) || no.Overrun || q.searches > 0 {
		return false
	}
	least := min(max(ask.Call.MinOutput, 1), ask.MaxTokens)
	need := int64(ask.Price.Worst(1, least, ask.Cache, 0))
	if no.Tokens {
		need = least + 1
	}
	return need <= no.Cap-no.Used
}

// count asks the provider how many input tokens a call has.
func (t *Transport) count(ctx context.Context, req *http.Request, q question) (int64, error) {
	body, err := countBody(q.body)
	if err != nil {
		return 0, err
	}
	out, _ := outgoing(req, body)
	u := *req.URL
	u.Path = strings.TrimSuffix(u.Path, "/") + "/count_tokens"
	out.URL = &u
	// Without the call, so that nothing can take this for it.
	out = out.WithContext(budget.WithCall(ctx, budget.Call{}))
	resp, err := t.base().RoundTrip(out)
	if err != nil {
		// Not wrapped: it may hold the key.
		return 0, fmt.Errorf("send: %s", clean(err.Error(), secrets(req.Header)...))
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxCount))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	var answer struct {
		Tokens figure `json:"input_tokens"`
	}
	if resp.StatusCode != http.StatusOK || json.Unmarshal(raw, &answer) != nil || answer.Tokens.odd || answer.Tokens.n < 1 {
		return 0, fmt.Errorf("status %d without a count", resp.StatusCode)
	}
	return answer.Tokens.n, nil
}

// countBody is what of a call is to be counted, its members as they were.
func countBody(body []byte) ([]byte, error) {
	top, err := readObject(body)
	if err != nil {
		return nil, err
	}
	out := []byte{'{'}
	for _, key := range countable {
		if m, named := top[key]; named {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(append(out, `"`+key+`":`...), bytes.TrimSpace(m.raw)...)
		}
	}
	return append(out, '}'), nil
}
