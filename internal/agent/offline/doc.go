// Package offline is the model that Builder has built in: an http.Handler that speaks the Anthropic
// Messages API, Chat Completions and Responses (answers whole or as a stream, tools, structured
// output, token counts, models). It is no language model and says so; what it says is decided by rule
// in package conversation, whatever the wire.
//
// Its words: [Handler] makes a [Server], which answers requests and keeps a [Ledger] of them;
// [NewTransport] puts any handler behind an http.RoundTripper without a socket, so that the offline
// model sits behind the meter like any provider; [Serve] offers it on a listener.
//
// The same request always has the same answer, byte for byte: ids derive from the request's hash and
// no clock is read (unless prompt caching is accounted for, see [Options]). Tokens are counted by one
// rule, ceil(bytes / 3.6), over what the request and the answer say.
//
// It must not know budgets, journals, plans or git.
package offline
