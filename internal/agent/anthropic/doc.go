// Package anthropic asks models over the Anthropic Messages API, with the official SDK.
//
// Its words: a [Client] is an [agent.Model] and an [agent.Replayer]. The SDK is kept on a short lead:
// no retries (every send is budgeted on its own), no environment defaults (no variable and no profile
// file chooses the key or the address), no redirects (the key goes to the configured host only), no
// telemetry of its own.
//
// An answer is complete only with its stop reason and the stream's last event: the SDK reports a
// stream that was cut cleanly as success, this package as a failure. What failed is put in exactly
// one class (classify.go).
//
// It must not know about money, journals and tools: the HTTP client it is given may reserve,
// record and refuse, and errors of that client's own come back as they are.
package anthropic
