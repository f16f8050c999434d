package meter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// Sizes that bound memory, in bytes.
const (
	maxRequest  = 64 << 20
	maxAnswer   = 64 << 20 // of an answer that is not streamed
	maxFailure  = 1 << 20
	maxFrame    = 16 << 20
	maxWithheld = 64 << 20
	syncEvery   = 64 << 10 // spooled bytes that a loss of power may cost
)

// openOutput is the most output tokens of a call that names no limit, where the model's own is not
// known.
const openOutput = 32_000

// Transport is the one door of model calls: an http.RoundTripper that reserves before it sends and
// settles before it lets the caller see anything to act on. Ledger, Prices and Spools MUST be set.
// It is safe for concurrent use and never sends a request twice.
//
// The rules are:
//   - a request is a model call, known to be free, or refused (ErrUnmetered);
//   - a model call needs a budget.Call in its context, a price, and a hold that is durable before its
//     first byte leaves; max_tokens is rewritten to what the hold allows;
//   - each hold is settled exactly once, whatever the caller, the network or the provider do; only an
//     answer that the disk does not take is left, in its spool and held, to the next start;
//   - text and thinking of a stream are passed as they come; the frame that completes the first tool
//     call, and all after it, are withheld until the terminal frame has come and the settlement is
//     durable; the settlement does not wait for the end of the connection;
//   - an answer that is not streamed is withheld whole;
//   - an answer that is not complete is settled as unknown, and nothing withheld of it is released.
type Transport struct {
	Base         http.RoundTripper                        // sends; nil means http.DefaultTransport
	Ledger       Ledger                                   // keeps holds
	Prices       func(model string) (budget.Price, error) // at the present time; an error refuses the call
	Spools       Spools                                   // keep answers while they arrive
	Blobs        Blobs                                    // keeps requests and the bodies of error statuses; may be nil
	Origin       string                                   // scheme and host of the provider; whatever goes elsewhere is refused; "" means anywhere
	Count        bool                                     // ask Anthropic's free count of tokens before a call is refused
	KeepRequests bool                                     // keep each request body among the blobs
	Warn         func(error)                              // told of what does no harm, such as a spool that stays behind; may be nil
	Now          func() time.Time                         // for retry-after dates; nil means time.Now

	frameLimit, withheldLimit int // tests make them small
}

// NewClient returns a client that sends through rt and follows no redirect: a redirect would carry
// the key elsewhere and send the request again.
func NewClient(rt http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip sends one request. Errors of the ledger, such as *budget.Refusal, and ErrUnmetered and
// ErrIncomplete are found with errors.Is and errors.As.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		return nil, errors.Join(err, closeBody(req))
	}
	d, kind := dialectOf(req)
	switch kind {
	case free:
		return t.base().RoundTrip(req)
	case refused:
		return nil, errors.Join(unmetered("%s %s is not known", req.Method, clean(req.URL.Path)), closeBody(req))
	}
	body, err := readRequest(req)
	if err != nil {
		return nil, err
	}
	q, err := d.question(req, body)
	if err != nil {
		return nil, err
	}
	ask, err := t.ask(req, d, &q)
	if err != nil {
		return nil, err
	}
	hold, err := t.reserve(req, d, q, ask)
	if err != nil {
		return nil, fmt.Errorf("reserve for %s: %w", ask.Call.Op, err)
	}
	return t.send(req, d, q, hold)
}

// ask turns the question into the wish for a hold. A call that leaves its output open asks for what
// the model can.
func (t *Transport) ask(req *http.Request, d dialect, q *question) (budget.Ask, error) {
	call, ok := budget.CallFrom(req.Context())
	if !ok {
		return budget.Ask{}, unmetered("its context carries no op")
	}
	if err := call.Op.Check(); err != nil {
		return budget.Ask{}, unmetered("%w", err)
	}
	price, err := t.Prices(q.model)
	if err != nil {
		return budget.Ask{}, fmt.Errorf("price %s: %w", call.Op, err)
	}
	if q.long && price.Window < 1_000_000 {
		return budget.Ask{}, unmetered("no price is known for the long window of %s", clean(q.model))
	}
	if q.maxTokens == 0 {
		if q.maxTokens = price.MaxOutput; q.maxTokens < 1 {
			q.maxTokens = openOutput
		}
	}
	input, err := worstInput(*q, call, price.Window)
	if err != nil {
		return budget.Ask{}, err
	}
	if q.thinking > 0 {
		call.MinOutput = max(call.MinOutput, q.thinking+1)
	}
	ask := budget.Ask{
		Call: call, Model: q.model, Price: price, InputTokens: input, MaxTokens: q.maxTokens,
		Cache: q.cache, WebSearches: q.searches, Dialect: d.name(),
	}
	if t.KeepRequests && t.Blobs != nil {
		if ask.RequestBlob, err = t.Blobs.Put(req.Context(), q.body); err != nil {
			return budget.Ask{}, fmt.Errorf("keep request of %s: %w", call.Op, err)
		}
	}
	return ask, nil
}

// outgoing is the request as it leaves: a clone whose body can be read once, so that nothing below
// can send it again, and whose answer comes unpacked.
func outgoing(req *http.Request, body []byte) (*http.Request, *onceBody) {
	once := &onceBody{rest: bytes.NewReader(body)}
	out := req.Clone(req.Context())
	out.Body, out.GetBody, out.ContentLength, out.TransferEncoding = once, nil, int64(len(body)), nil
	for key := range out.Header {
		// net/http sends a request with an idempotency key again by itself when a connection drops.
		if k := strings.ToLower(key); k == "idempotency-key" || k == "x-idempotency-key" || k == "expect" {
			delete(out.Header, key)
		}
	}
	out.Header.Set("Accept-Encoding", "identity")
	return out, once
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

func (t *Transport) warn(err error) {
	if t.Warn != nil && err != nil {
		t.Warn(err)
	}
}

func (t *Transport) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

func readRequest(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, unmetered("it has no body")
	}
	var body bytes.Buffer
	body.Grow(int(max(0, min(req.ContentLength, maxRequest))) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(req.Body, maxRequest+1))
	if err = errors.Join(err, req.Body.Close()); err != nil {
		return nil, fmt.Errorf("read model call: %w", err)
	}
	if body.Len() > maxRequest {
		return nil, unmetered("it has more than %d bytes", maxRequest)
	}
	return body.Bytes(), nil
}

func closeBody(req *http.Request) error {
	if req.Body == nil {
		return nil
	}
	return req.Body.Close()
}
