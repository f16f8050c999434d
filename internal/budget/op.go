package budget

import "context"

// Op is the identity of one effect: build / task / attempt / step . send. Steps are numbered by
// position in the attempt's transcript; each send of a model call is an op of its own. Send is 0
// for effects that are not model calls.
type Op struct {
	Build   string `json:"build"`
	Task    string `json:"task"`
	Attempt int    `json:"attempt"`
	Step    int    `json:"step"`
	Send    int    `json:"send,omitempty"`
}

// Call is what the meter must know about a model call besides its HTTP request.
type Call struct {
	Op          Op
	Phase       string // "" for planning
	RequestHash string // ours, over neutral content; identifies the question on replay
	// Known prefix of the same conversation, model and tools: what the previous answer billed
	// (all input classes plus output) and how many request bytes that covered. Zero without one.
	PrefixTokens int64
	PrefixBytes  int64
	NewMessages  int   // messages after the prefix
	MinOutput    int64 // least useful max_tokens; the call is refused rather than shrunk below it
}

type callKey struct{}

// WithCall returns a context that carries c down to the meter.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom returns the call that a context carries.
func CallFrom(ctx context.Context) (Call, bool) {
	c, ok := ctx.Value(callKey{}).(Call)
	return c, ok
}
