// Package sandbox confines a command: argv, folder, environment by allow-list, limits, network.
//
// Its words: a [Command] is what to run; a [Policy] is what it may touch; a [Level] is how much of
// that the machine can enforce, measured by trying to break out; [Output] is what came of it.
//
// A room of its own: it knows no other room. The ladder of mechanisms stands in sandbox/ladder.
package sandbox
