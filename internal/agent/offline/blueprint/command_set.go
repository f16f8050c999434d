package blueprint

import (
	"slices"
	"strings"
)

// settle corrects the action that the verb alone suggests by what the entity and the arguments
// allow: "lend ID --to NAME" changes a book when there is no loan to create, "done ID" sets the
// field that its verb names.
func settle(c *Command, verb string, e Entity, earlier []Command) {
	switch c.Action {
	case ActCreate:
		if len(c.Args) == 1 && len(c.Flags) == 0 && slices.ContainsFunc(e.Fields, func(f Field) bool { return f.Kind == Bool && sameStem(verb, f.Key) }) {
			c.Action, c.Set = ActSet, doneLike(verb, c.Text, e)
			return
		}
		if namesRecord(c.Args) && !hasRef(e) {
			c.Action = ActUpdate
			c.Set = doneLike(verb, c.Text, e)
			if len(c.Set) > 0 {
				c.Action = ActSet
			}
		}
	case ActOther, ActSet, ActUpdate:
		if !namesRecord(c.Args) && !namesHandle(c.Args, e) && c.Action != ActSet {
			return
		}
		if len(c.Args) > 1 && c.Action == ActUpdate {
			return
		}
		if c.Action == ActUpdate && len(c.Flags) > 0 {
			return
		}
		if c.Set = doneLike(verb, c.Text, e); len(c.Set) == 0 {
			c.Set = undo(verb, e, earlier)
		}
		switch {
		case len(c.Set) > 0:
			c.Action = ActSet
		case len(c.Flags) > 0 || len(c.Args) > 1:
			c.Action = ActUpdate
		default:
			c.Action = ActOther
		}
	}
}

func namesRecord(args []Arg) bool {
	return len(args) > 0 && (isIDName(args[0].Name) || strings.HasSuffix(args[0].Name, "-id"))
}

// namesHandle says whether the first argument is called like the entity or its unique text.
func namesHandle(args []Arg, e Entity) bool {
	if len(args) == 0 {
		return false
	}
	f := matchField(args[0].Name, e)
	return namesEntity(args[0].Name, e) || f != nil && f.Unique
}

// undoes gives the verb that the given one takes back, "" for none.
func undoes(verb string) string {
	switch verb {
	case "resume", "continue":
		return "pause"
	case "restore", "revive":
		return "archive"
	case "reopen":
		return "close"
	case "enable", "activate":
		return "disable"
	case "deactivate":
		return "activate"
	case "disable":
		return "enable"
	case "stop":
		return "start"
	case "show", "reveal":
		return "hide"
	case "unlock":
		return "lock"
	}
	return ""
}

// doneLike finds the field a verb sets and its value: the yes/no field or the choice whose name
// has the verb's stem, then what the prose quotes, then the entity's one field that means done.
func doneLike(verb, text string, e Entity) []Match {
	negative := verb == "reopen" || verb == "undo" || verb == "clear"
	stem := verb
	if rest, ok := strings.CutPrefix(verb, "un"); ok && len(rest) > 2 {
		stem, negative = rest, true
	}
	for _, f := range e.Fields {
		if f.Kind == Bool && (sameStem(stem, f.Key) || sameStem(stem, strings.TrimPrefix(f.Key, "is_"))) {
			return []Match{{f.Key, yesNo(!negative)}}
		}
	}
	for _, f := range e.Fields {
		if back := undoes(verb); f.Kind == Bool && back != "" && (sameStem(back, f.Key) || sameStem(back, strings.TrimPrefix(f.Key, "is_"))) {
			return []Match{{f.Key, "no"}}
		}
	}
	for _, f := range e.Fields {
		for _, v := range f.Choices {
			if sameStem(stem, v) {
				return []Match{{f.Key, v}}
			}
		}
	}
	if m := proseSet(text, e); m != nil {
		return m
	}
	if !means(verb, "done") && !negative {
		return nil
	}
	for _, f := range e.Fields {
		if f.Kind == Bool && means(f.Key, "done") {
			return []Match{{f.Key, yesNo(!negative)}}
		}
	}
	for _, f := range e.Fields {
		for _, v := range f.Choices {
			if !negative && means(v, "done") {
				return []Match{{f.Key, v}}
			}
		}
		if negative && f.Kind == Choice && f.Default != "" && slices.ContainsFunc(f.Choices, func(v string) bool { return means(v, "done") }) {
			return []Match{{f.Key, f.Default}}
		}
	}
	return nil
}

// proseSet reads "marks the loan returned", "sets status to lost".
func proseSet(text string, e Entity) []Match {
	lower := strings.ToLower(strings.ReplaceAll(text, "`", ""))
	for _, f := range e.Fields {
		for _, v := range f.Choices {
			for _, lead := range []string{" as ", " to ", "it ", strings.ToLower(e.Name) + " "} {
				if wordAt(lower, strings.TrimLeft(lead, " ")+strings.ToLower(v)) >= 0 {
					return []Match{{f.Key, v}}
				}
			}
		}
	}
	for _, f := range e.Fields {
		if f.Kind == Bool && wordAt(lower, strings.ToLower(f.Name)) >= 0 {
			return []Match{{f.Key, yesNo(!strings.Contains(lower, "not "+strings.ToLower(f.Name)))}}
		}
	}
	return nil
}

// undo clears the fields that an earlier command of the same entity fills through flags alone:
// "return ID" after "lend ID --to NAME" on a field "lent to".
func undo(verb string, e Entity, earlier []Command) []Match {
	if verb != "return" && verb != "clear" && verb != "undo" && verb != "release" {
		return nil
	}
	for _, c := range slices.Backward(earlier) {
		if c.Entity != e.Name || c.Action != ActUpdate || verbAction(c.Name) != ActCreate {
			continue
		}
		var m []Match
		for _, a := range slices.Concat(c.Args, c.Flags) {
			if a.Use == UseField && a.Field != "" {
				m = append(m, Match{Field: a.Field})
			}
		}
		return m
	}
	return nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// means says whether a word is one of those that say done.
func means(word, what string) bool {
	switch word {
	case "done", "finish", "finished", "complete", "completed", "close", "closed", "check", "checked", "return", "returned", "tick", "ticked":
		return what == "done"
	}
	return false
}

// sameStem compares a verb with a field or a choice: pay and paid, return and returned.
func sameStem(verb, word string) bool {
	word = strings.ToLower(word)
	if verb == word {
		return true
	}
	switch verb {
	case "pay":
		return word == "paid"
	case "lend":
		return word == "lent"
	case "sell":
		return word == "sold"
	case "break":
		return word == "broken"
	case "send":
		return word == "sent"
	case "lose":
		return word == "lost"
	case "feed":
		return word == "fed"
	}
	base := strings.TrimSuffix(verb, "e")
	if strings.HasSuffix(base, "y") && word == strings.TrimSuffix(base, "y")+"ied" {
		return true
	}
	rest, ok := strings.CutPrefix(word, base)
	return ok && len(base) > 2 && (rest == "ed" || rest == "d" || rest == "n" || rest == "en" || rest == base[len(base)-1:]+"ed")
}
