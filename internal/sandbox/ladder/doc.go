// Package ladder holds the mechanisms that enforce a [sandbox.Policy], best first: bubblewrap, our
// own namespaces, Landlock alone, nothing. [Measure] takes the best rung that holds when a child
// tries to break out of it; no level is assumed.
//
// Every rung runs the same helper: this very program, executed again under the word "__sandbox".
// It is handed its orders in a memory file and a control socket, confines one thread, starts the
// command from that thread, reaps what the command leaves, hands out connections to the command's
// own loopback, and dies, taking all with it, as soon as the control socket closes. So a supervisor
// that is killed leaves nothing behind, and no signal bound to an OS thread is needed for it.
//
// A program that uses this package calls [Helper] first thing in main, and in TestMain.
//
// It knows the root package sandbox and the kernel; nothing of agents, plans or toolchains.
package ladder
