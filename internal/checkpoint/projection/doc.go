// Package projection writes what other programs may read of a build while it runs: events.ndjson, one
// line a record, and status.json, replaced as a whole.
//
// A projection is never the truth and never synced: what is missing or torn is cut and written again
// from the journal at the next start. It knows the checkpoint root only, and not what records mean.
package projection
