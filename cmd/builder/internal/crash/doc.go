// Package crash kills builder over and over on the machine and the file system at hand, and holds
// what it leaves against what builder promises (laws L1 to L4 and L6).
//
// Its words: a [Job] is a spec and a plan of many small tasks; a [Model] answers it and keeps a bill
// of its own, on the other side of every kill; a [Kind] is a way to end a process; a round is one
// process that is started, ended and looked at; a trial ([Run]) is as many rounds as were asked for,
// over as many builds as that takes; its [Matrix] says how each kind went. The oracle is what must be
// true after each round and at the end of each build.
//
// It runs builder as a person does, as a process, and reads what is on the disk. It knows neither
// package testing nor the verbs: the soak test and `builder selftest --crash` share it.
package crash
