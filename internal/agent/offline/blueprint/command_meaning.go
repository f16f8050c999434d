package blueprint

import (
	"slices"
	"strings"
)

// verbs gives the action of the words that commands begin or end with.
func verbAction(word string) string {
	switch word {
	case "add", "new", "create", "register", "record", "log", "insert", "enter", "put", "plan", "schedule", "open", "start",
		"lend", "borrow", "rent", "book", "reserve", "spend", "buy", "plant", "join", "issue", "hire", "note", "save", "track":
		return ActCreate
	case "list", "ls", "all":
		return ActList
	case "show", "get", "view", "info", "display":
		return ActShow
	case "edit", "update", "change", "modify", "set", "rename", "move", "tag", "correct":
		return ActUpdate
	case "remove", "delete", "rm", "del", "drop", "forget", "discard":
		return ActDelete
	case "search", "find", "grep":
		return ActSearch
	case "stats", "count", "total", "sum", "summary", "statistics":
		return ActStats
	case "export", "dump", "backup":
		return ActExport
	case "import", "load", "restore":
		return ActImport
	case "done", "finish", "complete", "close", "return", "mark", "archive", "cancel", "pay", "check", "undo", "reopen", "clear":
		return ActSet
	}
	return ActOther
}

// understand says what a usage does. The reason is empty when it is understood.
func understand(u usage, entities []Entity, earlier []Command) (Command, string) {
	c := Command{Name: strings.Join(u.words, " "), Args: u.args, Flags: u.flags, Says: u.says, Text: u.text, Line: u.line}
	if len(u.words) == 0 {
		return c, "no command word"
	}
	verb, noun := splitVerb(u.words, entities)
	c.Action = verbAction(verb)
	e := commandEntity(verb, noun, u, c.Action, entities)
	if e == nil {
		return c, "no entity of the Data section is what it works on"
	}
	c.Entity = e.Name
	if told := proseDenies(c.Action, u.text); told != "" {
		c.Action = told
	}
	if c.Action != ActCreate && namesEntity(verb, *e) && noun == "" && proseAction(u.text) == ActCreate {
		c.Action = ActCreate
	}
	if (c.Action == ActOther || verb == "undo" || verb == "clear") && proseAction(u.text) != "" {
		c.Action = proseAction(u.text)
	}
	if verbAction(verb) == ActOther && stampsField(u, verb, *e) {
		c.Action = ActUpdate
	}
	settle(&c, verb, *e, earlier)
	if c.Action == ActOther {
		return c, "the verb " + verb + " has no known meaning"
	}
	if noun == "" && len(entities) > 1 && (c.Action == ActStats || c.Action == ActExport || c.Action == ActImport) && !mentions(u.text, *e) {
		c.Entity = ""
		if c.Action != ActStats {
			return c, "nothing says which of the entities it is about"
		}
	}
	c.Flags = slices.DeleteFunc(slices.Clone(c.Flags), func(f Arg) bool { return f.Name == "data" && matchField("data", *e) == nil })
	if why := lacks(c); why != "" {
		return c, why
	}
	return c, bindArgs(&c, *e, entities)
}

// proseDenies gives the action that the first word of the prose names where the verb alone would
// make a record: "log" lists where the prose says so. "" where both agree.
func proseDenies(action, text string) string {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
	if action != ActCreate {
		return ""
	}
	switch strings.Trim(first, ".,;:()`") {
	case "list", "lists", "prints", "print", "shows", "displays":
		return ActList
	case "delete", "deletes", "remove", "removes":
		return ActDelete
	case "search", "searches", "find", "finds":
		return ActSearch
	case "counts", "count", "totals":
		return ActStats
	case "marks", "mark":
		return ActSet
	case "changes", "updates", "edits":
		return ActUpdate
	}
	return ""
}

// stampsField says whether a verb fills the field of a record that is named after it: "water NAME
// --on DATE" fills "watered".
func stampsField(u usage, verb string, e Entity) bool {
	if len(u.args) == 0 || len(u.args)+len(u.flags) < 2 {
		return false
	}
	first := matchField(u.args[0].Name, e)
	return (isIDName(u.args[0].Name) || namesEntity(u.args[0].Name, e) || first != nil && first.Unique) &&
		slices.ContainsFunc(e.Fields, func(f Field) bool {
			head, _, _ := strings.Cut(f.Key, "_")
			return (f.Kind == Date || f.Kind == DateTime) && sameStem(verb, head)
		})
}

// lacks says which argument an action cannot do without.
func lacks(c Command) string {
	switch c.Action {
	case ActShow, ActUpdate, ActSet, ActDelete:
		if len(c.Args) == 0 || c.Args[0].Optional {
			return "no argument says which record is meant"
		}
	case ActExport, ActImport:
		if len(c.Args) != 1 || c.Args[0].Optional {
			return "one argument must name the file"
		}
	case ActSearch:
		if len(c.Args) == 0 {
			return "no argument says what to search for"
		}
	}
	return ""
}

// splitVerb parts the words of a command's path into its verb and its noun, in either order.
func splitVerb(words []string, entities []Entity) (verb, noun string) {
	verb = words[len(words)-1]
	for i, w := range words {
		if len(words) > 1 && slices.ContainsFunc(entities, func(e Entity) bool { return namesEntity(w, e) }) {
			rest := slices.Delete(slices.Clone(words), i, i+1)
			return rest[len(rest)-1], w
		}
	}
	if before, after, ok := strings.Cut(verb, "-"); ok {
		for _, e := range entities {
			if namesEntity(after, e) {
				return before, after
			}
		}
	}
	return verb, ""
}

func namesEntity(word string, e Entity) bool {
	w := strings.ToLower(word)
	return w == squash(e.Name, "-") || w == squash(e.Plural, "-") || w == squash(e.Name, "") || w == squash(e.Name, "_")
}

func squash(name, sep string) string {
	return strings.Join(strings.Fields(strings.ToLower(name)), sep)
}

// commandEntity finds what a command works on: its noun, the noun that belongs to its verb, the
// entity whose fields its arguments name, the one that the prose names first; a tie goes to the
// first of the Data section.
func commandEntity(verb, noun string, u usage, action string, entities []Entity) *Entity {
	best, score := -1, -1
	for i, e := range entities {
		s := 0
		if action == ActSet && len(doneLike(verb, u.text, e)) > 0 {
			s += 4
		}
		if noun != "" && namesEntity(noun, e) {
			s += 1000
		}
		if related(verb, e.Name) {
			s += 100
		}
		s += 10 * fieldMatches(u, e)
		if at := mentionAt(u.text, e); at >= 0 {
			s += 9
			if !slices.ContainsFunc(entities, func(o Entity) bool { a := mentionAt(u.text, o); return a >= 0 && a < at }) {
				s += 6
			}
		}
		if action == ActCreate && hasRef(e) && idArg(u) {
			s += 5
		}
		if s > score {
			best, score = i, s
		}
	}
	if best < 0 {
		return nil
	}
	return &entities[best]
}

// related says whether a verb makes or ends a noun: lend and loan, reserve and reservation.
func related(verb, noun string) bool {
	n := strings.ToLower(noun)
	switch verb {
	case "lend", "return", "borrow":
		return n == "loan" || n == "lending" || n == "borrowing"
	case "spend":
		return n == "expense" || n == "spending"
	case "pay":
		return n == "payment" || n == "bill" || n == "invoice"
	case "log", "record":
		return n == "entry" || n == "record" || n == "log"
	}
	return len(verb) >= 4 && strings.HasPrefix(n, verb[:len(verb)-1])
}

func fieldMatches(u usage, e Entity) int {
	n := 0
	for _, a := range slices.Concat(u.args, u.flags) {
		if matchField(a.Name, e) != nil {
			n++
		}
	}
	return n
}

func hasRef(e Entity) bool {
	return slices.ContainsFunc(e.Fields, func(f Field) bool { return f.Kind == Ref })
}

func idArg(u usage) bool {
	return slices.ContainsFunc(u.args, func(a Arg) bool { return isIDName(a.Name) })
}

func isIDName(name string) bool {
	switch name {
	case "id", "n", "number", "num", "no", "#", "nr":
		return true
	}
	return false
}

func mentions(text string, e Entity) bool { return mentionAt(text, e) >= 0 }

// mentionAt gives the place of the first word of text that names e, or -1.
func mentionAt(text string, e Entity) int {
	lower := strings.ToLower(text)
	best := -1
	for _, w := range []string{strings.ToLower(e.Name), strings.ToLower(e.Plural)} {
		if i := wordAt(lower, w); i >= 0 && (best < 0 || i < best) {
			best = i
		}
	}
	return best
}

func wordAt(text, word string) int {
	if word == "" {
		return -1
	}
	for from := 0; from <= len(text); {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return -1
		}
		i += from
		if (i == 0 || !isLetter(text[i-1])) && (i+len(word) == len(text) || !isLetter(text[i+len(word)])) {
			return i
		}
		from = i + len(word)
	}
	return -1
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 }

var newRecord = lazy(`(?i)\bmakes (?:an? )?new\b`)

// proseAction reads the action from the first verbs of the prose: "adds a book", "marks it done".
func proseAction(text string) string {
	for _, w := range strings.Fields(strings.ToLower(text)) {
		w = strings.Trim(w, ".,;:()`")
		switch {
		case w == "marks" || w == "sets" || w == "flags" || w == "turns":
			return ActSet
		case w == "makes" && !newRecord.MatchString(text):
			return ""
		case w == "makes" || w == "inserts" || w == "stores" || w == "keeps" || w == "enters":
			return ActCreate
		case w == "prints" || w == "lists":
			return ActList
		case strings.HasSuffix(w, "es") && verbAction(w[:len(w)-2]) != ActOther:
			return verbAction(w[:len(w)-2])
		case strings.HasSuffix(w, "s") && verbAction(w[:len(w)-1]) != ActOther:
			return verbAction(w[:len(w)-1])
		}
	}
	return ""
}
