// Package endpoint says where a provider is reached and with which key: what every adapter that
// speaks to one over HTTP needs alike.
//
// Its words: a [Key] is a secret that prints as [redacted]; [Check] refuses an address that would
// carry it in the clear; [Hide] takes both out of foreign text; [Patience] gives up on what falls silent.
//
// It must not know about wires, models and money.
package endpoint
