// Package agent carries out one task by talking to a model and running its tools.
//
// Its words: [Message] and [Block] are the conversation, free of any provider; [Model] answers it;
// a [Toolbox] acts for it; a [Verifier] decides whether the work is done; [Loop] is the native
// engine that ties the four together, and [Brief] renders what an agent is told first.
//
// A room of its own: it knows no other room. It must not know about journals, money, plans or git:
// whoever needs those decorates Model, Toolbox and Verifier (package phases does).
package agent
