// Package meter is the one door every model call passes: reserve, send, spool, settle.
//
// A [Transport] stands in front of any http.RoundTripper. For each model call it asks the [Ledger]
// for a hold before the first byte leaves, keeps the raw answer in a spool as it arrives, and
// settles the hold exactly once. A caller never sees a finished tool call before the settlement,
// and with it the answer, is durable.
//
// Its words, besides those of package budget: a frame is one server-sent event; a frame is passed
// at once or withheld until the settlement; the terminal frame is the one that ends an answer; a
// dialect is the wire format of a provider: Anthropic's Messages, OpenAI's Chat Completions and
// Responses. An answer is uncounted when it is complete and its usage is missing or cannot be.
//
// It knows package budget and nothing else of this program: stores come in through the interfaces
// that it declares.
package meter
