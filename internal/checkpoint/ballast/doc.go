// Package ballast holds space back on a disk, so that a build that meets a full one can still write
// down what it knows: the answer that is arriving, its settlement, why it pauses, its report.
//
// It knows no other room and not what the space is for.
package ballast
