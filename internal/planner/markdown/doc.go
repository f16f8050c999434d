// Package markdown reads a specification written in Markdown into a [planner.Spec].
//
// [Read] opens a file and refuses what is no spec: missing, empty, a folder or a pipe, over 4 MiB,
// not UTF-8, with control characters. [Parse] finds the front matter, the sections, the project's
// name and type, the requirements with their lines, and the acceptance blocks as gates. Every fault
// is a [planner.Problem] with a code, a place and a hint.
//
// The text is hostile: it configures nothing, and reading it costs time and memory in proportion
// to its size. Only the block structure is parsed; texts stay as they were written.
package markdown
