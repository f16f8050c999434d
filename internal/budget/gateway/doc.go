// Package gateway is the meter on a loopback port, for agents that are programs of their own.
//
// A [Gateway] listens on 127.0.0.1 and passes model calls on through a [meter.Transport]: reserved
// before they leave, settled before anything to act on is seen, recorded. Whoever is to ask gets a
// [Ticket]: an address with a random token in its path, which says in whose name the calls are made.
//
// Its words, besides those of packages budget and meter: an asker is the program behind a ticket; an
// answer is delivered when it was handed to an asker to its end; a call is orphaned when its asker went
// away before. A question is what a request asks, whatever else stands in it.
//
// It knows package budget and its meter and nothing else of this program.
package gateway
