// Package archive is the one file in which a checkpoint travels: a tar under zstd that begins with the
// journal and ends with a manifest of everything before it.
//
// Its words: an [Entry] is one part, by name, size and SHA-256; the [Manifest] names the format's
// version, the build and all entries. A file that was cut has no manifest; one that was altered does
// not fit it. Names are of a few fixed forms and no paths: nothing that is read can choose a place.
//
// It knows the checkpoint root, and neither what records mean nor where the parts go.
package archive
