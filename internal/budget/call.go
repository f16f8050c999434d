package budget

import "context"

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

// Scopes lists the scopes that the call counts in, the widest first.
func (c Call) Scopes() []Scope {
	scopes := []Scope{Build}
	if c.Phase != "" {
		scopes = append(scopes, PhaseScope(c.Phase))
	}
	return append(scopes, TaskScope(c.Op.Task))
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
