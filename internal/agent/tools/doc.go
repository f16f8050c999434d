// Package tools gives an agent hands: files below one folder, and commands in a sandbox.
//
// Its words: a [Toolbox] offers the tools of one work tree; a [Fault] is a refusal with a stable
// code, which the model gets as a tool result. Each tool stands in a file of its own beside the
// words the model reads about it (edit.go, edit.md).
//
// It is where hostile input meets the file system. Paths come from a model that may have been
// talked into anything: they are checked by name, then walked folder by folder on open handles,
// without following a link, and never resolved again (confine.go). Commands run only through the
// [Runner], which confines them.
//
// It must not know about journals, money, plans or git.
package tools
