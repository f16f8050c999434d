// Package clitool writes command-line tools in Go from blueprints of type cli-tool.
//
// Its words: a [program] is a blueprint with every name settled; the world is an in-memory twin of
// the program to be written, in which the acceptance sessions are replayed; an observation is what
// one command printed, with the facts that the world knew at that moment; a phrase is the text
// that all observations of one kind agree on, with the facts' places left open. The generated
// program is written from the phrases, never from the sessions: what the sessions do not settle
// is printed in a documented default form, and what they contradict is reported as unknown.
//
// It must not know about models, tools, plans or the wire.
package clitool
