// Package planner turns a specification into a plan.
//
// Its words: a [Spec] has sections and [Requirement]s with ids and source lines; a [Plan] says
// everything a build will do: setup, phases, tasks, gates and estimates. [Validate] finds every
// problem of a plan at once; Draft asks a model for one through the [Asker] it declares; Estimate
// turns a plan into quantities of calls and tokens.
//
// A room of its own: it knows no other room, runs nothing, and its root uses the standard library
// only. Markdown is read in planner/markdown, plan files in planner/planfile.
package planner
