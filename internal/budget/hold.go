package budget

import "fmt"

// CacheUse says which cache writes a request can cause, so that the hold need not reckon with all.
type CacheUse string

// The cache writes that a request can cause. A longer one allows the shorter.
const (
	CacheAny  CacheUse = "" // not known: the dearest class is held
	CacheNone CacheUse = "none"
	Cache5m   CacheUse = "5m"
	Cache1h   CacheUse = "1h"
)

// Ask is a wish to send a model call: what it can cost at worst. The writer turns it into a Hold.
type Ask struct {
	Call        Call     `json:"call"`
	Model       string   `json:"model"`
	Price       Price    `json:"price"`             // the row it will be priced by; pinned in the hold
	InputTokens int64    `json:"input_tokens"`      // upper bound of all input tokens
	Counted     int64    `json:"counted,omitempty"` // the provider's own count, where InputTokens rests on it
	MaxTokens   int64    `json:"max_tokens"`        // most output tokens asked for
	Cache       CacheUse `json:"cache,omitempty"`
	WebSearches int64    `json:"web_searches,omitempty"` // most searches that the provider may make
	RequestBlob string   `json:"request_blob,omitempty"`
	Dialect     string   `json:"dialect,omitempty"` // wire format of the call, in the meter's words; "" is Anthropic's Messages
}

// Hold is an admitted ask: money and tokens reserved in every scope until the call is settled.
type Hold struct {
	Op          Op       `json:"op"`
	RequestHash string   `json:"request_hash"`
	Model       string   `json:"model"`
	Price       Price    `json:"price"`
	Scopes      []Scope  `json:"scopes"`
	InputTokens int64    `json:"input_tokens"`
	Counted     int64    `json:"counted,omitempty"` // the provider's own count, where InputTokens rests on it
	MaxTokens   int64    `json:"max_tokens"`        // what may be sent; at most what was asked
	Money       Micro    `json:"money"`
	Tokens      int64    `json:"tokens"`
	Cache       CacheUse `json:"cache,omitempty"`
	WebSearches int64    `json:"web_searches,omitempty"`
	RequestBlob string   `json:"request_blob,omitempty"`
	Dialect     string   `json:"dialect,omitempty"` // wire format of the call, in the meter's words; "" is Anthropic's Messages
}

// Fate is how a send ended, as far as money is concerned.
type Fate string

// The fates of a send.
const (
	Answered Fate = "answered" // complete: Cost is exact, unless it is Uncounted
	Free     Fate = "free"     // it surely was not billed: an error status before any output, or never left
	Unknown  Fate = "unknown"  // it may have been billed; the whole hold is booked
)

// Settlement is the outcome of a send. Answer is the blob of the raw body, also of errors and of
// what arrived before a cut. Status is the HTTP status, 0 when no response came.
type Settlement struct {
	Op           Op     `json:"op"`
	Fate         Fate   `json:"fate"`
	Model        string `json:"model,omitempty"` // as the answer names it
	Usage        Usage  `json:"usage"`
	Cost         Micro  `json:"cost"` // computed from Usage and the hold's price, rounded up
	Answer       string `json:"answer,omitempty"`
	ContentType  string `json:"content_type,omitempty"`
	Status       int    `json:"status,omitempty"`
	Stop         string `json:"stop,omitempty"`
	ErrorType    string `json:"error_type,omitempty"`
	Error        string `json:"error,omitempty"`      // sanitised, for people
	RequestID    string `json:"request_id,omitempty"` // the provider's
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
	Reported     Micro  `json:"reported,omitempty"`  // what the provider says that it cost; 0 when it does not say
	Uncounted    bool   `json:"uncounted,omitempty"` // answered without usable usage: the whole hold is booked as unknown
	Overrun      bool   `json:"overrun,omitempty"`   // it cost or counted more than its hold: all sends stop
}

// Refusal is a call that was not sent because it does not fit. It is found with errors.As.
type Refusal struct {
	Scope   Scope
	Tokens  bool // the cap on tokens, not on money, is reached
	Cap     int64
	Used    int64  // spent + unknown + held before this call
	Need    int64  // worst case of the smallest useful call
	Held    int64  // of Used, what other calls hold: some of it comes back when they are settled
	Task    string // the task that is not begun for it: Need is the least that its estimate says
	Overrun bool   // an earlier call cost more than its hold; nothing is sent any more
}

// Error names the scope and the figures.
func (r *Refusal) Error() string {
	if r.Overrun {
		return "an earlier call cost more than its hold; nothing more is sent"
	}
	if r.Task != "" {
		return r.unbegun()
	}
	if r.Tokens {
		return fmt.Sprintf("cap of %s reached: %d of %d tokens used, the next call can need %d", r.Scope, r.Used, r.Cap, r.Need)
	}
	return fmt.Sprintf("cap of %s reached: %s of %s used, the next call can need %s", r.Scope, Micro(r.Used), Micro(r.Cap), Micro(r.Need))
}

func (r *Refusal) unbegun() string {
	if r.Tokens {
		return fmt.Sprintf("cap of %s: task %s is not begun, by its estimate it needs at least %d tokens, and %d of %d are used or promised to others", r.Scope, r.Task, r.Need, r.Used, r.Cap)
	}
	return fmt.Sprintf("cap of %s: task %s is not begun, by its estimate it needs at least %s, and %s of %s are used or promised to others", r.Scope, r.Task, Micro(r.Need), Micro(r.Used), Micro(r.Cap))
}
