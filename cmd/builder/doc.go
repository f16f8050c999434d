// Command builder turns a specification in plain language into a working, tested, committed
// application, under a hard budget, resumable from any interruption.
//
// One file per verb. wire.go is the only file that knows every adapter; exit.go the only one that
// knows exit codes; fault.go says how an error reaches a person.
package main
