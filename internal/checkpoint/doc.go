// Package checkpoint keeps what a build must never lose: the journal and the blobs.
//
// Its words: a [Record] is one fact, kept in an [Envelope] with its sequence number; a [Journal] is
// the append-only truth of one build; a [Snapshot] lets a journal be opened without reading its
// history; a blob is content stored once under its SHA-256 ([Blobs]).
//
// A room of its own: it knows no other room and not what the records mean. The promise that every
// store keeps is executable in checkpoint/checkpointtest; bolt and the in-memory store pass it.
package checkpoint
