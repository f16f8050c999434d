package blueprint

import (
	"slices"
	"strings"
)

// Read reads a spec by rule. It never fails: what it does not understand stands in Unknown. The
// same text always gives the same blueprint, and any text gives one.
func Read(spec string) *Blueprint {
	d := readDocument(spec)
	r := &reader{doc: d, bp: &Blueprint{Name: d.front["name"], Title: d.title, Summary: d.summary}}
	r.bp.Type = projectType(d)
	r.data()
	r.acceptance()
	r.spellKeys()
	r.running()
	r.bp.Name = r.programName()
	r.endpoints()
	r.usualEndpoints()
	for i, e := range r.bp.Entities {
		if e.Plural == "" {
			r.bp.Entities[i].Plural = plural(strings.ToLower(e.Name))
		}
	}
	r.commands()
	r.rules()
	r.others()
	r.check()
	slices.SortStableFunc(r.bp.Unknown, func(a, b Unknown) int { return a.Line - b.Line })
	return r.bp
}

// Understands says whether the rules cover the lines first to last of the spec, and if not, why.
func (b *Blueprint) Understands(first, last int) (ok bool, why string) {
	for _, u := range b.Unknown {
		if u.Line >= first && u.Line <= last {
			return false, u.Why
		}
	}
	return true, ""
}

// reader fills a blueprint from a document.
type reader struct {
	doc   document
	bp    *Blueprint
	runAt int // line of Blueprint.Running
}

func (r *reader) unknown(line int, text, why string) {
	r.bp.Unknown = append(r.bp.Unknown, Unknown{Text: strings.TrimSpace(text), Line: line, Why: why})
}

// projectType is the type that the front matter says, else the one that the sections suggest.
func projectType(d document) string {
	t := strings.Join(nameParts(d.front["type"]), "-")
	switch t {
	case "rest-api", "rest", "api", "http-api", "rest-service", "web-api":
		return "rest-api"
	case "cli-tool", "cli", "command-line-tool", "command-line", "tool":
		return "cli-tool"
	case "":
		has := func(k sectionKind) bool {
			return slices.ContainsFunc(d.sections, func(s section) bool { return s.kind == k })
		}
		switch {
		case has(sectionEndpoints) && !has(sectionCommands):
			return "rest-api"
		case has(sectionCommands) && !has(sectionEndpoints):
			return "cli-tool"
		}
		return shownType(d)
	}
	return t
}

// shownType is the type that the code blocks suggest: requests or console sessions, "" for both.
func shownType(d document) string {
	http, console := false, false
	for _, s := range d.sections {
		for _, b := range s.blocks {
			http = http || acceptanceKind(b.Lang) == "http"
			console = console || acceptanceKind(b.Lang) == "console"
		}
	}
	switch {
	case http && !console:
		return "rest-api"
	case console && !http:
		return "cli-tool"
	default:
		return ""
	}
}

// programName is the name of the front matter, of the command that runs it, or of the title.
func (r *reader) programName() string {
	if r.bp.Name != "" {
		return r.bp.Name
	}
	if len(r.bp.Running) > 0 {
		return r.bp.Running[0]
	}
	return strings.ToLower(strings.Join(nameParts(r.bp.Title), "-"))
}

// entity finds an entity by the words people use for it: its name or its plural, in any case.
func (r *reader) entity(words string) *Entity {
	return findEntity(r.bp.Entities, words)
}

func findEntity(entities []Entity, words string) *Entity {
	w := squash(strings.Join(nameParts(words), " "), " ")
	if w == "" {
		return nil
	}
	for i, e := range entities {
		name := strings.ToLower(strings.Join(nameParts(e.Name), " "))
		if slices.Contains(plurals(name), w) || w == strings.ToLower(strings.Join(nameParts(e.Plural), " ")) {
			return &entities[i]
		}
	}
	return nil
}

// check reports what makes entities useless.
func (r *reader) check() {
	for _, e := range r.bp.Entities {
		if len(e.Fields) == 0 {
			r.unknown(e.Line, e.Name, "the entity "+e.Name+" has no field that is understood")
		}
	}
}
