// Package workspace keeps scratch trees and the user's repository: the adapter of [phases.Trees] and
// [phases.Repo].
//
// Its words: a scratch tree is a folder in which an agent works, with no .git in or above it; its
// identity is its manifest. A materialised tree is a folder that was made from a manifest. The user's
// folder is the work tree of the repository; a path there that is not what the builder left is the
// user's edit, found, named and never overwritten.
//
// The rules are: no git command, hook, filter or foreign configuration runs; no link is followed out
// of a folder; a branch moves by our own lock file, compared and synced; everything can be done again
// after a crash at any point. It knows the roots of phases and checkpoint, and not what a task is.
package workspace
