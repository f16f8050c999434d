package clitool

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
)

// commandView is what the template of a command's file sees.
type commandView struct {
	*writer
	c     *command
	g     gen.Entity // zero when the command works on all entities
	Body  string     // of the run function
	Extra string     // declarations after it
}

func (w *writer) commandView(c *command) commandView {
	v := commandView{writer: w, c: c}
	if c.entity != nil {
		v.g = w.names.Entities[c.entity.index]
	}
	switch c.Action {
	case blueprint.ActCreate:
		v.Body = v.createBody()
	case blueprint.ActShow, blueprint.ActUpdate, blueprint.ActSet, blueprint.ActDelete:
		v.Body, v.Extra = v.eachBody()
	case blueprint.ActList, blueprint.ActSearch:
		v.Body, v.Extra = v.listBody()
	case blueprint.ActStats:
		v.Body = v.statsBody()
	case blueprint.ActExport:
		v.Body = v.exportBody()
	default:
		v.Body = v.importBody()
	}
	v.Body, v.Extra = neat(v.Body), neat(v.Extra)
	return v
}

var outWord = regexp.MustCompile(`\bout\b`)

// neat drops empty lines, and the declaration of out where nothing is printed.
func neat(body string) string {
	for strings.Contains(body, "\n\n") {
		body = strings.ReplaceAll(body, "\n\n", "\n")
	}
	body = strings.ReplaceAll(body, "}\n//", "}\n\n//")
	if len(outWord.FindAllString(body, 2)) == 1 {
		body = strings.Replace(body, "out := cmd.OutOrStdout()\n", "", 1)
	}
	return body
}

// Name is the command's path.
func (v commandView) Name() string { return v.c.Name }

// Constructor is the function that makes the command.
func (v commandView) Constructor() string { return constructor(v.c) }

// Run is the function that carries it out.
func (v commandView) Run() string {
	return "run" + strings.TrimSuffix(strings.TrimPrefix(constructor(v.c), "new"), "Command")
}

// Describe is what the command does, in the spec's words.
func (v commandView) Describe() string { return describe(v.c) }

// Short is the line in the help.
func (v commandView) Short() string { return cmp.Or(describe(v.c), v.c.Name) }

func describe(c *command) string {
	text := strings.Join(strings.Fields(strings.ReplaceAll(c.Text, "`", "")), " ")
	for _, stop := range []string{". ", "; "} {
		text, _, _ = strings.Cut(text, stop)
	}
	return strings.TrimRight(text, ".;,: ")
}

// Use is the usage line without the words before the last.
func (v commandView) Use() string {
	_, rest, _ := strings.Cut(usageLine(v.c), v.c.Name)
	words := strings.Fields(v.c.Name)
	return words[len(words)-1] + withoutFlags(v.c, rest)
}

func withoutFlags(c *command, _ string) string {
	var b strings.Builder
	for _, a := range c.Args {
		b.WriteString(" " + argUsage(a))
	}
	return b.String()
}

func argUsage(a blueprint.Arg) string {
	s := strings.ToUpper(a.Name)
	if a.Many {
		s += "..."
	}
	if a.Optional {
		s = "[" + s + "]"
	}
	return s
}

// usageLine is the full usage of a command without the program's name.
func usageLine(c *command) string {
	s := c.Name + withoutFlags(c, "")
	for _, f := range c.Flags {
		switch {
		case f.Bool:
			s += " [--" + f.Name + "]"
		case f.Optional:
			s += " [--" + f.Name + " " + f.Value + "]"
		default:
			s += " --" + f.Name + " " + f.Value
		}
	}
	return s
}

// Positional is the check of the arguments' number.
func (v commandView) Positional() string {
	required, many := 0, false
	var names []string
	for _, a := range v.c.Args {
		if !a.Optional {
			required++
		}
		many = a.Many
		names = append(names, strconv.Quote(strings.ToUpper(a.Name)))
	}
	s := fmt.Sprintf("positional(%d, %t", required, many)
	for _, n := range names {
		s += ", " + n
	}
	return s + ")"
}

// FlagLines are the statements that declare the flags.
func (v commandView) FlagLines() []string {
	var out []string
	for _, f := range v.c.Flags {
		kind, zero := "String", `""`
		switch {
		case f.Bool:
			kind, zero = "Bool", "false"
		case f.Many:
			kind, zero = "StringArray", "nil"
		}
		name, letter := f.Name, f.Short
		short := ""
		if letter != "" && letter != name {
			kind, short = kind+"P", ", "+strconv.Quote(letter)
		} else if len(name) == 1 {
			kind, short = kind+"P", ", "+strconv.Quote(name)
		}
		out = append(out, fmt.Sprintf("cmd.Flags().%s(%q%s, %s, %q)", kind, name, short, zero, v.flagHelp(f)))
	}
	return out
}

func (v commandView) flagHelp(f blueprint.Arg) string {
	switch f.Use {
	case blueprint.UseSort:
		return "the field to order by"
	case blueprint.UseDesc:
		return "turn the order round"
	case blueprint.UseLimit:
		return "show at most this many"
	case blueprint.UseAll:
		return "show all"
	case blueprint.UseJSON:
		return "print JSON"
	case blueprint.UseFormat:
		return cmp.Or(f.Equals, "json or csv")
	case blueprint.UseBy:
		return "the field to group by"
	}
	if v.c.entity == nil {
		return f.Name
	}
	if fd := v.c.entity.field(f.Field); fd != nil {
		words := map[string]string{"": "", "<": " before", "<=": " up to", ">": " after", ">=": " from", "prefix": " in"}[f.Compare]
		if f.Bool && f.Equals == "no" {
			words = ": no"
		}
		if len(fd.Choices) > 0 {
			words += " (" + strings.Join(fd.Choices, ", ") + ")"
		}
		return strings.ToLower(fd.Name) + words
	}
	return f.Name
}

// flag finds a flag by its use, nil when the command has none.
func (v commandView) flag(use blueprint.ArgUse) *blueprint.Arg {
	i := slices.IndexFunc(v.c.Flags, func(f blueprint.Arg) bool { return f.Use == use })
	if i < 0 {
		return nil
	}
	return &v.c.Flags[i]
}
