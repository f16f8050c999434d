// Package budget keeps the cap: money and tokens are reserved before a call and settled after it.
//
// Its words: [Micro] is money; a [Price] is a dated row of the [Table]; an [Op] is the identity of
// one effect; a [Call] is what the meter must know of a model call; an [Ask] is the wish to send
// it; a [Hold] is money and tokens reserved for a call not yet settled; a [Settlement] is how it
// ended; unknown is a hold whose call may have been billed and whose answer was lost; a [Scope] is
// what a cap is on; the [Guard] admits or refuses and is a pure fold: no clock, no I/O.
//
// A room of its own: it knows no other room. budget/meter is the one door every model call passes.
package budget
