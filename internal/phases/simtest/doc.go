// Package simtest lives whole builds in a simulated world, thousands of them in seconds: crashes, losses of
// power, failing disks and an unreliable provider, all drawn from one seed, in the fake time of
// testing/synctest.
//
// What is real: the engine, its writer, door and recovery, the meter with its spools, the blob store,
// the pacer, the provider's client, the agent's loop. What is simulated: the [disk] below them, which
// loses what was not synced; the journal, repository and scratch trees on that disk; the provider, which is
// another machine and keeps a ledger of its own; tools and gates.
//
// Its words: a world is what outlives processes; a life is one process, to its end or its crash; a
// turnstile lets one goroutine go at a time, so that the seed alone decides the order of all that
// happens; the book is what the durable records say about money, kept by other code than the guard's;
// the oracle is what must hold, whatever happened.
//
// It is made of tests only: nothing imports it.
package simtest
