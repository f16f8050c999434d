// Package openai asks models over the two wires of OpenAI: Responses, for OpenAI's own models, and
// Chat Completions, for the many servers that imitate it (Ollama, vLLM, llama.cpp, LM Studio,
// OpenRouter, Gemini's compatible endpoint).
//
// Its words: a [Client] is an [agent.Model] and an [agent.Replayer]; an [API] is one of the two wires;
// an event is one server-sent event; a gatherer collects the events of one answer; habits are what a
// server has shown that it does not take.
//
// The client is our own, over net/http (docs/decisions/0011): no retries, no environment, no
// redirects. Responses are stateless (store is false): reasoning comes encrypted and goes back as it
// came. An answer is complete only with its finish reason or status and the stream's last event; a
// stream that ends before is a failure. Package failure classifies what failed.
//
// It must not know about money, journals and tools: the HTTP client it is given may reserve, record
// and refuse, and errors of that client's own come back as they are.
package openai
