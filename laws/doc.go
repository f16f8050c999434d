// Package laws keeps the design's laws testable: for each law the guarding lines, the mutation that
// takes each of them away, and the tests that must fail then. The table is checked with every test
// run; make laws tries all mutations, each in an overlay of the sources, so that no file is touched.
// All of it is tests, so nothing here is linked into the program.
package laws
