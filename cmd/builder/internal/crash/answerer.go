package crash

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// Answerer is the model of jobs that [Small] makes, over Anthropic's Messages API, streamed. A task is
// three answers: a beginning, the file as it must be, and finish. It is not a language model, and asks
// nobody.
type Answerer struct {
	price budget.Price
	pause time.Duration // between two events of an answer

	mu      sync.Mutex
	charges []Charge
}

// NewAnswerer makes an [Answerer] that waits so long between the events of an answer.
func NewAnswerer(pause time.Duration) (*Answerer, error) {
	table, err := budget.LoadTable()
	if err != nil {
		return nil, err
	}
	price, err := table.Lookup(ModelName, time.Now())
	if err != nil {
		return nil, err
	}
	return &Answerer{price: price, pause: pause}, nil
}

// Charges implements [Model].
func (a *Answerer) Charges() []Charge {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Charge(nil), a.charges...)
}

// asked is what is read of a request.
type asked struct {
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
}

// ServeHTTP implements [http.Handler].
func (a *Answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		return // the caller went away
	}
	var req asked
	switch {
	case r.Method != http.MethodPost || json.Unmarshal(body, &req) != nil:
		http.Error(w, `{"type":"error","error":{"type":"not_found_error","message":"no such path"}}`, http.StatusNotFound)
	case strings.HasSuffix(r.URL.Path, "/v1/messages/count_tokens"):
		fmt.Fprintf(w, `{"input_tokens":%d}`, len(body)/4+1)
	default:
		a.answer(w, r, body, req)
	}
}

func (a *Answerer) answer(w http.ResponseWriter, r *http.Request, body []byte, req asked) {
	task, turn := req.at()
	tool, input := step(task, turn)
	in, out := int64(len(body)/4+1), int64(len(input)/4+1)
	id := hexOf(body)
	a.mu.Lock()
	a.charges = append(a.charges, Charge{
		Body: id, Question: fmt.Sprintf("%s %d", task, turn), Task: task,
		Cost: int64(a.price.Cost(budget.Usage{Input: in, Output: out})),
	})
	a.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	for _, event := range []struct{ kind, data string }{
		{"message_start", fmt.Sprintf(`"message":{"id":"msg_%s","type":"message","role":"assistant","model":%q,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":%d,"output_tokens":1}}`, id[:16], ModelName, in)},
		{"content_block_start", fmt.Sprintf(`"index":0,"content_block":{"type":"tool_use","id":"toolu_%s","name":%q,"input":{}}`, id[:16], tool)},
		{"content_block_delta", fmt.Sprintf(`"index":0,"delta":{"type":"input_json_delta","partial_json":%s}`, quoted(input[:len(input)/2]))},
		{"content_block_delta", fmt.Sprintf(`"index":0,"delta":{"type":"input_json_delta","partial_json":%s}`, quoted(input[len(input)/2:]))},
		{"content_block_stop", `"index":0`},
		{"message_delta", fmt.Sprintf(`"delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":%d}`, out)},
		{"message_stop", ""},
	} {
		if !wait(r.Context(), a.pause) {
			return
		}
		data := `{"type":"` + event.kind + `"`
		if event.data != "" {
			data += "," + event.data
		}
		_, _ = fmt.Fprintf(w, "event: %s\ndata: %s}\n\n", event.kind, data) // who went away shows in the context
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
}

// at is the task that a request is about, and the answers that were given before.
func (r asked) at() (task string, turn int) {
	for i, m := range r.Messages {
		if m.Role == "assistant" {
			turn++
		}
		if i == 0 {
			_, rest, _ := strings.Cut(textOf(m.Content), `<task id="`)
			task, _, _ = strings.Cut(rest, `"`)
		}
	}
	return task, turn
}

// textOf is what a message says: its content is a string or a list of blocks.
func textOf(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var blocks []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(content, &blocks) != nil {
		return ""
	}
	for _, b := range blocks {
		text += b.Text
	}
	return text
}

// step is the answer to a task at a turn.
func step(task string, turn int) (tool, input string) {
	_, what, _ := strings.Cut(task, ".")
	switch turn {
	case 0:
		return "write_file", fmt.Sprintf(`{"path":"work/%s.txt","content":"%s is begun\n"}`, what, what)
	case 1:
		return "write_file", fmt.Sprintf(`{"path":"work/%s.txt","content":"%s is done\n"}`, what, what)
	}
	return "finish", fmt.Sprintf(`{"summary":"wrote %s"}`, what)
}

func hexOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// quoted writes text as JSON.
func quoted(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(raw)
}
