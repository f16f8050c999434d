package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// Bounds of what doctor waits for and reads.
const (
	lookTime = 15 * time.Second
	lookSize = 8 << 20
)

// checkProvider asks the provider what costs nothing: which models it has, and, where it can, how
// long a text is. Each question goes to the configured address only; redirects are not followed.
func (a *app) checkProvider(ctx context.Context, s settings) []finding {
	if s.Provider == providerOffline {
		return []finding{{"provider", "ok", "the offline model is built in; it writes programs by rule, and is no language model", ""}}
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	l := looker{set: s, now: nowOr(clock(a))}
	out := l.models(ctx)
	if s.Provider == providerAnthropic && !anyBad(out) {
		out = append(out, l.count(ctx))
	}
	return append(out, l.limited(), caching(s))
}

// looker asks a provider free questions and keeps what it tells of its limits.
type looker struct {
	set    settings
	now    time.Time
	limits agent.Limits
}

// ask sends one question and returns status and body.
func (l *looker) ask(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("ask provider: %w", err)
	}
	if l.set.Provider == providerAnthropic {
		req.Header.Set("Anthropic-Version", "2023-06-01")
		req.Header.Set("X-Api-Key", l.set.apiKey)
	} else if l.set.apiKey != "" {
		req.Header.Set("Authorization", "Bearer "+l.set.apiKey)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask provider: %w", err)
	}
	defer resp.Body.Close()
	if told := failure.Limits(resp.Header, l.now); !told.At.IsZero() {
		l.limits = told
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, lookSize))
	if err != nil {
		return 0, nil, fmt.Errorf("read provider's answer: %w", err)
	}
	return resp.StatusCode, raw, nil
}

// at is a path below the provider's address, as its adapter would ask it: an address with a path is
// complete for OpenAI's wires.
func (l *looker) at(path string) string {
	base := strings.TrimRight(l.set.BaseURL, "/")
	if u, err := url.Parse(base); l.set.Provider == providerAnthropic || err == nil && u.Path == "" {
		base += "/v1"
	}
	return base + path
}

// models asks which models there are, and whether the one that is configured is among them.
func (l *looker) models(ctx context.Context) []finding {
	list := "/models"
	if l.set.Provider == providerAnthropic {
		list += "?limit=1000"
	}
	status, raw, err := l.ask(ctx, http.MethodGet, l.at(list), nil)
	if err != nil {
		return []finding{{"provider", "bad", reach(err), "check --base-url, the network, and HTTPS_PROXY"}}
	}
	if f, ok := l.refused(status); ok {
		return []finding{f}
	}
	var told struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if status != http.StatusOK || json.Unmarshal(raw, &told) != nil || len(told.Data) == 0 {
		return []finding{{"provider", "warn", fmt.Sprintf("%s answers, and does not tell which models it has (status %d)", l.set.BaseURL, status), "builder doctor --probe asks a model"}}
	}
	here := fmt.Sprintf("%s answers; it tells of %d models", l.set.BaseURL, len(told.Data))
	for _, m := range told.Data {
		if strings.TrimPrefix(m.ID, "models/") == strings.TrimPrefix(l.set.Model, "models/") {
			return []finding{{"provider", "ok", here + ", " + l.set.Model + " among them", ""}}
		}
	}
	names := make([]string, len(told.Data))
	for i, m := range told.Data {
		names[i] = m.ID
	}
	fix := "choose one of them with --model"
	if near := budget.Nearest(l.set.Model, names); near != "" {
		fix += "; the nearest is " + near
	}
	// aliases are often answered and not listed
	return []finding{{"provider", "warn", here + ", and not of " + l.set.Model, fix}}
}

// refused says what a status means that no model call would get past.
func (l *looker) refused(status int) (finding, bool) {
	switch {
	case status == http.StatusUnauthorized:
		return finding{"provider", "bad", l.set.BaseURL + " does not take the key", "make a new key and export it: " + l.keyVariable() + "=…"}, true
	case status == http.StatusForbidden:
		return finding{"provider", "bad", l.set.BaseURL + " does not let this key in", "check what the key may do"}, true
	case status >= 300 && status < 400:
		return finding{"provider", "bad", l.set.BaseURL + " sends elsewhere, which builder does not follow: the key would go with it", "give the address itself with --base-url"}, true
	case status == http.StatusTooManyRequests:
		return finding{"provider", "warn", "its rate limit is used up for now", "wait; builds wait by themselves"}, true
	case status >= 500:
		return finding{"provider", "warn", fmt.Sprintf("%s has trouble (status %d)", l.set.BaseURL, status), "try again later; builds wait by themselves"}, true
	}
	return finding{}, false
}

// keyVariable is the variable that holds the key of the provider.
func (l *looker) keyVariable() string {
	for _, p := range providers() {
		if p.name == l.set.Provider {
			return p.key
		}
	}
	return ""
}

// reach is what went wrong on the way, without the address and query that Go repeats.
func reach(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return "it cannot be reached: " + u.Err.Error()
	}
	return "it cannot be reached: " + err.Error()
}

// count asks how many tokens a text has, which is free.
func (l *looker) count(ctx context.Context) finding {
	body, err := json.Marshal(map[string]any{"model": l.set.Model, "messages": []map[string]string{{"role": "user", "content": "hello"}}})
	if err != nil {
		return finding{"token counting", "warn", err.Error(), ""}
	}
	status, raw, err := l.ask(ctx, http.MethodPost, l.at("/messages/count_tokens"), body)
	var told struct {
		Tokens int64 `json:"input_tokens"`
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(raw, &told) != nil || told.Tokens <= 0 {
		return finding{"token counting", "warn", fmt.Sprintf("does not work (status %d)", status), "builds go without: near the cap they stop a little earlier"}
	}
	return finding{"token counting", "ok", "works", ""}
}

// limited says which rate limits the provider told of.
func (l *looker) limited() finding { return limitsFinding(l.limits) }

func limitsFinding(l agent.Limits) finding {
	var parts []string
	for _, q := range []struct {
		name string
		q    agent.Quota
	}{{"requests", l.Requests}, {"tokens", l.Tokens}, {"input tokens", l.Input}, {"output tokens", l.Output}} {
		if q.q.Said() {
			parts = append(parts, fmt.Sprintf("%d of %d %s are left", q.q.Remaining, q.q.Limit, q.name))
		}
	}
	if len(parts) == 0 {
		return finding{"rate limits", "ok", "none were told", ""}
	}
	return finding{"rate limits", "ok", strings.Join(parts, ", "), ""}
}

// caching says what is known of the prompt cache, without trying it: that would take a long prompt.
func caching(s settings) finding {
	p, t := s.price, s.table.TraitsOf(s.price)
	switch {
	case p.CacheRead > 0 && p.CacheRead < p.Input && t.CacheMin > 0:
		return finding{"caching", "ok", fmt.Sprintf("prompts are cached from %d tokens on, and read again at %s instead of %s per million", t.CacheMin, p.CacheRead, p.Input), ""}
	case p.CacheRead > 0 && p.CacheRead < p.Input:
		return finding{"caching", "ok", fmt.Sprintf("what is cached is read again at %s instead of %s per million", p.CacheRead, p.Input), ""}
	}
	return finding{"caching", "ok", "no price of cached tokens is known: they are reckoned as plain input", ""}
}
