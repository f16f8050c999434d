// Package failuretest is the golden table of what can go wrong with a model call: for each row what
// comes over the wire, or which error the machine gives, and the one class that it is in. The
// classifier is tested on it alone, and whole builds are, through each adapter.
package failuretest
