// Package blueprint reads the structured parts of a specification by rule: entities and their
// fields, endpoints, commands, rules, pages. It derives from the spec's own nouns and invents
// nothing; what it does not understand is listed as unknown, with its place, so that the offline
// model can say which requirement needs a real model.
package blueprint
