// Package bolt keeps a journal in one bbolt file: the adapter of [checkpoint.Journal] for real builds.
//
// Its words: the holder is the one process that has the file open for writing; it leaves its name in
// a side file, so that a second process can say who is in the way. A poisoned journal is one whose
// store failed ambiguously.
//
// It knows the checkpoint root and bbolt, and nothing of what the records mean. Never use it on a
// network file system: the lock and the memory map are not to be trusted there.
package bolt
