package openai_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "sk-proj-canary-0123456789"

// apis are both wires, with the path that each is spoken at.
var apis = map[openai.API]string{openai.Chat: "/v1/chat/completions", openai.Responses: "/v1/responses"}

func client(t testing.TB, base string, api openai.API, change ...func(*openai.Config)) *openai.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	conf := openai.Config{HTTPClient: &http.Client{Transport: transport}, BaseURL: base, Key: endpoint.Secret(secret), API: api}
	for _, c := range change {
		c(&conf)
	}
	c, err := openai.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestModelPromise(t *testing.T) {
	t.Parallel()
	for api, path := range apis {
		t.Run(string(api), func(t *testing.T) {
			t.Parallel()
			agenttest.RunModel(t, agenttest.Adapter{
				New: func(t *testing.T, turns ...agenttest.Turn) (agent.Model, func() int) {
					s := agenttest.Serve(t, turns...)
					return client(t, s.URL, api), func() int { return len(s.Requests()) }
				},
				Recording: func(turn agenttest.Turn) (string, []byte) { return agenttest.StreamAt(path, turn, 0, "test-model") },
				Carries:   carries,
			})
		})
	}
}

// carries: these wires count all input that is not read from a cache alike, and have one word for an
// answer that found no room.
func carries(r agent.Response) agent.Response {
	r.Usage = agent.Usage{Input: r.Usage.Input + r.Usage.CacheWrite5m + r.Usage.CacheWrite1h, CacheRead: r.Usage.CacheRead, Output: r.Usage.Output}
	if r.Stop == agent.StopWindow {
		r.Stop = agent.StopLength
	}
	return r
}
