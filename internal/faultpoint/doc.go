// Package faultpoint names the places where a build can be made to fail on purpose: fault points.
//
// Its words: a point is a named step of the write-ahead order; a fault is what happens there: the
// process is killed, panics, is told to stop, or the step fails. Points exist in a binary that was
// built with `-tags faults`; in any other every function here is empty and costs nothing.
//
// Faults are ordered by the environment, and only there:
//
//	BUILDER_FAULT=commit.before_ref:kill@2,spool.append:short   a list of POINT:KIND[@N]
//	BUILDER_FAULT_SEEN=FILE                                      every point that is reached, a line each
//
// @N is the N-th time that the point is reached, the first without it; @N+ is that time and all
// after it. The point * stands for all of them under one count: those that can fail, for a fault
// that is a failure, and all for any other.
//
// Any room may know this package: it knows nobody, and what it does is decided outside.
package faultpoint
