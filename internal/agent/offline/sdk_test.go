package offline_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
)

func client(h http.Handler) anthropic.Client {
	return anthropic.NewClient(
		option.WithoutEnvironmentDefaults(), option.WithMaxRetries(0), option.WithAPIKey("k"), option.WithBaseURL("http://offline"),
		option.WithHTTPClient(&http.Client{Transport: offline.NewTransport(h)}),
	)
}

func params(t *testing.T, maxTokens int) anthropic.MessageNewParams {
	t.Helper()
	var p anthropic.MessageNewParams
	if err := json.Unmarshal([]byte(taskBody(t, maxTokens, false)), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// The official client accumulates the stream into what it gets without one.
func TestOfficialClient(t *testing.T) {
	t.Parallel()
	c := client(offline.Handler(offline.Options{Author: small}))
	p := params(t, 4000)
	whole, err := c.Messages.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	streamed := accumulate(t, c, p)
	if whole.StopReason != anthropic.StopReasonToolUse || streamed.StopReason != whole.StopReason {
		t.Errorf("stop reasons %q, %q", whole.StopReason, streamed.StopReason)
	}
	if len(whole.Content) != 3 || len(streamed.Content) != 3 {
		t.Fatalf("%d and %d blocks, want 3", len(whole.Content), len(streamed.Content))
	}
	for i, b := range whole.Content {
		s := streamed.Content[i]
		if b.Text != s.Text || b.Name != s.Name || string(b.Input) != string(s.Input) || b.Type != s.Type {
			t.Errorf("block %d: %s and %s", i, b.RawJSON(), s.RawJSON())
		}
	}
	if whole.Usage.InputTokens != streamed.Usage.InputTokens || whole.Usage.OutputTokens != streamed.Usage.OutputTokens || whole.Usage.OutputTokens < 2 {
		t.Errorf("usage %s and %s", whole.Usage.RawJSON(), streamed.Usage.RawJSON())
	}
}

func accumulate(t *testing.T, c anthropic.Client, p anthropic.MessageNewParams) anthropic.Message {
	t.Helper()
	stream := c.Messages.NewStreaming(t.Context(), p)
	defer stream.Close()
	var m anthropic.Message
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// An answer that max_tokens cuts says so and never bills more than was allowed; the call it cuts is
// no complete call.
func TestMaxTokensCutsTheAnswer(t *testing.T) {
	t.Parallel()
	c := client(offline.Handler(offline.Options{Author: small}))
	for _, n := range []int{1, 5, 9, 10, 12, 15} {
		p := params(t, n)
		whole, err := c.Messages.New(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		streamed := accumulate(t, c, p)
		for _, m := range []anthropic.Message{*whole, streamed} {
			if m.StopReason != anthropic.StopReasonMaxTokens || m.Usage.OutputTokens > int64(n) {
				t.Errorf("max_tokens %d: stop %q, %d tokens", n, m.StopReason, m.Usage.OutputTokens)
			}
		}
		last := streamed.Content[len(streamed.Content)-1]
		if last.Type == "tool_use" && json.Valid(last.Input) && len(last.Input) > 2 {
			t.Errorf("max_tokens %d: a cut call came whole: %s", n, last.Input)
		}
	}
}

func TestOfficialClientSeesErrorsAndCounts(t *testing.T) {
	t.Parallel()
	c := client(offline.Handler(offline.Options{Author: small}))
	p := params(t, 100)
	p.Model = "claude-none"
	_, err := c.Messages.New(t.Context(), p)
	var e *anthropic.Error
	if !errors.As(err, &e) || e.StatusCode != 404 || !strings.HasPrefix(e.RequestID, "req_") {
		t.Errorf("error %v", err)
	}
	models, err := c.Models.List(t.Context(), anthropic.ModelListParams{})
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != offline.ModelID {
		t.Errorf("models %v, %v", models, err)
	}
	whole, err := c.Messages.New(t.Context(), params(t, 100))
	if err != nil {
		t.Fatal(err)
	}
	var counted anthropic.MessageCountTokensParams
	if err := json.Unmarshal([]byte(strings.Replace(taskBody(t, 100, false), `"max_tokens":100,`, "", 1)), &counted); err != nil {
		t.Fatal(err)
	}
	n, err := c.Messages.CountTokens(t.Context(), counted)
	if err != nil || n.InputTokens != whole.Usage.InputTokens {
		t.Errorf("counted %v, billed %d, %v", n, whole.Usage.InputTokens, err)
	}
}
