package conversation

import (
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
)

// session derives a console session for a command-line tool: its help, then one record of every
// kind that a command creates, with valid values, and the lists. Only exit codes are expected; what
// the output looks like does not follow from such a spec.
func session(bp *blueprint.Blueprint) string {
	name := bp.Name
	if name == "" {
		name = "app"
	}
	lines := []string{"$ " + name + " help"}
	for _, action := range []string{"create", "list"} {
		for _, c := range bp.Commands {
			if line, ok := invocation(bp, c); ok && c.Action == action {
				lines = append(lines, "$ "+name+" "+line)
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// invocation is a command with a valid value for all that it requires; false when one of them has
// none that follows from the spec.
func invocation(bp *blueprint.Blueprint, c blueprint.Command) (string, bool) {
	words := []string{c.Name}
	for _, a := range c.Args {
		if a.Optional {
			continue
		}
		f, ok := fieldOf(bp, c.Entity, a.Field)
		if !ok {
			return "", false
		}
		v, ok := argument(f)
		if !ok {
			return "", false
		}
		words = append(words, v)
	}
	for _, a := range c.Flags {
		f, ok := fieldOf(bp, c.Entity, a.Field)
		if c.Action != "create" || !ok || !f.Required {
			continue
		}
		v, ok := argument(f)
		if !ok {
			return "", false
		}
		words = append(words, "--"+a.Name, v)
	}
	return strings.Join(words, " "), true
}

// fieldOf finds a field by its entity's name and its key.
func fieldOf(bp *blueprint.Blueprint, entity, key string) (blueprint.Field, bool) {
	for _, e := range bp.Entities {
		if e.Name != entity {
			continue
		}
		for _, f := range e.Fields {
			if f.Key == key {
				return f, true
			}
		}
	}
	return blueprint.Field{}, false
}

// argument is a valid value of f as one word of a command line.
func argument(f blueprint.Field) (string, bool) {
	var v any
	var ok bool
	switch f.Kind {
	case blueprint.Ref, blueprint.Bool:
		return "", false
	case blueprint.Choice:
		if ok = len(f.Choices) > 0; ok {
			v = f.Choices[0]
		}
	default:
		v, ok = plain(f)
	}
	if !ok {
		return "", false
	}
	word := fmt.Sprint(v)
	if word == "" || strings.ContainsAny(word, "'\"\\\n") {
		return "", false
	}
	if strings.ContainsAny(word, " \t") {
		word = "'" + word + "'"
	}
	return word, true
}
