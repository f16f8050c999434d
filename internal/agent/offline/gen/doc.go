// Package gen writes Go programs from a blueprint. [Core] writes what every type of project
// shares: module files, the domain package and the store package. [RestAPI] adds the HTTP service;
// the cli-tool generator lives in a package of its own and builds on Core.
//
// What Core gives to the code that is generated on top of it (shown for an entity Tool; the Go
// names of everything stand in [Names]):
//
//	package domain // import "<module>/internal/domain"
//
//	type Input map[string]any   // values by JSON key: JSON values (string, bool, json.Number, []any, nil) or Typed
//	type Typed string           // text as a person types it, read as the field's kind asks: "474", "yes", "79.90", "a, b"
//	type Errors map[string]string // what is wrong, by key; an error: "kind: unknown; name: required" (sorted)
//	var ErrNotFound             // error
//	type Conflict struct{ Key, Message string } // an error by pointer: a rule or a uniqueness (Key set) is violated
//
//	type Tool struct { ID int64; Name string; Price *Money; BoughtOn *Date; Broken bool; Tags []string; Owner int64 … }
//	    // required text, choice, email, url: string; optional ones too, "" when absent;
//	    // integer int64, decimal float64, money Money, date Date, datetime time.Time, ref int64:
//	    // plain when required or with a default, pointers when optional; bool always plain;
//	    // lists are slices of the plain type, never nil after NewTool
//	func NewTool() Tool                        // the defaults of the spec
//	func (t Tool) With(in Input) (Tool, error) // a copy with the values of in, checked whole; the error is Errors
//	func (t Tool) Text(key string) string      // cli-tool only: a field as text ("79.90", "yes", "a, b", "" when absent), also "id"
//	func ToolKeys() []string                   // cli-tool only: keys in the order of the spec, without id
//	func FilterTool(key, value string) (func(Tool) bool, error) // value as typed; the error is Errors
//	func OrderTool(key string, desc bool) (func(a, b Tool) int, error) // the error is Errors; absent values come last
//	func SearchTool(words string) func(Tool) bool // only where the spec searches: every word is in some text of the record
//
//	package store // import "<module>/internal/store"
//
//	func Open(path string) (*DB, error) // makes the folder; waits at most 2 s for another process
//	func (*DB) Close() error
//	func (*DB) CreateTool(domain.Tool) (domain.Tool, error)  // gives the id; Errors, *Conflict
//	func (*DB) GetTool(id int64) (domain.Tool, error)        // ErrNotFound
//	func (*DB) UpdateTool(id int64, change func(domain.Tool) (domain.Tool, error)) (domain.Tool, error)
//	func (*DB) DeleteTool(id int64) error
//	func (*DB) ListTools(Query) (Page[domain.Tool], error)
//	type Query struct { Where map[string]string; Search string; Sort string; Desc bool; Limit, Offset int } // zero value: all, in order of creation (or the spec's default order)
//	type Page[T any] struct { Items []T; Total int } // Total counts all that match, Items is never nil
//
// All checks that need other records (uniqueness, references, rules) are made by the store inside
// the transaction that writes.
package gen
