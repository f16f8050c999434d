// Package verify runs one gate in one materialised tree and says what it showed.
//
// The tree is the agent's and so is all that runs in it: every command is confined, the plan's frozen
// files are laid over the tree first, and what a program says of itself counts for nothing where it
// can be measured: tests are counted from the runner's events, servers are asked over their own
// loopback, sessions are compared line by line. A gate that proves nothing (no test ran, a command
// that cannot fail) is vacuous and does not pass.
//
// A failed check is a [Report]; an error is the machine's failure. Feedback is for the agent and holds
// no path of this machine; a Signature is equal for equal failures, whatever the time or the port.
//
// It knows the words of planner and sandbox; nothing of journals, agents or money.
package verify
