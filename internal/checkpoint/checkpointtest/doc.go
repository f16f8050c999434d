// Package checkpointtest is the promise of package checkpoint in executable form. A store passes
// [Run], [RunBlobs] and [RunSpools], or it is not a store. It knows the checkpoint root only.
package checkpointtest
