// Package control is how a person, or a program of theirs, gives orders to a running build: one JSON
// object a line over a Unix socket (docs/control.md).
//
// Its words: a greeting says which build listens; a request is one order; a reply acknowledges it by
// the number of its record, or says why it was not taken. What orders do is the handler's business:
// this room knows no journal, no money and no agent.
//
// Whoever connects is not trusted: other users are refused, lines and times are bounded, and what
// does not parse ends the connection and nothing else.
package control
