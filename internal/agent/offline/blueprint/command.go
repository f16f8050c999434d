package blueprint

import (
	"fmt"
	"slices"
	"strings"
)

// ArgUse says what a program does with an argument or a flag.
type ArgUse string

// The uses of arguments and flags.
const (
	UseField  ArgUse = "field"  // the value of Arg.Field; on a list it filters
	UseID     ArgUse = "id"     // names the record by its number
	UseLookup ArgUse = "lookup" // names the record by the value of Arg.Field
	UseRef    ArgUse = "ref"    // names the record by the record its Arg.Field refers to
	UseWords  ArgUse = "words"  // what to search for
	UseFile   ArgUse = "file"   // a file to read or write
	UseSort   ArgUse = "sort"   // the field to order by
	UseDesc   ArgUse = "desc"   // turns the order round
	UseLimit  ArgUse = "limit"  // at most this many records
	UseAll    ArgUse = "all"    // also those that the default leaves out
	UseJSON   ArgUse = "json"   // print JSON
	UseFormat ArgUse = "format" // json or csv
	UseBy     ArgUse = "by"     // the field to group by
	UseData   ArgUse = "data"   // where the data lives
)

// The actions of commands.
const (
	ActCreate = "create"
	ActList   = "list"
	ActShow   = "show"
	ActUpdate = "update"
	ActSet    = "set"
	ActDelete = "delete"
	ActSearch = "search"
	ActStats  = "stats"
	ActExport = "export"
	ActImport = "import"
	ActOther  = "other"
)

// Command is one command of a command-line tool. Name holds the words of its path: "add" or
// "book add".
type Command struct {
	Name   string
	Args   []Arg
	Flags  []Arg
	Entity string // "" for stats, export and import means all
	Action string // one of the Act constants
	Set    []Match
	Says   []string // what it prints, where the prose quotes it: "added TITLE (#ID)"
	Text   string   // the prose after the usage
	Line   int
}

// Arg is an argument or a flag of a command.
type Arg struct {
	Name     string // flag name without dashes, or argument name in lower case
	Short    string // one-letter form of a flag, "" for none
	Use      ArgUse
	Field    string // key of the field it fills; "" when it fills none
	Value    string // what a flag's value is called, "AUTHOR"; "" for boolean flags
	Equals   string // what a boolean filter or format flag stands for: --unread is read = "no"
	Compare  string // how a filter compares: "" equal, "<", "<=", ">", ">=", "prefix"
	Optional bool
	Many     bool
	Bool     bool
}

// usage is a command line of the spec before it is understood.
type usage struct {
	words []string
	args  []Arg
	flags []Arg
	text  string
	says  []string
	line  int
}

// ReadCommands reads the body of a Commands section, whose first line has the number first, for
// the program name over the entities that the Data section gave.
func ReadCommands(body string, first int, name string, entities []Entity) ([]Command, []Unknown) {
	var commands []Command
	var unknown []Unknown
	for _, u := range readUsages(body, first, name) {
		c, why := understand(u, entities, commands)
		if why != "" {
			unknown = append(unknown, Unknown{Text: strings.Join(u.words, " ") + ": " + u.text, Line: u.line, Why: why})
			continue
		}
		if slices.ContainsFunc(commands, func(o Command) bool { return o.Name == c.Name }) {
			unknown = append(unknown, Unknown{Text: c.Name, Line: c.Line, Why: "the command is described twice"})
			continue
		}
		if w := askedBeyond(c, entities, name); w != "" {
			unknown = append(unknown, Unknown{Text: c.Name + ": " + c.Text, Line: c.Line, Why: fmt.Sprintf("what is said about the command %s asks for more than rules give, at the word %q", c.Name, w)})
		}
		commands = append(commands, c)
	}
	return commands, unknown
}

var (
	codeSpan  = lazy("`([^`\n]+)`")
	itemStart = lazy(`^\s*(?:[-*+]|\d+[.)])\s+`)
	verbWord  = lazy(`^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$`)
	saysWord  = lazy(`(?i)\b(?:prints?|says?|outputs?|shows?|answers?|reports?|writes?)\s*(?:just|only|out)?\s*:?\s*$`)
)

// item is a list item, table row or paragraph of a section, with continuation lines joined.
type item struct {
	text string
	line int
}

// items splits a section body; lines of fenced blocks are items of their own, in backticks.
func items(body string, first int) []item {
	var out []item
	open, fenced := false, false
	for i, line := range strings.Split(body, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```"):
			fenced, open = !fenced, false
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
			open = false
		case fenced:
			usage, text, _ := strings.Cut(strings.TrimPrefix(trimmed, "$ "), "  ")
			out = append(out, item{"`" + usage + "` " + strings.TrimSpace(text), first + i})
		case itemStart.MatchString(line) || strings.HasPrefix(trimmed, "|"):
			out = append(out, item{strings.Trim(itemStart.ReplaceAllString(line, ""), "| "), first + i})
			open = true
		case open:
			out[len(out)-1].text += " " + trimmed
		default:
			out = append(out, item{trimmed, first + i})
			open = true
		}
	}
	return out
}

func readUsages(body string, first int, name string) []usage {
	var out []usage
	for _, it := range items(body, first) {
		last := -1
		spans := codeSpan.FindAllStringSubmatchIndex(it.text, -1)
		for i, s := range spans {
			end := len(it.text)
			if i+1 < len(spans) {
				end = spans[i+1][0]
			}
			span, before, after := it.text[s[2]:s[3]], it.text[:s[0]], it.text[s[1]:end]
			switch {
			case saysWord.MatchString(before) && last >= 0:
				out[last].says = append(out[last].says, span)
				out[last].text += "`" + span + "`" + after
			case strings.HasPrefix(span, "-") && last >= 0:
				out[last].flags = addMentioned(out[last].flags, span)
				out[last].text += "`" + span + "`" + after
			case isUsage(span, name, last < 0 && strings.TrimSpace(before) == ""):
				u := parseUsage(span, name)
				u.line, u.text = it.line, after
				out = append(out, u)
				last = len(out) - 1
			case last >= 0:
				out[last].text += "`" + span + "`" + after
			}
		}
	}
	for i := range out {
		out[i].text = strings.Trim(strings.TrimSpace(out[i].text), "|:;-–— ")
	}
	return out
}

// isUsage tells a usage line from other code in the prose: it starts with the program's name, or,
// at the start of an item or in front of an argument, with a verb that is known.
func isUsage(span, name string, leading bool) bool {
	words := strings.Fields(span)
	if len(words) == 0 {
		return false
	}
	if words[0] == name {
		return len(words) > 1 && verbWord.MatchString(words[1])
	}
	return leading && verbWord.MatchString(words[0])
}

// addMentioned adds a flag that only the prose names.
func addMentioned(flags []Arg, span string) []Arg {
	for _, f := range parseUsage("x "+span, "").flags {
		if !slices.ContainsFunc(flags, func(o Arg) bool { return o.Name == f.Name }) {
			f.Optional = true
			flags = append(flags, f)
		}
	}
	return flags
}
