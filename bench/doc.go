// Package bench measures the figures that Builder promises, each against a baseline taken in the
// same run, and prints them as one table: make bench.
//
// Its words: a row is one promise with its figure, baseline and target; bare is the same work done
// with nothing of ours in between. It asserts nothing about time: a slow machine is not a bug.
// All of it is tests, so nothing here is linked into the program.
package bench
