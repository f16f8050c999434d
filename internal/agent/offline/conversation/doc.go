// Package conversation decides what the offline model says next. It is stateless: every answer
// follows from the request alone, by rule, so that the same request always has the same answer.
//
// Its words: [Work] is what can be derived from one spec, made of [Unit]s (one unit is one task's
// files); an [Author] derives it; a [Speaker] answers a request. Three kinds of requests have an
// answer of their own: the planner's structured question (a plan draft), an engineer's task (tool
// calls that write the unit's files, or blocked with the reason), and everything else (a plain text
// that says what is talking).
//
// It never pretends: what no rule covers is answered as blocked, naming each requirement, its lines
// and why. It must not know HTTP, streams, prices or clocks: package offline does.
package conversation
