package meter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// adversary is a provider that keeps a bill of its own, from what it received and what it sent, and
// that tells usage in every way, honest or not. It never bills more than a call can cost at worst
// by what has arrived: its bytes, and the limit of output that stands in it.
type adversary struct {
	mu     sync.Mutex
	rnd    *rand.Rand
	exact  map[string]budget.Micro // calls whose usage it told whole and without contradiction, by their mark
	doubt  map[string]budget.Micro // calls that it billed and told nothing usable of
	faults []string
}

// call is what a request says, in whichever dialect.
type call struct {
	Mark      string
	Output    int64
	Stream    bool
	Bytes     int64
	responses bool
	messages  bool
}

func readHostileCall(req *http.Request) (call, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return call{}, err
	}
	var body struct {
		Max1   int64  `json:"max_tokens"`
		Max2   int64  `json:"max_completion_tokens"`
		Max3   int64  `json:"max_output_tokens"`
		Stream bool   `json:"stream"`
		User   string `json:"user"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return call{}, err
	}
	return call{
		Mark: body.User, Output: body.Max1 + body.Max2 + body.Max3, Stream: body.Stream, Bytes: int64(len(raw)),
		messages: strings.HasSuffix(req.URL.Path, "/messages"), responses: strings.HasSuffix(req.URL.Path, "/responses"),
	}, nil
}

func (a *adversary) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	c, err := readHostileCall(req)
	a.mu.Lock()
	if err != nil || c.Output < 1 {
		a.faults = append(a.faults, fmt.Sprintf("a call without limit: %+v, %v", c, err))
		c.Output = 1
	}
	if _, twice := a.exact[c.Mark]; twice || a.doubt[c.Mark] > 0 {
		a.faults = append(a.faults, "a call came twice: "+c.Mark)
	}
	status, kind, answer := a.answer(c)
	a.mu.Unlock()
	rw.Header().Set("Content-Type", kind)
	rw.WriteHeader(status)
	io.WriteString(rw, answer)
}

// answer decides what a call costs and what is told of it.
func (a *adversary) answer(c call) (status int, kind, answer string) {
	u := budget.Usage{Input: 1 + a.rnd.Int64N(c.Bytes+perRequest), Output: a.rnd.Int64N(c.Output + 1)}
	if a.rnd.IntN(3) == 0 { // nearly all of it from the cache
		u.CacheRead = a.rnd.Int64N(u.Input)
		u.Input -= u.CacheRead
	}
	if !c.messages && a.rnd.IntN(3) == 0 {
		u.CacheWrite5m = a.rnd.Int64N(u.Input)
		u.Input -= u.CacheWrite5m
	}
	telling := tellings[a.rnd.IntN(len(tellings))]
	if telling == "refused" {
		return []int{429, 529, 503, 400}[a.rnd.IntN(4)], "application/json", `{"type":"error","error":{"type":"busy","message":"no"}}`
	}
	whole := c.whole(u, telling)
	kind = "application/json"
	if c.Stream {
		whole, kind = c.stream(u, telling), sse
	}
	bill := testPrice.Cost(u)
	if telling == "cut" {
		whole = whole[:a.rnd.IntN(len(whole))]
	}
	if c.told(telling) {
		a.exact[c.Mark] = bill
	} else {
		a.doubt[c.Mark] = bill
	}
	return 200, kind, whole
}

// tellings are the ways in which usage is told; the honest ones are told more often.
var tellings = []string{
	"plain", "plain", "plain", "plain", "twice", "growing", "shrinking", "negative", "missing", "null", "nonsense", "more cached than all", "cut", "refused", "early", "outside",
}

// told says whether what a call costs can be known from its answer. Anthropic's usage is a maximum
// over all that is told, and its cache counts are no part of its input.
func (c call) told(telling string) bool {
	switch telling {
	case "plain", "twice", "growing":
		return true
	case "outside", "early":
		return !c.Stream || c.responses || telling == "outside" && !c.messages
	case "more cached than all", "shrinking":
		return c.messages || telling == "shrinking" && (!c.Stream || c.responses) // told once only
	}
	return false
}

// usage is the usage object of a telling.
func (c call) usage(u budget.Usage, telling string) string {
	in, out := u.InputAll(), u.Output
	switch telling {
	case "missing", "null":
		return "null"
	case "nonsense":
		return `"lots"`
	case "negative":
		out = -1 - out
	}
	if c.messages {
		return fmt.Sprintf(`{"input_tokens":%d,"cache_creation_input_tokens":%d,"cache_creation":{"ephemeral_5m_input_tokens":%d},"cache_read_input_tokens":%d,"output_tokens":%d}`, u.Input, u.CacheWrite5m, u.CacheWrite5m, u.CacheRead, out)
	}
	names := [3]string{"prompt_tokens", "completion_tokens", "prompt_tokens_details"}
	if c.responses {
		names = [3]string{"input_tokens", "output_tokens", "input_tokens_details"}
	}
	total, cached := in+out, u.CacheRead
	switch telling {
	case "more cached than all":
		cached = in + 1
	case "outside":
		out /= 2 // the rest is reasoning, of which only the total tells
	}
	return fmt.Sprintf(`{"%s":%d,"%s":%d,"%s":{"cached_tokens":%d,"cache_write_tokens":%d},"total_tokens":%d}`, names[0], in, names[1], out, names[2], cached, u.CacheWrite5m, total)
}

func (c call) whole(u budget.Usage, telling string) string {
	usage := c.usage(u, telling)
	switch {
	case c.messages:
		return `{"type":"message","model":"m","stop_reason":"end_turn","usage":` + usage + `}`
	case c.responses:
		return `{"object":"response","status":"completed","model":"m","output":[],"usage":` + usage + `}`
	}
	return `{"model":"m","choices":[{"finish_reason":"stop"}],"usage":` + usage + `}`
}

func (c call) stream(u budget.Usage, telling string) string {
	usage := c.usage(u, telling)
	less := u
	less.Output /= 2
	switch {
	case c.messages:
		start := c.usage(budget.Usage{Input: u.Input, CacheRead: u.CacheRead, Output: 1}, "plain")
		if u.Output == 0 {
			start = strings.Replace(start, `"output_tokens":1`, `"output_tokens":0`, 1)
		}
		if telling == "missing" {
			return sseFrame("message_start", `"message":{"model":"m"}`) + messageLast("null") + sseFrame("message_stop", "")
		}
		last := messageLast(usage)
		switch telling {
		case "twice":
			last += messageLast(usage)
		case "growing":
			last = messageLast(c.usage(less, "plain")) + last
		case "shrinking":
			last += messageLast(c.usage(less, "plain"))
		case "early", "outside":
			last = messageLast("null")
		}
		return sseFrame("message_start", `"message":{"model":"m","usage":`+start+`}`) + textBlock(0, "a", "b") + last + sseFrame("message_stop", "")
	case c.responses:
		return responsesStart() + responseText(0, "a", "b") + sseFrame("response.completed", `"response":`+c.whole(u, telling))
	}
	text, stop := chatText("a", "b"), chatFrame("", "stop")
	switch telling {
	case "twice":
		return text + stop + usageFrame(usage) + usageFrame(usage) + done
	case "growing":
		return text + usageFrame(c.usage(less, "plain")) + stop + usageFrame(usage) + done
	case "shrinking":
		if less.Output == u.Output {
			less.Input, less.CacheRead, less.CacheWrite5m = 0, 0, 0
			less.Input = max(u.InputAll()-1, 1)
		}
		return text + stop + usageFrame(usage) + usageFrame(c.usage(less, "plain")) + usageFrame(`{"prompt_tokens":1,"completion_tokens":-1}`) + done
	case "early":
		return text + usageFrame(usage) + stop + done
	case "missing":
		return text + stop + done
	}
	return text + stop + usageFrame(usage) + done
}

func messageLast(usage string) string {
	return sseFrame("message_delta", `"delta":{"stop_reason":"end_turn"},"usage":`+usage)
}

// hostileAsk is a call of which the limit of output may be left to the meter.
func hostileAsk(sm sample, mark string, stream, open bool) string {
	limit := map[string]string{"": `"max_tokens":700,`, "chat": `"max_completion_tokens":700,`, "responses": `"max_output_tokens":700,`}[sm.dialect.name()]
	if open && sm.dialect.name() != "" {
		limit = ""
	}
	content := `"messages":[{"role":"user","content":"hi"}]`
	if sm.dialect.name() == "responses" {
		content = `"input":"hi"`
	}
	return fmt.Sprintf(`{"model":"m",%s"stream":%v,"user":%q,%s}`, limit, stream, mark, content)
}

// Eight workers, three dialects, streams and not, under caps from nothing to ample: the bill equals
// what is spent to the micro-dollar, call by call; what cannot be known is booked, and never below
// the bill; and the cap holds after every record. Guards reservation, counting and settlement.
func TestTheAdversarysBillIsWhatIsSpent(t *testing.T) {
	t.Parallel()
	for i, limit := range []budget.Micro{0, 1, 15_000, 100_000, 1_000_000, 100 * budget.Dollar} {
		t.Run(limit.String(), func(t *testing.T) {
			t.Parallel()
			a := &adversary{rnd: rand.New(rand.NewPCG(7, uint64(i))), exact: map[string]budget.Micro{}, doubt: map[string]budget.Micro{}}
			srv := httptest.NewServer(a)
			defer srv.Close()
			w := newWorld(budget.Caps{USD: limit})
			w.sample = func(g *budget.Guard) {
				if acc := g.Account(budget.Build); acc.Spent+acc.Unknown+acc.Held > limit {
					t.Errorf("%+v is above the cap of %s", acc, limit)
				}
			}
			client := NewClient(w.door(srv.Client().Transport))
			var wg sync.WaitGroup
			for worker := range 8 {
				wg.Go(func() { hostileWorker(t, client, srv.URL, worker) })
			}
			wg.Wait()
			a.compare(t, w, limit)
		})
	}
}

// hostileWorker makes sixty calls of every kind, one after the other.
func hostileWorker(t *testing.T, client *http.Client, url string, worker int) {
	for step := range 60 {
		sm := samples()[step%3]
		op := budget.Op{Build: "b", Task: fmt.Sprintf("t%d", worker), Attempt: 1, Step: step, Send: 1}
		req := sm.asking(t.Context(), url, hostileAsk(sm, op.String(), step%2 == 0, step%5 == 0))
		resp, err := client.Do(req.WithContext(budget.WithCall(t.Context(), budget.Call{Op: op, MinOutput: 10})))
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		var refused *budget.Refusal
		if err != nil && !errors.As(err, &refused) && !errors.Is(err, ErrIncomplete) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// compare holds the bill against the books.
func (a *adversary) compare(t *testing.T, w *world, limit budget.Micro) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faults {
		t.Error(f)
	}
	var exact, doubt budget.Micro
	for mark, bill := range a.exact {
		exact += bill
		if s := w.settled[mark]; len(s) != 1 || s[0].Fate != budget.Answered || s[0].Uncounted || s[0].Cost != bill {
			t.Errorf("%s is billed at %s and booked as %+v", mark, bill, s)
		}
	}
	for mark, bill := range a.doubt {
		doubt += bill
		if s := w.settled[mark]; len(s) != 1 || s[0].Fate != budget.Unknown && !s[0].Uncounted {
			t.Errorf("%s may be billed and is booked as %+v", mark, s)
		}
	}
	acc := w.guard.Account(budget.Build)
	if acc.Spent != exact || acc.Unknown < doubt || exact+doubt > limit || acc.Held != 0 || w.guard.Overrun != nil || len(w.spools) != 0 {
		t.Errorf("billed %s and in doubt %s, booked %+v, overrun %+v", exact, doubt, acc, w.guard.Overrun)
	}
	if limit > budget.Dollar && (len(a.exact) < 100 || len(a.doubt) < 100) {
		t.Errorf("only %d and %d calls", len(a.exact), len(a.doubt))
	}
}
