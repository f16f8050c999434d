package blueprint

import (
	"slices"
	"strings"
)

// The rules are:
//   - The prose behind a command tells what the command does. Words that tell of more than its action
//     does are a demand that no rule covers: a confirmation, an e-mail, an average.
//   - Quoted forms of the output and the names of arguments, flags, fields and entities tell nothing more.

// commandWords are the words that tell of nothing beyond an action, by action; "" for all of them.
func commandWords(action string) string {
	switch action {
	case ActCreate:
		return `adds add creates create makes make registers register records record logs log notes note stores store saves save inserts enters opens open starts start lends lend borrows rents books book reserves plans schedules plants buys spends gives puts takes tracks issues hires joins new out`
	case ActList:
		return `everything lists list shows show prints print displays filtered filter filters sorted sort ordered order first those matching match between before after since until minimum maximum least most limit limited json also page including table line known already currently`
	case ActSearch:
		return `finds find searches search lists list shows show prints matching match matches contain contains containing word words text texts have has occur occurs somewhere case`
	case ActShow:
		return `shows show prints print displays display gives details detail everything known about full complete values value information all fields`
	case ActUpdate:
		return `changes change edits edit updates update sets set renames rename moves corrects modifies fields values value given notes records when was were new another rates assigns tags stamps`
	case ActSet:
		return `marks mark sets set makes make again active flags turns closes reopens finishes completes ends cancels returns brings back done state status pauses resumes archives restores changes open puts out takes`
	case ActDelete:
		return `deletes delete removes remove drops discards forgets together away throws gone belong belonging too also`
	case ActStats:
		return `everything counts count shows show prints print adds up sums sum totals total totalled number numbers amount how many there together overall statistics summary per each by group grouped much worth`
	case ActExport:
		return `exports export writes write saves save dumps backs up file files csv json format backup copy ending`
	case ActImport:
		return `back them imports import reads read loads load adds add restores file files csv json format backup ending`
	}
	return ""
}

// anyCommandWords tell of nothing beyond any action.
const anyCommandWords = `number numbers numbered id ids name names named title prints print says say its one ones several many more given optional optionally default it them i my me you your we our user person
	data tool command shown show same own usual available
	library collection inventory database store shelf list log journal diary box system catalogue catalog tracker register item items thing things entry entries stuff information info
	current existing specified particular certain exact exactly simply just line terminal screen formatted readable overview brief short long detailed gets get fetches rid as well user users world
	via using use uses through called like form`

// askedBeyond gives the first word of a command's prose that asks for more than the command does, "".
func askedBeyond(c Command, entities []Entity, program string) string {
	r := &reader{bp: &Blueprint{Entities: entities}}
	known := slices.Concat(stopWords(), r.nouns(), strings.Fields(anyCommandWords), strings.Fields(commandWords(c.Action)), nameParts(strings.ToLower(c.Name)), nameParts(strings.ToLower(program)))
	for _, a := range slices.Concat(c.Args, c.Flags) {
		known = append(known, nameParts(strings.ToLower(a.Name))...)
		known = append(known, nameParts(strings.ToLower(a.Value))...)
	}
	known = append(known, thirdPerson(strings.Fields(c.Name))...)
	text := strings.NewReplacer("newest first", "", "latest first", "").Replace(strings.ToLower(codeSpan.ReplaceAllString(c.Text, " ")))
	if slices.ContainsFunc(c.Flags, func(a Arg) bool { return a.Use == UseAll }) {
		known = append(known, strings.Fields("what open pending active unfinished undone left")...)
	}
	if i := slices.IndexFunc(entities, func(e Entity) bool { return e.Name == c.Entity }); i >= 0 && (c.Action == ActList || c.Action == ActSearch) {
		if w := unfiltered(text, entities[i], func(f Field) bool {
			return slices.ContainsFunc(slices.Concat(c.Args, c.Flags), func(a Arg) bool { return a.Field == f.Key || a.Use == UseAll })
		}); w != "" {
			return w
		}
	}
	for _, w := range nameParts(strings.ToLower(text)) {
		stem := strings.TrimSuffix(w, "s")
		if !slices.Contains(known, w) && !slices.Contains(known, stem) && !slices.ContainsFunc(known, func(k string) bool { return len(k) > 3 && akin(w, k) }) {
			return w
		}
	}
	return ""
}

// unfiltered gives the first yes/no field or choice that the prose of a list names while nothing
// filters by it: "lists the hidden ones" lists all of them. "" for none.
func unfiltered(prose string, e Entity, filters func(Field) bool) string {
	words := nameParts(strings.ToLower(prose))
	for _, f := range e.Fields {
		if filters(f) || f.List {
			continue
		}
		names := f.Choices
		if f.Kind == Bool {
			names = []string{f.Name, f.Key, "un" + f.Key}
		}
		for _, n := range names {
			if parts := nameParts(strings.ToLower(n)); len(parts) == 1 && (f.Kind == Bool || f.Kind == Choice) && slices.Contains(words, parts[0]) {
				return parts[0]
			}
		}
	}
	return ""
}
