// Package phases runs a build: records, the state folded from them, the scheduler, and the one
// loop with effects.
//
// Its words: a [Record] payload is one fact; [State] is the fold of all records; [Next] says what
// to do now and is pure, like [State.Apply]: no clock, no I/O, no randomness. Everything that
// touches the world goes through one door, [Door.Do]: if the journal has the outcome of an op, that
// is the answer; else the intent is recorded, the effect runs, the outcome is recorded. To resume is
// to run the same loop again. One [Writer] owns the state and the budget's guard.
//
// It knows the roots of planner, agent, budget and checkpoint, and none of their adapters; what it
// needs of the world it declares in ports.go and is given by cmd/builder.
package phases
