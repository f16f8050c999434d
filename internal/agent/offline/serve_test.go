package offline_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline"
)

// serving runs Serve on a loopback port; stop ends it and returns its error.
func serving(t *testing.T, h http.Handler) (url string, stop func() error) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- offline.Serve(ctx, l, h) }()
	return "http://" + l.Addr().String(), func() error { cancel(); return <-done }
}

// An answer on its way may end after the order to stop.
func TestServeLetsAnswersEnd(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	url, stop := serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		_, _ = io.WriteString(w, "whole")
	}))
	stopped := make(chan error, 1)
	go func() {
		<-begun
		go func() { stopped <- stop() }()
		close(goOn)
	}()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || string(got) != "whole" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestServeSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := offline.Serve(t.Context(), l, http.NotFoundHandler()); err == nil {
		t.Error("served on a closed listener")
	}
}

// The ledger counts over a socket as in process: a repeat is a question answered to the end before.
func TestLedger(t *testing.T) {
	t.Parallel()
	h := offline.Handler(offline.Options{Author: small, Key: "k"})
	url, stop := serving(t, h)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	send := func(method, path, body string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Anthropic-Version", "2023-06-01")
		req.Header.Set("X-Api-Key", "k")
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	send("POST", "/v1/messages", taskBody(t, 4000, true))
	send("POST", "/v1/messages", taskBody(t, 3000, false)) // the same question, less allowed
	send("POST", "/v1/messages", strings.Replace(taskBody(t, 4000, true), "app.core", "app.api", 1))
	send("POST", "/v1/messages", "{}")
	var l offline.Ledger
	if err := json.Unmarshal([]byte(send("GET", "/_ledger", "")), &l); err != nil {
		t.Fatal(err)
	}
	if l.Sent != 3 || l.Answered != 3 || l.Cut != 0 || l.Refused != 1 || l.Distinct != 3 || l.Repeated != 1 {
		t.Errorf("ledger %+v", l)
	}
	var bill agent.Usage
	for i, r := range l.Requests {
		bill.Input += r.Usage.Input
		bill.Output += r.Usage.Output
		if r.Repeat != (i == 1) || !r.Answered || r.Model != "offline" || r.Stop != "tool_use" {
			t.Errorf("request %d: %+v", i, r)
		}
	}
	if bill != l.Bill || bill.Input == 0 || bill.Output == 0 {
		t.Errorf("bill %+v, requests sum to %+v", l.Bill, bill)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
