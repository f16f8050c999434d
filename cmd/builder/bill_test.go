package main

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// wireOf is one of the wires that a provider is asked over, with a model that is sold there.
type wireOf struct{ seller, provider, api, model string }

func wires() map[string]wireOf {
	return map[string]wireOf{
		"messages":  {budget.Anthropic, "anthropic", "", "claude-sonnet-5-5"},
		"chat":      {budget.OpenAI, "openai", "chat", openModel},
		"responses": {budget.OpenAI, "openai", "responses", openModel},
	}
}

// serveModel is `builder model serve` as a process of its own; it returns its address.
func serveModel(t *testing.T, p *proc, model string, more ...string) string {
	t.Helper()
	c, _ := p.command(append([]string{"model", "serve", "--as", model}, more...)...)
	c.Stdout = nil
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

// Law L3 over every wire: the specs of this repository become proven programs, asked of a model in
// another process. The caps grow from nothing to ample: each that is too small pauses the build, and
// after no record are spent, unknown and held above the cap of that moment. In the end what is spent
// is what the other side billed, priced call by call, and no answered call was made again.
func TestSpecsOverEveryWire(t *testing.T) {
	if testing.Short() {
		t.Skip("builds real programs")
	}
	t.Parallel()
	for _, spec := range []string{"cli-tool", "rest-api"} {
		text, err := os.ReadFile("../../specs/" + spec + ".md")
		if err != nil {
			t.Fatal(err)
		}
		for name, w := range wires() {
			t.Run(spec+"/"+name, func(t *testing.T) {
				t.Parallel()
				p := newProc(t, sharedCache(t))
				t.Cleanup(func() { removeAll(p.dir) })
				p.env = append(p.env, "ANTHROPIC_API_KEY=test-key-0123456789", "OPENAI_API_KEY="+openKey)
				url := serveModel(t, p, w.model)
				if err := os.WriteFile(filepath.Join(p.dir, "spec.md"), text, 0o600); err != nil {
					t.Fatal(err)
				}
				args := []string{"build", "spec.md", "-o", "app", "--provider", w.provider, "--base-url", url, "--model", w.model}
				if w.api != "" {
					args = append(args, "--api", w.api)
				}
				paused := 0
				for _, limit := range []string{"0.000001", "0.01", "0.05", "0.2", "20"} {
					out, code := p.run(append(args, "--max-cost", limit)...)
					args = []string{"resume", "app"}
					if code == 75 && strings.Contains(out, "builder: E_BUDGET: ") {
						paused++
					} else if code != 0 {
						t.Fatalf("cap %s: exit %d:\n%s", limit, code, out)
					}
					p.neverAbove(t, "app")
					if code == 0 {
						break
					}
				}
				st := p.status("app")
				if st.State != phases.DoneState || paused < 2 {
					t.Errorf("%s after %d pauses", st.State, paused)
				}
				p.billed(t, w, url, st)
			})
		}
	}
}

// neverAbove folds a build's journal record by record: no scope is ever above its cap.
func (p *proc) neverAbove(t *testing.T, app string) {
	t.Helper()
	store, err := viewStore(t.Context(), folder{filepath.Join(p.dir, app)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }() // opened for reading only
	s := phases.NewState()
	err = store.journal.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		if err := s.ApplyEnvelope(e); err != nil {
			return err
		}
		if a, limit := s.Guard.Account(budget.Build), s.Guard.Limit(budget.Build); a.Spent+a.Unknown+a.Held > limit.USD {
			t.Errorf("record %d: %s spent, %s unknown, %s held of %s", e.Seq, a.Spent, a.Unknown, a.Held, limit.USD)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// billed holds a build's money against what the serving side counted.
func (p *proc) billed(t *testing.T, w wireOf, url string, st phases.Status) {
	t.Helper()
	ledger, bill := billOf(t, w, url)
	if b := st.Budget; budget.Micro(b.Spent) != bill || bill == 0 || b.Unknown != 0 || b.Held != 0 || ledger.Repeated != 0 || ledger.Sent != ledger.Answered {
		t.Errorf("booked %+v; the other side billed %s for %+v", b, bill, ledger.Bill)
	}
}

// billOf is what the serving side counted, priced call by call.
func billOf(t *testing.T, w wireOf, url string) (offline.Ledger, budget.Micro) {
	t.Helper()
	ledger, err := readLedger(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	table, err := budget.LoadTable(w.seller)
	if err != nil {
		t.Fatal(err)
	}
	price, err := table.Lookup(w.model, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var bill budget.Micro
	for _, r := range ledger.Requests {
		u := r.Usage
		bill += price.Cost(budget.Usage{Input: u.Input, CacheWrite5m: u.CacheWrite5m, CacheWrite1h: u.CacheWrite1h, CacheRead: u.CacheRead, Output: u.Output})
	}
	return ledger, bill
}

// A model that is served under no name answers to every name, and under a name to that one alone.
func TestModelServeAnswersToEveryName(t *testing.T) {
	t.Parallel()
	for as, want := range map[string]int{"": http.StatusOK, "claude-sonnet-5-5": http.StatusNotFound} {
		url := serveModel(t, newProc(t, ""), as)
		body := strings.NewReader(`{"model":"claude-opus-4-8","max_tokens":400,"messages":[{"role":"user","content":"hello"}]}`)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/messages", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Anthropic-Version", "2023-06-01")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("served as %q: status %d, want %d", as, res.StatusCode, want)
		}
	}
}
