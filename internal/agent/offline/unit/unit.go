// Package unit holds the words that the generators of the offline model share: what a generator
// writes for one step of work. It knows no spec and no template.
package unit

// File is one generated file. Path is slash-separated and relative to the project's folder.
type File struct {
	Path    string
	Content string
}

// Unit is a piece of a project that builds and passes its tests on top of the units before it.
type Unit struct {
	Name  string // stable, lower case, e.g. "store"
	Title string // for people, e.g. "Storage"
	Goal  string // what it adds, in one sentence
	Files []File // in writing order
}
