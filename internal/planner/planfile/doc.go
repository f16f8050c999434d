// Package planfile reads and writes plans as YAML that people edit.
//
// [Decode] is strict: unknown and doubled keys, several documents, alias bombs, numbers in place of
// durations and files over 16 MiB are [planner.Problems] with lines and hints. [Encode] writes what
// Decode reads back unchanged. [Schema] is the published JSON schema, made from the Go types.
//
// It knows the format only; whether a plan makes sense is planner.Validate's to say.
package planfile
