// Package blob keeps blobs and spools in folders: the adapter of [checkpoint.Blobs] and
// [checkpoint.Spools] for real builds.
//
// Its words: a blob stands at `ab/abcdef…`, raw, or at `ab/abcdef….zst`, compressed, where abcdef… is
// its hash; either is the blob. A file comes to its name by a link from a synced temporary file, so a
// name never stands for half a content. A spool is a file that grows while an answer arrives; keeping
// it links, never renames, it into the blobs, because its name is the only way from an op to its answer.
//
// Folders are 0700 and files 0600. It knows the checkpoint root and zstd, and nothing of contents.
package blob
