// Package agenttest helps to test what talks to models and what answers like one.
//
// Its words: a [Turn] is one scripted answer; [Model] gives scripted answers in process; [Server]
// gives them over the wires of Anthropic and OpenAI, streamed or whole, with faults; [RunModel] is the
// promise of [agent.Model] in executable form, which every adapter runs.
//
// The scripts are deterministic: the same script gives the same bytes.
package agenttest
