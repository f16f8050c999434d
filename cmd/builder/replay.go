package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// overlay reads a build's blobs and writes into a store of its own.
type overlay struct {
	checkpoint.Blobs
	own checkpoint.Blobs
}

// Put implements checkpoint.Blobs.
func (o overlay) Put(ctx context.Context, content []byte) (checkpoint.Hash, error) {
	return o.own.Put(ctx, content)
}

// Get implements checkpoint.Blobs.
func (o overlay) Get(ctx context.Context, h checkpoint.Hash) ([]byte, error) {
	raw, err := o.own.Get(ctx, h)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return o.Blobs.Get(ctx, h)
	}
	return raw, err
}

// Open implements checkpoint.Blobs.
func (o overlay) Open(ctx context.Context, h checkpoint.Hash) (io.ReadCloser, error) {
	r, err := o.own.Open(ctx, h)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return o.Blobs.Open(ctx, h)
	}
	return r, err
}

// Has implements checkpoint.Blobs.
func (o overlay) Has(ctx context.Context, h checkpoint.Hash) (bool, error) {
	if ok, err := o.own.Has(ctx, h); ok || err != nil {
		return ok, err
	}
	return o.Blobs.Has(ctx, h)
}

// replayRepo computes the commits of a replay as git would, and moves nobody's branch.
type replayRepo struct{ *workspace.Repo }

// Commit implements phases.Repo.
func (r replayRepo) Commit(ctx context.Context, chain ...phases.CommitDraft) (id string, err error) {
	for _, d := range chain {
		if id, err = r.Prepare(ctx, d); err != nil {
			return "", err
		}
	}
	return id, nil
}

// Checkout implements phases.Repo.
func (replayRepo) Checkout(context.Context, phases.Manifest, phases.Manifest) ([]string, error) {
	return nil, nil
}

// offGates run gates and setup steps without any network: what they need is on the machine, or they fail.
type offGates struct{ gates }

// Run implements phases.Gates.
func (g offGates) Run(ctx context.Context, r phases.GateRun) (phases.GateReport, error) {
	r.Gate.Network = planner.NetworkOff
	return g.gates.Run(ctx, r)
}

// errSends means that a replay was about to ask a provider.
var errSends = errors.New("a replay sends nothing")

// silence is a network that lets nothing through.
type silence struct{}

// RoundTrip implements http.RoundTripper.
func (silence) RoundTrip(*http.Request) (*http.Response, error) { return nil, errSends }

// readerOf reads the kept answers of a build's provider; it cannot ask it, and needs no key.
func readerOf(b phases.BuildStarted) (agent.Model, error) {
	client := &http.Client{Transport: silence{}}
	if b.Provider == providerOpenAI {
		return openai.New(openai.Config{HTTPClient: client, BaseURL: "http://replay.localhost", API: openai.API(b.API), Key: endpoint.Secret("none")})
	}
	return anthropic.New(anthropic.Config{HTTPClient: client, BaseURL: "http://replay.localhost", Key: endpoint.Secret("none")})
}

// priced adds what is known of a model's size, which decides how a spec is planned.
func (s settings) priced(model string, at time.Time) settings {
	if table, err := budget.LoadTable(); err == nil {
		if p, err := table.Lookup(model, at); err == nil { // one without a price has no known window
			s.price = p
		}
	}
	return s
}
