// Package toolchain finds the compilers and package managers of this machine and says what a
// sandbox must grant for them: a [sandbox.Profile].
//
// It looks at files only and runs nothing, so that it costs milliseconds and no program of PATH runs
// outside a sandbox. From the user's environment it takes what is on its lists, nothing else; values
// that carry a user or password are left out.
//
// Caches lie below the folder it is given. Agents and gates MUST be given different ones: what an
// agent can write, no gate may read.
package toolchain
