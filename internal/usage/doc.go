// Package usage keeps what builds on this machine have cost, and what they were estimated to cost.
//
// Its words: a [Build] is one known build with its totals, its estimate and its actuals; the
// [Register] keeps one file per build and replaces it atomically.
//
// A room of its own: it knows no other room and no journal; whoever runs builds tells it.
package usage
