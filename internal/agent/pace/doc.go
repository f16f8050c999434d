// Package pace lets the sends of all workers of a build through as fast as one provider allows.
//
// Its words: a [Pacer] is what all workers share; they enter it before a send and leave it with what
// came of it. Its door closes for all when the provider asks one of them to wait, and opens for one,
// then two, then four. Its buckets are the provider's limits of requests and tokens, filled by what
// its headers say. An outage is failures in a row, whoever met them: then one send at a time probes,
// ever more seldom.
//
// It knows failures and answers in neutral words, no adapter and no wire. It uses the clock of
// package time, so that testing/synctest can run it.
package pace
